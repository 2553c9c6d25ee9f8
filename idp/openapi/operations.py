"""OPERATIONS: path -> method -> what it takes and what it answers; the paths and methods are those of ROUTES."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from idp.endpoints import grants
from idp.endpoints.introspect import SIGNED
from idp.endpoints.userinfo import INTERACTION
from idp.errors import (
    DpopNonceNeeded,
    DpopProofRefused,
    InsufficientScope,
    InvalidAuthorizationDetails,
    InvalidClient,
    InvalidDpopProof,
    InvalidGrant,
    InvalidRequestObject,
    InvalidRequestUri,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    NotFound,
    RequestNotSupported,
    RequestUriNotSupported,
    SlowDown,
    UnauthorizedClient,
    UnmetAuthentication,
    UnsupportedGrantType,
    UnsupportedResponseType,
    UseDpopNonce,
)
from idp.openapi import parameters
from idp.openapi.answers import Operation, Success, reference
from idp.openapi.parameters import ACCESS, CLIENT, CLIENT_ID, GRANT_ID, METADATA, PROOF, TOKEN_OF
from idp.openapi.schemas import TEXT, Schema
from idp.protocol.grants.decoupled.refusals import (
    AuthorizationPending,
    CitizenDenied,
    ExpiredToken,
    InvalidBindingMessage,
    PolledTooFast,
)
from idp.relying_parties.refusals import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidSoftwareStatement,
    UnapprovedSoftwareStatement,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.errors import ProtocolError

Refusals = tuple[type["ProtocolError"], ...]

AUTHENTICATED: Final[Refusals] = (InvalidClient, SlowDown)
PROVED: Final[Refusals] = (InvalidDpopProof, UseDpopNonce)
ELSEWHERE: Final[Refusals] = (
    UnauthorizedClient, InvalidScope, InvalidTarget, InvalidAuthorizationDetails, UnmetAuthentication,
)  # fmt: skip
"""What the checks say that any request for a citizen's answer goes through."""

CHECKED: Final[Refusals] = (*ELSEWHERE, UnsupportedResponseType, InvalidRequestObject)
USED: Final[Refusals] = (InvalidToken, DpopProofRefused, DpopNonceNeeded)
"""What is said where an access token is used."""

REGISTERED: Final[Refusals] = (
    InvalidClientMetadata, InvalidRedirectUri, InvalidSoftwareStatement, UnapprovedSoftwareStatement,
)  # fmt: skip

NONCE: Final[dict[str, Schema]] = {"DPoP-Nonce": TEXT}
KEPT: Final[dict[str, Schema]] = {
    "Cache-Control": {"type": "string", "pattern": "^public, max-age=[0-9]+$"},
    "ETag": TEXT,
}


def _json(status: int, text: str, name: str, **more: Any) -> Success:
    return Success(status, text, {"application/json": reference(name)}, **more)


def _proved(status: int, text: str, name: str) -> Success:
    return _json(status, text, name, headers=NONCE, optional=frozenset(NONCE))


def _kept(summary: str, name: str, kind: str = "application/json") -> Operation:
    """Return a document that may be kept, and asked for again with its ETag."""
    return Operation(
        summary,
        (
            Success(200, "The document.", {kind: reference(name)}, headers=KEPT, kept=True),
            Success(304, "Unchanged since the ETag of If-None-Match.", headers=KEPT, kept=True),
        ),
        parameters=({"name": "If-None-Match", "in": "header", "schema": TEXT},),
    )


def _registration(summary: str, answer: Success, *, body: bool) -> Operation:
    creates = answer.status == 201  # noqa: PLR2004  RFC 7591 section 3.2.1
    return Operation(
        summary,
        (answer,),
        (InvalidToken, SlowDown, *(REGISTERED if body else ())),
        parameters=() if creates else (CLIENT_ID,),
        body=METADATA if body else None,
        security=("bearer", "") if creates else ("bearer",),
    )


def _own(summary: str, answer: Success) -> Operation:
    """Return what the machine itself asks for, by whatever name it has."""
    return Operation(summary, (answer,), anywhere=True)


METADATA_DOCUMENT: Final = _kept("What this provider offers (RFC 8414, OpenID Connect Discovery).", "ProviderMetadata")

AUTHORIZE_ANSWERS: Final = (
    Success(
        303,
        "To the citizen's login or consent, or back to the redirect address with `code` or `error`.",
        headers={"Location": TEXT, "Set-Cookie": TEXT},
        optional=frozenset({"Set-Cookie"}),
    ),
    Success(
        200, "A page that posts the answer to the redirect address (Form Post Response Mode).", {"text/html": TEXT}
    ),
)
AUTHORIZE_REFUSALS: Final = (*CHECKED, RequestNotSupported, InvalidRequestUri, RequestUriNotSupported, SlowDown)

