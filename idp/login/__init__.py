"""METHODS: the ways to log in, in the order in which they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.login.passkey_method import PasskeyMethod

if TYPE_CHECKING:
    from idp.login.method import Method

METHODS: dict[str, type[Method]] = {"passkey": PasskeyMethod}
