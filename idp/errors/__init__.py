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
│   ├── UnmetAuthentication        400 unmet_authentication_requirements
│   ├── RequestNotSupported        400 request_not_supported
│   ├── RequestUriNotSupported     400 request_uri_not_supported
│   ├── InvalidRequestUri          400 invalid_request_uri
│   ├── InvalidRequestObject       400 invalid_request_object
│   ├── NotFound                   404 not_found
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
│   │   └── AccountRefused         the code is good, but does not open the account of its number
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

from idp.errors.people import (
    AccountRefused,
    AssertionRefused,
    CodeRefused,
    LoginError,
    NoAnswer,
    NotKnown,
    OutboundError,
    OutboundRefused,
    RegisterAnswer,
    RegistrationRefused,
    SettingsError,
    TooManyAttempts,
    TransactionLost,
)
from idp.errors.protocol import (
    AccessDenied,
    ConsentRequired,
    DpopNonceNeeded,
    DpopProofRefused,
    InsufficientScope,
    InvalidAuthorizationDetails,
    InvalidClient,
    InvalidDpopProof,
    InvalidGrant,
    InvalidRequest,
    InvalidRequestObject,
    InvalidRequestUri,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    LoginRequired,
    MethodNotAllowed,
    NotFound,
    ProtocolError,
    RequestNotSupported,
    RequestUriNotSupported,
    ServerError,
    SlowDown,
    TemporarilyUnavailable,
    TooLarge,
    UnauthorizedClient,
    UnmetAuthentication,
    UnsupportedGrantType,
    UnsupportedMediaType,
    UnsupportedResponseType,
    UseDpopNonce,
)
from idp.errors.root import SenError

__all__ = [
    "AccessDenied",
    "AccountRefused",
    "AssertionRefused",
    "CodeRefused",
    "ConsentRequired",
    "DpopNonceNeeded",
    "DpopProofRefused",
    "InsufficientScope",
    "InvalidAuthorizationDetails",
    "InvalidClient",
    "InvalidDpopProof",
    "InvalidGrant",
    "InvalidRequest",
    "InvalidRequestObject",
    "InvalidRequestUri",
    "InvalidScope",
    "InvalidTarget",
    "InvalidToken",
    "LoginError",
    "LoginRequired",
    "MethodNotAllowed",
    "NoAnswer",
    "NotFound",
    "NotKnown",
    "OutboundError",
    "OutboundRefused",
    "ProtocolError",
    "RegisterAnswer",
    "RegistrationRefused",
    "RequestNotSupported",
    "RequestUriNotSupported",
    "SenError",
    "ServerError",
    "SettingsError",
    "SlowDown",
    "TemporarilyUnavailable",
    "TooLarge",
    "TooManyAttempts",
    "TransactionLost",
    "UnauthorizedClient",
    "UnmetAuthentication",
    "UnsupportedGrantType",
    "UnsupportedMediaType",
    "UnsupportedResponseType",
    "UseDpopNonce",
]
