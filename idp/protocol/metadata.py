"""Discovery: both documents from the same tables, as ready bytes, so that neither can lie."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from idp.protocol.authorization_response import MODES
from idp.protocol.claims import CLAIMS
from idp.protocol.claims.released import LEGACY_SCOPE
from idp.protocol.claims.verification import EVIDENCE_TYPE, RECORD_TYPE
from idp.protocol.client_auth import METHODS
from idp.protocol.grants import GRANTS
from idp.protocol.request_checks import PROMPTS
from idp.protocol.sender import dpop, mtls
from idp.relying_parties.metadata_messages import DELIVERY_MODES
from idp.relying_parties.metadata_rules import SCOPES
from idp.relying_parties.profiles import FULLY_SPECIFIED, MUTUAL_TLS, WEB_ALGORITHMS
from keys import ENCODINGS, ENCRYPTIONS

if TYPE_CHECKING:
    from idp.protocol.provider import Provider

LANGUAGES = ("vi", "en")
ENDPOINTS = {
    "authorization_endpoint": "/authorize",
    "pushed_authorization_request_endpoint": "/par",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/userinfo",
    "revocation_endpoint": "/revoke",
    "introspection_endpoint": "/introspect",
    "grant_management_endpoint": "/grants",
    "end_session_endpoint": "/logout",
    "registration_endpoint": "/register",
    "device_authorization_endpoint": "/device_authorization",
    "backchannel_authentication_endpoint": "/bc-authorize",
    "jwks_uri": "/jwks",
}
"""The metadata's name of each endpoint, and its path."""

MESSAGES = ("id_token", "userinfo", "authorization", "introspection")
"""What is signed, or encrypted too, as each relying party has registered it."""

TOKEN_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid")


def document(provider: Provider) -> dict[str, Any]:
    """Return the metadata.

    Source: RFC 8414 section 2, OpenID Connect Discovery section 3, RFC 9126 section 5, RFC 9207 section 3.
    """
    signing = sorted(WEB_ALGORITHMS | FULLY_SPECIFIED)
    return {
        "issuer": provider.issuer,
        **{name: provider.issuer + path for name, path in ENDPOINTS.items()},
        **mtls.metadata(provider, endpoints=ENDPOINTS),
        "scopes_supported": [*sorted(SCOPES), *provider.purposes.scopes, *_legacy_scope(provider)],
        "response_types_supported": ["code"],
        "response_modes_supported": list(MODES),
        "grant_types_supported": list(GRANTS),
        "acr_values_supported": list(provider.assurance.supported_acr_values()),
        "subject_types_supported": ["pairwise", "public"],
        **_message_members(list(provider.settings.keys.algorithms)),
        **_authentication(provider, signing=signing),
        **_matters(provider),
        "claims_supported": [*TOKEN_CLAIMS, "vn_account_level", *CLAIMS],
        **_identity_assurance(provider),
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "require_signed_request_object": False,
        "request_object_signing_alg_values_supported": signing,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": sorted(dpop.ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "backchannel_token_delivery_modes_supported": sorted(DELIVERY_MODES),
        "backchannel_authentication_request_signing_alg_values_supported": signing,
        "backchannel_user_code_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "prompt_values_supported": sorted(PROMPTS),
        "ui_locales_supported": list(LANGUAGES),
        "display_values_supported": ["page"],
    }


def _authentication(provider: Provider, *, signing: list[str]) -> dict[str, list[str]]:
    """Return how a relying party proves who it is at each endpoint that asks; who asks about tokens does prove it."""
    hidden = {"none"} if provider.settings.front.mtls_base else {"none", *MUTUAL_TLS}
    proved = [name for name in METHODS if name not in hidden]
    methods = {"token": [*proved, "none"], "revocation": [*proved, "none"], "introspection": proved}
    return {f"{name}_endpoint_auth_methods_supported": offered for name, offered in methods.items()} | {
        f"{name}_endpoint_auth_signing_alg_values_supported": signing for name in methods
    }


def _matters(provider: Provider) -> dict[str, Any]:
    """Return what may be asked for beyond scopes, and managed (RFC 9396 section 10, Grant Management section 7)."""
    return {
        "authorization_details_types_supported": list(provider.details_types.types),
        "grant_management_actions_supported": ["create", "query", "revoke"],
        "grant_management_action_required": False,
    }


def _message_members(signing: list[str]) -> dict[str, list[str]]:
    """Return what each kind of message may be signed and encrypted with (JARM section 4, RFC 9701 section 7)."""
    signed = {f"{kind}_signing_alg_values_supported": signing for kind in MESSAGES}
    wrapped = {f"{kind}_encryption_alg_values_supported": list(ENCRYPTIONS) for kind in MESSAGES}
    encoded = {f"{kind}_encryption_enc_values_supported": sorted(ENCODINGS) for kind in MESSAGES}
    return signed | wrapped | encoded


def _legacy_scope(provider: Provider) -> tuple[str, ...]:
    return (LEGACY_SCOPE,) if provider.settings.register.legacy_claims else ()


def _identity_assurance(provider: Provider) -> dict[str, Any]:
    """Return what OpenID Connect for Identity Assurance 1.0 section 7 asks for."""
    return {
        "verified_claims_supported": True,
        "trust_frameworks_supported": [provider.settings.register.trust_framework],
        "evidence_supported": [EVIDENCE_TYPE],
        "electronic_records_supported": [RECORD_TYPE],
        "claims_in_verified_claims_supported": list(CLAIMS),
    }


def ready_bytes(provider: Provider) -> tuple[bytes, str]:
    """Return the document and its ETag."""
    body = orjson.dumps(document(provider))
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
