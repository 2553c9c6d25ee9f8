"""The shapes of what is answered, and of the metadata that a relying party registers, by name."""

from __future__ import annotations

from typing import Any, Final

from idp.protocol.claims import CLAIMS
from idp.protocol.client_auth import METHODS
from idp.protocol.grants import GRANTS
from idp.relying_parties.metadata_rules import KNOWN

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
URI: Final[Schema] = {"type": "string", "format": "uri"}
NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
FLAG: Final[Schema] = {"type": "boolean"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
OBJECT: Final[Schema] = {"type": "object"}
DETAILS: Final[Schema] = {"type": "array", "items": {"type": "object", "required": ["type"]}}
JWS: Final[Schema] = {"type": "string", "pattern": r"^[\w-]+\.[\w-]+\.[\w-]+$"}
JWE: Final[Schema] = {"type": "string", "pattern": r"^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$"}
TOKEN: Final[Schema] = {"anyOf": [JWS, JWE]}
"""A signed or an encrypted token in compact form."""


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None, *, closed: bool = True) -> Schema:
    found = {"type": "object", "properties": required | (optional or {}), "required": list(required)}
    return {**found, "additionalProperties": False} if closed else found


LISTS: Final = frozenset(
    {name for name in KNOWN if name.endswith(("_uris", "_types", "_modes", "_values"))}
    | {"contacts", "purposes", "resources", "resources_served", "loosened"}
)
FLAGS: Final = frozenset(
    {name for name in KNOWN if name.startswith("require_") or name.endswith(("_session_required", "_access_tokens"))}
    | {"backchannel_user_code_parameter", "sandbox"}
)
DOCUMENTS: Final = frozenset({"jwks", "owner", "exchange"})


def _member(name: str) -> Schema:
    """Return the shape of one member of the metadata."""
    if name in {"token_endpoint_auth_method", "default_max_age"}:
        return NUMBER if name == "default_max_age" else {"enum": list(METHODS)}
    if name == "grant_types":
        return {"type": "array", "items": {"enum": list(GRANTS)}}
    return TEXTS if name in LISTS else FLAG if name in FLAGS else OBJECT if name in DOCUMENTS else TEXT


METADATA: Final = {name: _member(name) for name in sorted(KNOWN)}
ACTIVE: Final = {
    "iss": URI, "client_id": TEXT, "sub": TEXT, "aud": TEXT, "scope": TEXT, "token_type": {"enum": ["Bearer", "DPoP"]},
    "iat": NUMBER, "exp": NUMBER, "jti": TEXT, "cnf": OBJECT, "acr": TEXT, "auth_time": NUMBER,
    "authorization_details": DETAILS, "act": OBJECT,
}  # fmt: skip
"""What is said of a good token besides `active`."""

SCHEMAS: Final[dict[str, Schema]] = {
    "ProviderMetadata": _object(
        {"issuer": URI, "authorization_endpoint": URI, "token_endpoint": URI, "jwks_uri": URI,
         "response_types_supported": TEXTS, "grant_types_supported": TEXTS, "subject_types_supported": TEXTS,
         "id_token_signing_alg_values_supported": TEXTS, "scopes_supported": TEXTS},
        closed=False,
    ),
    "KeySet": _object(
        {"keys": {"type": "array", "items": _object(
            {"kty": {"enum": ["EC", "OKP", "RSA"]}, "use": {"const": "sig"}, "alg": TEXT, "kid": TEXT},
            {"crv": TEXT, "x": TEXT, "y": TEXT, "n": TEXT, "e": TEXT},
        )}}
    ),
    "Pushed": _object(
        {"request_uri": {"type": "string", "pattern": "^urn:ietf:params:oauth:request_uri:"}, "expires_in": NUMBER}
    ),
    "Tokens": _object(
        {"access_token": TEXT, "token_type": {"enum": ["Bearer", "DPoP"]}, "expires_in": NUMBER},
        {"id_token": TOKEN, "refresh_token": TEXT, "scope": TEXT, "authorization_details": DETAILS, "grant_id": TEXT,
         "issued_token_type": TEXT},
    ),
    "DeviceCode": _object(
        {"device_code": TEXT, "user_code": TEXT, "verification_uri": URI, "verification_uri_complete": URI,
         "expires_in": NUMBER, "interval": NUMBER}
    ),
    "BackchannelRequest": _object({"auth_req_id": TEXT, "expires_in": NUMBER}, {"interval": NUMBER}),
    "Claims": _object({"sub": TEXT}, {name: {} for name in CLAIMS}, closed=False),
    "Introspection": {
        "oneOf": [_object({"active": {"const": False}}), _object({"active": {"const": True}}, ACTIVE)],
    },
    "Grant": _object(
        {"scopes": {"type": "array", "items": _object({"scope": TEXT}, {"resources": TEXTS})}, "claims": TEXTS},
        {"authorization_details": DETAILS},
    ),
    "Metadata": _object({}, METADATA, closed=False),
    "Registered": _object(
        {"client_id": TEXT, "client_id_issued_at": NUMBER, "registration_client_uri": URI,
         "registration_access_token": TEXT, "registration_status": {"enum": ["approved", "pending", "suspended"]}},
        {**METADATA, "client_secret": TEXT, "client_secret_expires_at": {"const": 0}},
        closed=False,  # names and pages in several languages: client_name#vi
    ),
    "Nothing": _object({}),
    "Health": _object({"status": {"enum": ["live", "ready"]}}),
    "Token": TOKEN,
}  # fmt: skip
