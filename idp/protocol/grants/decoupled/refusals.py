"""What a relying party is told that asks for tokens before, or without, its citizen's answer.

Source: RFC 8628 section 3.5, OpenID Connect CIBA Core sections 11 and 13.
"""

from __future__ import annotations

from idp.errors import ProtocolError


class AuthorizationPending(ProtocolError):
    """The citizen has not answered yet."""

    code = "authorization_pending"


class PolledTooFast(ProtocolError):
    """The citizen has not answered yet, and the next question has to wait five seconds longer."""

    code = "slow_down"


class ExpiredToken(ProtocolError):
    """Nobody answered in time."""

    code = "expired_token"


class CitizenDenied(ProtocolError):
    """The citizen said no, or did not recognise what the other device shows."""

    code = "access_denied"


class InvalidBindingMessage(ProtocolError):
    """The binding message is missing where it must be there, or is not one that can be shown."""

    code = "invalid_binding_message"
