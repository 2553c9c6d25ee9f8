"""What can go wrong, drawn as a tree. Public text is public; `detail` goes to the log only.

SenError
├── ProtocolError                  an answer to a relying party: wire code, HTTP status
│   ├── InvalidRequest             400 invalid_request
│   ├── InvalidClient              401 invalid_client
│   ├── InvalidGrant               400 invalid_grant
│   ├── UnauthorizedClient         400 unauthorized_client
│   ├── UnsupportedGrantType       400 unsupported_grant_type
│   ├── UnsupportedResponseType    400 unsupported_response_type
│   ├── InvalidScope               400 invalid_scope
│   ├── InvalidTarget              400 invalid_target
│   ├── InvalidAuthorizationDetails 400 invalid_authorization_details
│   ├── InvalidToken               401 invalid_token
│   ├── InvalidDpopProof           400 invalid_dpop_proof
│   │   └── DpopProofRefused       401 invalid_dpop_proof, where an access token is used
│   ├── UseDpopNonce               400 use_dpop_nonce
│   │   └── DpopNonceNeeded        401 use_dpop_nonce, where an access token is used
│   ├── InsufficientScope          403 insufficient_scope
│   ├── AccessDenied               403 access_denied
│   ├── LoginRequired              400 login_required
│   ├── ConsentRequired            400 consent_required
│   ├── InteractionRequired        400 interaction_required
│   ├── UnmetAuthentication        400 unmet_authentication_requirements
│   ├── RequestNotSupported        400 request_not_supported
│   ├── RequestUriNotSupported     400 request_uri_not_supported
│   ├── InvalidRequestUri          400 invalid_request_uri
│   ├── InvalidRequestObject       400 invalid_request_object
│   ├── MethodNotAllowed           405 invalid_request
│   ├── TooLarge                   413 invalid_request
│   ├── UnsupportedMediaType       415 invalid_request
│   ├── SlowDown                   429 slow_down
│   ├── ServerError                500 server_error
│   └── TemporarilyUnavailable     503 temporarily_unavailable
├── LoginError                     an answer to a citizen: a key of the error page's text
│   ├── AssertionRefused           the passkey, the challenge or the person did not fit: one answer for all
│   ├── RegistrationRefused        a new passkey did not fit
│   ├── CodeRefused                number and code did not fit: one answer for all
│   ├── TooManyAttempts            a limit was reached
│   ├── TransactionLost            the login was begun elsewhere, or too long ago
│   └── RegisterAnswer             what the population register said, to one who has proved a valid code
├── OutboundError                  a call to another did not come about
│   ├── OutboundRefused            its address is not one that is called from here: trying again is no use
│   └── NoAnswer                   nothing acceptable came in time: trying again may help
├── SettingsError                  settings are broken: every reason at once
└── NotKnown                       an operator named something that is not there
"""

from __future__ import annotations

from typing import ClassVar


class SenError(Exception):
    """The root. `public` may be shown to anyone; `detail` is for the log."""

    def __init__(self, public: str, *, detail: str = "") -> None:
        """Keep the public text and the private detail apart."""
        super().__init__(public)
        self.public = public
        self.detail = detail


class ProtocolError(SenError):
    """An error of the protocol, rendered as JSON or as a redirect (RFC 6749 sections 4.1.2.1 and 5.2)."""

    code: ClassVar[str] = "invalid_request"
    status: ClassVar[int] = 400


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
    """The access token is not, or no longer, good (RFC 6750 section 3.1)."""

    code = "invalid_token"
    status = 401


class InvalidDpopProof(ProtocolError):
    """The DPoP proof is missing, or not good for this request (RFC 9449 section 5)."""

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


class InteractionRequired(ProtocolError):
    """Some page is needed and none may be shown (OpenID Connect Core section 3.1.2.6)."""

    code = "interaction_required"


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


class ServerError(ProtocolError):
    """Something broke here; the incident number is in the log."""

    code = "server_error"
    status = 500


class TemporarilyUnavailable(ProtocolError):
    """A store does not answer; trying again is safe."""

    code = "temporarily_unavailable"
    status = 503


class LoginError(SenError):
    """An answer to a citizen; `reason` picks the text of the page."""

    reason: ClassVar[str] = "login"
    status: ClassVar[int] = 400


class AssertionRefused(LoginError):
    """The passkey, the challenge or the person did not fit: one answer for every reason."""

    reason = "assertion_refused"


class RegistrationRefused(LoginError):
    """A new passkey did not fit."""

    reason = "registration_refused"


class CodeRefused(LoginError):
    """Number and code did not fit: one answer for every reason."""

    reason = "code_refused"


class TooManyAttempts(LoginError):
    """A limit was reached; `wait_seconds` says for how long."""

    reason = "too_many_attempts"
    status = 429

    def __init__(self, public: str, *, wait_seconds: int, detail: str = "") -> None:
        """Keep how long to wait beside the text."""
        super().__init__(public, detail=detail)
        self.wait_seconds = wait_seconds


class TransactionLost(LoginError):
    """The login was begun in another browser, or too long ago."""

    reason = "transaction_lost"


class RegisterAnswer(LoginError):
    """What the population register said: `not_found`, `does_not_match` or `unavailable`."""

    reason = "register"

    def __init__(self, public: str, *, answer: str, register: str, detail: str = "") -> None:
        """Keep the answer and the register's name beside the text."""
        super().__init__(public, detail=detail)
        self.answer = answer
        self.register = register


class OutboundError(SenError):
    """A call to another did not come about; the public text begins with a capital "Its" or "It": the address."""


class OutboundRefused(OutboundError):
    """The address is not one that is called from here; trying again is no use."""


class NoAnswer(OutboundError):
    """Nothing acceptable came in time; trying again may help."""


class SettingsError(SenError):
    """Settings are broken; `reasons` lists all of them."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        """Keep every reason; the public text lists them."""
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class NotKnown(SenError):
    """An operator named something that is not there."""
