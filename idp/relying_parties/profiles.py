"""PROFILES: what each kind of relying party must and may do, in one table that can be read."""

from __future__ import annotations

from dataclasses import dataclass

FAPI_ALGORITHMS = frozenset({"ES256", "PS256", "EdDSA"})  # EdDSA is Ed25519 here, and nothing else
WEB_ALGORITHMS = FAPI_ALGORITHMS | {"RS256"}


@dataclass(frozen=True, slots=True)
class Profile:
    """The checks that apply to a relying party of this profile."""

    name: str
    authentication: frozenset[str]  # token_endpoint_auth_method values that it may choose from
    algorithms: frozenset[str]  # signature algorithms of what it sends and receives
    default_algorithm: str  # of its ID tokens, where its metadata names none
    pushed_requests_only: bool  # RFC 9126
    loopback_redirect: bool  # RFC 8252 section 7.3
    refresh: bool  # whether it may hold refresh tokens


PROFILES: dict[str, Profile] = {
    "fapi2": Profile(
        name="fapi2",
        authentication=frozenset({"private_key_jwt"}),
        algorithms=FAPI_ALGORITHMS,
        default_algorithm="ES256",
        pushed_requests_only=True,
        loopback_redirect=False,
        refresh=True,
    ),
    "web": Profile(
        name="web",
        authentication=frozenset({"private_key_jwt", "client_secret_basic"}),
        algorithms=WEB_ALGORITHMS,
        default_algorithm="ES256",
        pushed_requests_only=False,
        loopback_redirect=False,
        refresh=True,
    ),
    "native": Profile(
        name="native",
        authentication=frozenset({"none"}),
        algorithms=FAPI_ALGORITHMS,
        default_algorithm="ES256",
        pushed_requests_only=False,
        loopback_redirect=True,
        refresh=False,  # a refresh token without a key that it is bound to is not given to a public client
    ),
}
