"""What relying parties send: the parameters of each request, in the RFCs' words, and how they prove who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.endpoints._http import FORM
from idp.openapi.answers import reference
from idp.openapi.schemas import TEXT, Schema
from idp.protocol.authorization_response import MODES
from idp.protocol.client_auth.private_key_jwt import ASSERTION_TYPE
from idp.protocol.grants import GRANTS
from idp.protocol.grants.decoupled.backchannel_request import PARAMETERS as BACKCHANNEL
from idp.protocol.grants.token_exchange import TOKEN_TYPES
from idp.protocol.request_checks import PROMPTS
from idp.protocol.request_object import PARAMETERS
from idp.relying_parties.profiles import CIBA, DEVICE_CODE, TOKEN_EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECURITY_SCHEMES: Final[dict[str, Schema]] = {
    "client_secret_basic": {"type": "http", "scheme": "basic"},
    "mutual_tls": {"type": "mutualTLS", "description": "tls_client_auth and self_signed_tls_client_auth (RFC 8705)."},
    "bearer": {"type": "http", "scheme": "bearer"},
    "dpop": {"type": "http", "scheme": "dpop", "description": "With a proof in the DPoP header (RFC 9449)."},
}
CLIENT: Final = ("client_secret_basic", "mutual_tls", "")
"""How a relying party proves who it is in a header or by its connection; the empty one: by fields of the form."""

ACCESS: Final = ("bearer", "dpop")

PROOF: Final[Schema] = {"name": "DPoP", "in": "header", "schema": TEXT, "description": "RFC 9449 section 4.1."}

AUTHENTICATION: Final[Mapping[str, Schema]] = {
    "client_id": TEXT,
    "client_secret": TEXT,
    "client_assertion": TEXT,
    "client_assertion_type": {"const": ASSERTION_TYPE},
}
SPECIAL: Final[Mapping[str, Schema]] = {
    "response_type": {"const": "code"},
    "response_mode": {"enum": list(MODES)},
    "code_challenge": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    "code_challenge_method": {"const": "S256"},
    "dpop_jkt": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    "max_age": {"type": "integer", "minimum": 0},
    "prompt": {"type": "string", "description": f"Of {', '.join(sorted(PROMPTS))}, with spaces between them."},
    "requested_expiry": {"type": "integer", "minimum": 1},
    "resource": {"type": "string", "description": "May stand several times (RFC 8707 section 2)."},
    "claims": {"type": "string", "contentMediaType": "application/json"},
    "authorization_details": {"type": "string", "contentMediaType": "application/json"},
    "subject_token_type": {"enum": sorted(TOKEN_TYPES)},
    "actor_token_type": {"enum": sorted(TOKEN_TYPES)},
    "requested_token_type": {"enum": sorted(TOKEN_TYPES)},
}
"""Parameters that are more than a text."""

NARROWING: Final = ("scope", "resource", "authorization_details")

GRANT_PARAMETERS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "authorization_code": (("code",), ("redirect_uri", "code_verifier", *NARROWING)),
    "refresh_token": (("refresh_token",), NARROWING),
    "client_credentials": (("resource",), ("scope",)),
    TOKEN_EXCHANGE: (
        ("subject_token", "subject_token_type", "resource"),
        ("actor_token", "actor_token_type", "requested_token_type", "scope", "authorization_details"),
    ),
    DEVICE_CODE: (("device_code",), ()),
    CIBA: (("auth_req_id",), ()),
}
"""What each grant takes: what must be there, and what may."""


def _properties(names: Iterable[str]) -> dict[str, Schema]:
    return {name: SPECIAL.get(name, TEXT) for name in names}


def form(properties: Mapping[str, Schema], *, required: Iterable[str] = ()) -> Schema:
    """Return the body of a form."""
    schema: Schema = {"type": "object", "properties": dict(properties)}
    needed = list(required)
    return _form(schema | ({"required": needed} if needed else {}))


def _form(schema: Schema) -> Schema:
    return {"required": True, "content": {FORM: {"schema": schema}}}


def token_form() -> Schema:
    """Return the body of a token request: one schema for each grant there is."""
    kinds = []
    for name in GRANTS:
        required, optional = GRANT_PARAMETERS[name]
        properties = {"grant_type": {"const": name}, **AUTHENTICATION, **_properties((*required, *optional))}
        kinds.append({"title": name, "type": "object", "properties": properties, "required": ["grant_type", *required]})
    return _form({"oneOf": kinds})


AUTHORIZATION: Final = {**_properties(sorted(PARAMETERS)), "request": TEXT}
"""An authorization request; where `request` is there, all that counts stands inside it (RFC 9101)."""

IN_BROWSER: Final = {**AUTHORIZATION, "request_uri": TEXT}
QUERY: Final = tuple(
    {"name": name, "in": "query", "schema": schema, **({"required": True} if name == "client_id" else {})}
    for name, schema in IN_BROWSER.items()
)

PUSHED: Final = form({**AUTHENTICATION, **AUTHORIZATION})
POSTED: Final = form(IN_BROWSER, required=("client_id",))
DEVICE: Final = form(
    {
        **AUTHENTICATION,
        **{name: AUTHORIZATION[name] for name in ("scope", "resource", "acr_values", "max_age", "claims")},
    }
)
BACKCHANNEL_FORM: Final = form({**AUTHENTICATION, **_properties(sorted(BACKCHANNEL)), "request": TEXT})
TOKEN_OF: Final = form({**AUTHENTICATION, "token": TEXT, "token_type_hint": TEXT}, required=("token",))
USERINFO: Final[Schema] = {
    "content": {FORM: {"schema": {"type": "object", "properties": {"access_token": TEXT}}}},
}
CLIENT_ID: Final[Schema] = {"name": "client_id", "in": "query", "required": True, "schema": TEXT}
GRANT_ID: Final[Schema] = {"name": "grant_id", "in": "path", "required": True, "schema": TEXT}

METADATA: Final[Schema] = {"required": True, "content": {"application/json": {"schema": reference("Metadata")}}}
