"""What a grant is called with, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.protocol.records import SenderKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.client_auth import Proof
    from idp.protocol.provider import Provider

MICROS = 1_000_000
"""An authorization counts its instants in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class GrantCall:
    """One token request: the form as it came, who proved to have sent it, and the one instant that it happens at.

    `sender` is the key that the request proved to hold: what it is given is bound to it.
    """

    form: Mapping[str, str] = field(repr=False)
    proof: Proof
    provider: Provider
    now: datetime
    sender: SenderKey = field(default_factory=SenderKey)


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A successful answer (RFC 6749 section 5.1)."""

    members: Mapping[str, Any] = field(repr=False)
