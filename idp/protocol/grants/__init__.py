"""GRANTS: grant_type -> the function that answers it, read top to bottom in its own file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.protocol.grants import authorization_code, refresh_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.protocol.grants.call import GrantCall, TokenAnswer

GRANTS: dict[str, Callable[[GrantCall], TokenAnswer]] = {
    "authorization_code": authorization_code.answer,
    "refresh_token": refresh_token.answer,
}
