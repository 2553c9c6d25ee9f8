"""PROFILES: what each kind of relying party must and may do, in one table that can be read."""

from __future__ import annotations

from dataclasses import dataclass, replace

FAPI_ALGORITHMS = frozenset({"ES256", "PS256", "EdDSA"})  # EdDSA is Ed25519 here, and nothing else
FULLY_SPECIFIED = frozenset({"Ed25519"})
"""The other name of EdDSA (RFC 9864): taken in whatever a relying party signs, never written by us."""

WEB_ALGORITHMS = FAPI_ALGORITHMS | {"RS256"}

MUTUAL_TLS = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})
SECRETS = frozenset({"client_secret_basic", "client_secret_post"})
STRONG = MUTUAL_TLS | {"private_key_jwt"}

CODE = frozenset({"authorization_code", "refresh_token"})
CIBA = "urn:openid:params:grant-type:ciba"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  the name of a grant
BETWEEN_SYSTEMS = frozenset({"client_credentials", TOKEN_EXCHANGE})

QUERY = frozenset({"query"})
SIGNED_MODES = frozenset({"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"})
ALL_MODES = QUERY | SIGNED_MODES | {"form_post"}

NO_PKCE = "no_pkce"
"""What OpenID Connect's own certification does not ask for: PKCE (RFC 7636)."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The checks that apply to a relying party of this profile.

    `authentication` are the values of token_endpoint_auth_method that it may choose from; `algorithms` those of the
    signatures that it sends and receives, `default_algorithm` that of its ID tokens where its metadata names none.
    `sender_constraint` says by what its tokens must be bound, either will do; empty: bearer tokens are allowed.
    `signed_messages` asks for request objects, signed answers and signed introspection (FAPI 2.0 Message Signing).
    `loosening` are the names of what one relying party may be spared, one by one.
    """

    name: str
    authentication: frozenset[str]
    grants: frozenset[str]
    algorithms: frozenset[str]
    default_algorithm: str
    response_modes: frozenset[str]
    sender_constraint: frozenset[str]
    pushed_requests_only: bool  # RFC 9126
    signed_messages: bool
    loopback_redirect: bool  # RFC 8252 section 7.3
    rotates_refresh: bool  # RFC 9700 section 4.14.2; FAPI 2.0 section 5.3.2.1 asks for the opposite
    loosening: frozenset[str] = frozenset()


_FAPI2 = Profile(
    name="fapi2",
    authentication=STRONG,
    grants=CODE | BETWEEN_SYSTEMS | {CIBA},
    algorithms=FAPI_ALGORITHMS,
    default_algorithm="ES256",
    response_modes=QUERY | SIGNED_MODES,
    sender_constraint=frozenset({"dpop", "mtls"}),
    pushed_requests_only=True,
    signed_messages=False,
    loopback_redirect=False,
    rotates_refresh=False,
)

PROFILES: dict[str, Profile] = {
    "fapi2": _FAPI2,
    "fapi2-signing": replace(_FAPI2, name="fapi2-signing", response_modes=SIGNED_MODES, signed_messages=True),
    "web": Profile(
        name="web",
        authentication=STRONG | SECRETS,
        grants=CODE | BETWEEN_SYSTEMS | {CIBA, DEVICE_CODE},
        algorithms=WEB_ALGORITHMS,
        default_algorithm="RS256",
        response_modes=ALL_MODES,
        sender_constraint=frozenset(),
        pushed_requests_only=False,
        signed_messages=False,
        loopback_redirect=False,
        rotates_refresh=False,
        loosening=frozenset({NO_PKCE}),
    ),
    "native": Profile(
        name="native",
        authentication=frozenset({"none"}),
        grants=CODE | {DEVICE_CODE},
        algorithms=FAPI_ALGORITHMS,
        default_algorithm="ES256",
        response_modes=QUERY,
        sender_constraint=frozenset({"dpop"}),
        pushed_requests_only=False,
        signed_messages=False,
        loopback_redirect=True,
        rotates_refresh=True,
    ),
    "machine": Profile(
        name="machine",
        authentication=STRONG | SECRETS,
        grants=BETWEEN_SYSTEMS,
        algorithms=FAPI_ALGORITHMS,
        default_algorithm="ES256",
        response_modes=frozenset(),
        sender_constraint=frozenset(),
        pushed_requests_only=True,
        signed_messages=False,
        loopback_redirect=False,
        rotates_refresh=False,
    ),
}