USERINFO: Final = Operation(
    "What the citizen agreed to share (OpenID Connect Core section 5.3).",
    (
        Success(
            200,
            "The claims: plain, or signed or encrypted as the relying party has registered.",
            {"application/json": reference("Claims"), "application/jwt": reference("Token")},
            headers={**NONCE, INTERACTION: {"type": "string", "format": "uuid"}},
            optional=frozenset(NONCE),
        ),
    ),
    (*USED, UnauthorizedClient),
    parameters=(PROOF,),
    security=ACCESS,
)


def _grant(summary: str, answer: Success) -> Operation:
    return Operation(
        summary, (answer,), (*USED, InsufficientScope, NotFound), parameters=(GRANT_ID, PROOF), security=ACCESS
    )


OPERATIONS: Final[Mapping[str, Mapping[str, Operation]]] = {
    "/.well-known/openid-configuration": {"GET": METADATA_DOCUMENT},
    "/.well-known/oauth-authorization-server": {"GET": METADATA_DOCUMENT},
    "/jwks": {"GET": _kept("The keys that verify what is signed here.", "KeySet", "application/jwk-set+json")},
    "/par": {
        "POST": Operation(
            "Push an authorization request (RFC 9126).",
            (_proved(201, "Kept for a short while, under this name.", "Pushed"),),
            (*AUTHENTICATED, *PROVED, *CHECKED),
            parameters=(PROOF,),
            body=parameters.PUSHED,
            security=CLIENT,
        )
    },
    "/authorize": {
        "GET": Operation(
            "Ask who a citizen is (OpenID Connect Core section 3.1.2).",
            AUTHORIZE_ANSWERS,
            AUTHORIZE_REFUSALS,
            parameters=parameters.QUERY,
        ),
        "POST": Operation(
            "The same, by a form; one that comes without our cookies is checked, and goes on by GET.",
            AUTHORIZE_ANSWERS,
            AUTHORIZE_REFUSALS,
            body=parameters.POSTED,
        ),
    },
    "/token": {
        "POST": Operation(
            "Get tokens (RFC 6749 section 3.2).",
            (_proved(200, "The tokens.", "Tokens"),),
            (
                *AUTHENTICATED, *PROVED, InvalidGrant, UnsupportedGrantType, UnauthorizedClient, InvalidScope,
                InvalidTarget, InvalidAuthorizationDetails, AuthorizationPending, PolledTooFast, ExpiredToken,
                CitizenDenied,
            ),
            parameters=(PROOF,),
            body=parameters.token_form(),
            security=CLIENT,
        )
    },
    "/device_authorization": {
        "POST": Operation(
            "Begin a login on a device without a browser (RFC 8628).",
            (_json(200, "The codes.", "DeviceCode"),),
            (*AUTHENTICATED, *PROVED, *ELSEWHERE, RequestNotSupported),
            parameters=(PROOF,),
            body=parameters.DEVICE,
            security=CLIENT,
        )
    },
    "/bc-authorize": {
        "POST": Operation(
            "Ask a citizen to approve on a device of the own (CIBA).",
            (_json(200, "The request waits for its citizen.", "BackchannelRequest"),),
            (*AUTHENTICATED, *ELSEWHERE, InvalidBindingMessage),
            body=parameters.BACKCHANNEL_FORM,
            security=CLIENT,
        )
    },
    "/userinfo": {"GET": USERINFO, "POST": replace(USERINFO, body=parameters.USERINFO)},
    "/revoke": {
        "POST": Operation(
            "Give a token back, and with it its whole authorization (RFC 7009).",
            (_json(200, "It is good no longer, if it ever was.", "Nothing"),),
            AUTHENTICATED,
            body=TOKEN_OF,
            security=CLIENT,
        )
    },
    "/introspect": {
        "POST": Operation(
            "Ask what a token is (RFC 7662).",
            (
                Success(
                    200,
                    "What the token is: plain, or signed where that is asked for or registered (RFC 9701).",
                    {"application/json": reference("Introspection"), SIGNED: reference("Token")},
                ),
            ),
            (*AUTHENTICATED, UnauthorizedClient),
            body=TOKEN_OF,
            security=CLIENT,
        )
    },
    grants.PATH: {
        "GET": _grant("Look at a grant (Grant Management).", _json(200, "What was granted.", "Grant")),
        "DELETE": _grant("Give a grant back.", Success(204, "It is ended.")),
    },
    "/register": {
        "POST": _registration(
            "Register a relying party (RFC 7591).", _json(201, "It is registered.", "Registered"), body=True
        ),
        "GET": _registration("Read a registration (RFC 7592).", _json(200, "As it is.", "Registered"), body=False),
        "PUT": _registration("Change a registration.", _json(200, "As it is now.", "Registered"), body=True),
        "DELETE": _registration("End a registration.", Success(204, "It is ended."), body=False),
    },
    "/health/live": {"GET": _own("Whether this worker answers.", _json(200, "It does.", "Health"))},
    "/health/ready": {"GET": _own("Whether this worker can work.", _json(200, "It can.", "Health"))},
    "/metrics": {"GET": _own("Counters of all workers.", Success(200, "All of them.", {"text/plain": TEXT}))},
}  # fmt: skip
