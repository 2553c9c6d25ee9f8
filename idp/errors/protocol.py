"""Answers to a relying party: each class carries its wire code and HTTP status."""

from __future__ import annotations

from typing import ClassVar

from idp.errors.root import SenError


class ProtocolError(SenError):
    """An error of the protocol, rendered as JSON or as a redirect (RFC 6749 sections 4.1.2.1 and 5.2)."""

    code: ClassVar[str] = "invalid_request"
    status: ClassVar[int] = 400
    wait_seconds: int | None = None
    """After how long trying again may help, for Retry-After (RFC 9110 section 10.2.3); None where it never does."""


class InvalidRequest(ProtocolError):
    """A parameter is missing, repeated or malformed (RFC 6749 section 5.2)."""


class InvalidClient(ProtocolError):
    """The relying party did not prove who it is; one answer for every reason (RFC 6749 section 5.2)."""

    code = "invalid_client"
    status = 401


class InvalidGrant(ProtocolError):
    """The code or refresh token is not, or no longer, good (RFC 6749 section 5.2)."""

    code = "invalid_grant"


class UnauthorizedClient(ProtocolError):
    """The relying party may not use this grant or response (RFC 6749 section 5.2)."""

    code = "unauthorized_client"


class UnsupportedGrantType(ProtocolError):
    """No such grant (RFC 6749 section 5.2)."""

    code = "unsupported_grant_type"


class UnsupportedResponseType(ProtocolError):
    """Only `code` is answered (RFC 6749 section 4.1.2.1)."""

    code = "unsupported_response_type"


class InvalidScope(ProtocolError):
    """More was asked than was agreed (RFC 6749 section 5.2)."""

    code = "invalid_scope"


class InvalidTarget(ProtocolError):
    """The resource is not one that this relying party may ask for (RFC 8707 section 2)."""

    code = "invalid_target"


class InvalidAuthorizationDetails(ProtocolError):
    """What is asked is of no known type, not shaped as its type says, or more than was agreed (RFC 9396 section 5)."""

    code = "invalid_authorization_details"


class InvalidToken(ProtocolError):
    """The access token is not, or no longer, good, or none was `sent` (RFC 6750 section 3.1)."""

    code = "invalid_token"
    status = 401

    def __init__(self, public: str, *, detail: str = "", sent: bool = True) -> None:
        """Keep whether there was a token at all beside the text."""
        super().__init__(public, detail=detail)
        self.sent = sent


class InvalidDpopProof(ProtocolError):
    """The DPoP proof is not good for this request (RFC 9449 section 5)."""

    code = "invalid_dpop_proof"


class DpopProofRefused(InvalidDpopProof):
    """The same where an access token is used (RFC 9449 section 7.1)."""

    status = 401


class UseDpopNonce(ProtocolError):
    """The DPoP proof must carry the nonce that stands beside the refusal (RFC 9449 section 8)."""

    code = "use_dpop_nonce"

    def __init__(self, public: str, *, nonce: str, detail: str = "") -> None:
        """Keep the nonce beside the text."""
        super().__init__(public, detail=detail)
        self.nonce = nonce


class DpopNonceNeeded(UseDpopNonce):
    """The same where an access token is used (RFC 9449 section 9)."""

    status = 401


class InsufficientScope(ProtocolError):
    """The access token does not reach this far (RFC 6750 section 3.1)."""

    code = "insufficient_scope"
    status = 403


class AccessDenied(ProtocolError):
    """The citizen said no (RFC 6749 section 4.1.2.1)."""

    code = "access_denied"
    status = 403


class LoginRequired(ProtocolError):
    """A login is needed and no page may be shown (OpenID Connect Core section 3.1.2.6)."""

    code = "login_required"


class ConsentRequired(ProtocolError):
    """Consent is needed and no page may be shown (OpenID Connect Core section 3.1.2.6)."""

    code = "consent_required"


class UnmetAuthentication(ProtocolError):
    """The asked level cannot be reached (OpenID Connect Unmet Authentication Requirements 1.0)."""

    code = "unmet_authentication_requirements"


class RequestNotSupported(ProtocolError):
    """Request objects are not taken here (OpenID Connect Core section 3.1.2.6)."""

    code = "request_not_supported"


class RequestUriNotSupported(ProtocolError):
    """A request_uri that we did not issue is never fetched (OpenID Connect Core section 3.1.2.6)."""

    code = "request_uri_not_supported"


class InvalidRequestUri(ProtocolError):
    """The pushed request is unknown, used or too old (RFC 9101 section 6.2)."""

    code = "invalid_request_uri"


class InvalidRequestObject(ProtocolError):
    """The signed request is not good (RFC 9101 section 6)."""

    code = "invalid_request_object"


class NotFound(ProtocolError):
    """There is no such grant of this relying party (Grant Management for OAuth 2.0 section 6)."""

    code = "not_found"
    status = 404


class MethodNotAllowed(ProtocolError):
    """The endpoint does not speak this HTTP method."""

    status = 405


class TooLarge(ProtocolError):
    """The body is larger than any honest request."""

    status = 413


class UnsupportedMediaType(ProtocolError):
    """The body is not application/x-www-form-urlencoded."""

    status = 415


class SlowDown(ProtocolError):
    """A limit was reached (RFC 6585 section 4)."""

    code = "slow_down"
    status = 429

    def __init__(self, public: str, *, wait_seconds: int, detail: str = "") -> None:
        """Keep the window of the limit beside the text."""
        super().__init__(public, detail=detail)
        self.wait_seconds = wait_seconds


class ServerError(ProtocolError):
    """Something broke here; the incident number is in the log."""

    code = "server_error"
    status = 500


class TemporarilyUnavailable(ProtocolError):
    """A store does not answer; trying again is safe."""

    code = "temporarily_unavailable"
    status = 503
    wait_seconds = 5
