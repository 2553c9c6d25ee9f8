"""What a relying party of each profile must do at the token endpoint, and what it may."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from idp import clock
from idp.errors import SettingsError
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.metadata_rules import check
from idp.relying_parties.profiles import CIBA, FULLY_SPECIFIED, PROFILES
from idp.relying_parties.store import StoredClient
from tests.support.foreign.dpop import DpopKey, signed
from tests.support.house import ASSERTION_TYPE, ISSUER, House, answered, members

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from tests.support.house import Portal, SignedIn

BOUND = ("fapi2", "fapi2-signing", "native")


@pytest.fixture(scope="module")
def citizen(house: House) -> SignedIn:
    """Give a citizen of this module."""
    return house.logs_in_directly()


def registered(house: House, profile: str, **metadata: Any) -> Portal:
    """Register a portal with what its profile asks for and nothing else."""
    method = "none" if profile == "native" else "private_key_jwt"
    return house.registers_portal(**{"profile": profile, "token_endpoint_auth_method": method, **metadata})


@pytest.mark.parametrize(
    ("profile", "kind", "is_replaced"),
    [("fapi2", "DPoP", False), ("web", "Bearer", False), ("native", "DPoP", True)],
)
@pytest.mark.spec("TK-12", "RT-04")
def test_each_profile_gets_its_kind_of_tokens(
    house: House, citizen: SignedIn, profile: str, kind: str, *, is_replaced: bool
) -> None:
    portal = registered(house, profile)
    tokens = citizen.gives_tokens(portal)
    assert tokens.members["token_type"] == kind
    assert portal.asks_userinfo(tokens.access).status_code == 200
    again = members(portal.refreshes(tokens.refresh))
    assert again["token_type"] == kind
    assert (again["refresh_token"] != tokens.refresh) == is_replaced


@pytest.mark.spec("DP-14")
def test_a_web_portal_that_sends_a_proof_gets_bound_tokens(house: House, citizen: SignedIn) -> None:
    portal = registered(house, "web")
    portal.dpop = DpopKey()
    tokens = citizen.gives_tokens(portal)
    assert tokens.members["token_type"] == "DPoP"
    assert portal.asks_userinfo(tokens.access).status_code == 200
    portal.dpop = None
    assert portal.asks_userinfo(tokens.access).status_code == 401


@pytest.mark.spec("AZ-10", "TK-06", "TK-07")
def test_a_portal_that_is_spared_pkce_may_leave_it_out_and_not_halfway(house: House, citizen: SignedIn) -> None:
    without = {"code_challenge": "", "code_challenge_method": ""}
    portal = registered(house, "web", loosened=["no_pkce"])
    login = portal.asks(**without)
    assert login.redeem(citizen.arrives(login), code_verifier="").status_code == 200
    downgraded = portal.asks(**without)
    response = downgraded.redeem(citizen.arrives(downgraded))
    assert (response.status_code, members(response)["error"]) == (400, "invalid_grant")
    usual = portal.asks()
    assert members(usual.redeem(citizen.arrives(usual), code_verifier=""))["error"] == "invalid_grant"
    again = portal.asks()
    assert again.redeem(citizen.arrives(again)).status_code == 200
    for halfway in ({"code_challenge": ""}, {"code_challenge_method": ""}, {"code_challenge_method": "plain"}):
        assert answered(citizen.opens(portal.asks(**halfway)))["error"] == "invalid_request"


@pytest.mark.spec("AZ-10")
def test_nobody_else_is_spared_pkce(house: House, citizen: SignedIn) -> None:
    without = {"code_challenge": "", "code_challenge_method": ""}
    for profile in ("web", "native"):
        portal = registered(house, profile)
        assert answered(citizen.opens(portal.asks(**without)))["error"] == "invalid_request"
    assert members(registered(house, "fapi2").pushes(**without))["error"] == "invalid_request"
    for profile in ("fapi2", "fapi2-signing", "native", "machine"):
        stored = StoredClient("x", profile, {"loosened": ["no_pkce"]}, None, "approved", clock.now(), None)
        with pytest.raises(SettingsError, match=f"loosened: the profile {profile} is not spared that"):
            check(stored, deployment=Deployment(frozenset()))


CERTIFICATES = {"tls_client_auth", "self_signed_tls_client_auth"}
SECRETS = {"client_secret_basic", "client_secret_post"}
SIGNED = {"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
STRICT = {"ES256", "PS256", "EdDSA"}
KEYS_OR_CERTIFICATES = {"private_key_jwt", *CERTIFICATES}
ROWS: dict[str, tuple[AbstractSet[str], ...]] = {
    "fapi2": (KEYS_OR_CERTIFICATES, STRICT, {"query"} | SIGNED, {"dpop", "mtls"}),
    "fapi2-signing": (KEYS_OR_CERTIFICATES, STRICT, SIGNED, {"dpop", "mtls"}),
    "web": (KEYS_OR_CERTIFICATES | SECRETS, STRICT | {"RS256"}, {"query", "form_post"} | SIGNED, set()),
    "native": ({"none"}, STRICT, {"query"}, {"dpop"}),
    "machine": (KEYS_OR_CERTIFICATES | SECRETS, STRICT, set(), set()),
}
"""How one proves who it is, what it signs with, how it is answered, and what binds its tokens."""


@pytest.mark.spec("CA-01", "CA-06", "TK-12")
def test_each_profile_takes_what_it_is_for_and_nothing_more() -> None:
    for name, one in PROFILES.items():
        assert (one.authentication, one.algorithms, one.response_modes, one.sender_constraint) == ROWS[name], name
    only = {
        "pushed_requests_only": {"fapi2", "fapi2-signing", "machine"},
        "signed_messages": {"fapi2-signing"},
        "loopback_redirect": {"native"},
        "rotates_refresh": {"native"},
        "loosening": {"web"},
    }
    assert only == {rule: {name for name, one in PROFILES.items() if getattr(one, rule)} for rule in only}
    by_code = {name for name, one in PROFILES.items() if "authorization_code" in one.grants}
    for_itself = {name for name, one in PROFILES.items() if "client_credentials" in one.grants}
    assert (set(PROFILES) - by_code, set(PROFILES) - for_itself) == ({"machine"}, {"native"})
    assert {name: one.default_algorithm for name, one in PROFILES.items()} == {
        **dict.fromkeys(PROFILES, "ES256"), "web": "RS256",
    }  # fmt: skip


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.spec("CA-01")
def test_a_profile_has_its_own_ways_of_authentication(profile: str, method: str) -> None:
    metadata = {"token_endpoint_auth_method": method}
    stored = StoredClient("x", profile, metadata, b"x", "approved", clock.now(), None)
    with pytest.raises(SettingsError) as refused:
        check(stored, deployment=Deployment(frozenset()))
    is_refused = any(reason.startswith("token_endpoint_auth_method") for reason in refused.value.reasons)
    assert is_refused == (method not in PROFILES[profile].authentication)


def is_refused_for(start: str, *, profile: str, **metadata: Any) -> bool:
    """Tell whether metadata are refused for a reason that begins so; they are in any case, for what they lack."""
    stored = StoredClient("x", profile, metadata, b"x", "approved", clock.now(), None)
    with pytest.raises(SettingsError) as refused:
        check(stored, deployment=Deployment(frozenset()))
    return any(reason.startswith(start) for reason in refused.value.reasons)


@pytest.mark.parametrize(("alg", "expected"), [("RS256", True), ("PS256", False)])
@pytest.mark.spec("CA-06")
def test_a_key_that_its_profile_takes_nothing_from_is_not_registered(alg: str, *, expected: bool) -> None:
    jwks = {"keys": [{**DpopKey("PS256").jwk, "alg": alg, "use": "sig"}]}
    assert is_refused_for("jwks: keys are for ES256, EdDSA, PS256", profile="fapi2", jwks=jwks) == expected


@pytest.mark.parametrize(
    ("method", "names", "expected"),
    [
        ("tls_client_auth", ["tls_client_auth_san_dns"], False),
        ("tls_client_auth", ["tls_client_auth_san_dns", "tls_client_auth_san_uri"], True),
        ("tls_client_auth", [], True),
        ("self_signed_tls_client_auth", ["tls_client_auth_san_dns"], True),
        ("self_signed_tls_client_auth", [], False),
        ("private_key_jwt", ["tls_client_auth_subject_dn"], True),
    ],
)
@pytest.mark.spec("MT-03")
def test_one_name_of_a_certificate_is_registered_and_with_its_own_method_alone(
    method: str, names: list[str], *, expected: bool
) -> None:
    named = {"token_endpoint_auth_method": method, **dict.fromkeys(names, "portal.example")}
    assert is_refused_for("tls_client_auth: exactly one of", profile="web", **named) == expected


@pytest.mark.parametrize(("profile", "expected"), [("native", True), ("fapi2", False), ("web", False)])
@pytest.mark.spec("TK-12")
def test_tokens_are_bound_by_what_the_profile_binds_by(profile: str, *, expected: bool) -> None:
    asked = {"tls_client_certificate_bound_access_tokens": True}
    assert is_refused_for("sender constraint: the profile", profile=profile, **asked) == expected


PING = {"backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": "https://a.example/"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"backchannel_client_notification_endpoint": ""}, True),
        ({"backchannel_token_delivery_mode": "poll"}, True),
        ({"backchannel_token_delivery_mode": "push"}, True),
        ({"grant_types": ["authorization_code"]}, True),
        ({"backchannel_user_code_parameter": True}, True),
    ],
)
def test_how_a_portal_hears_of_answers_holds_in_itself(changes: dict[str, Any], *, expected: bool) -> None:
    said = {"grant_types": ["authorization_code", CIBA], **PING, **changes}
    assert is_refused_for("backchannel_", profile="web", **said) == expected


@pytest.mark.parametrize(("keys", "expected"), [({}, True), ({"jwks_uri": "https://portal.example/jwks"}, False)])
def test_what_is_to_be_encrypted_needs_a_key_to_encrypt_to(keys: dict[str, str], *, expected: bool) -> None:
    asked = {"id_token_encrypted_response_alg": "ECDH-ES", **keys}
    assert is_refused_for("id_token_encrypted_response_alg: a public key", profile="web", **asked) == expected


@pytest.mark.spec("CA-09", "TK-13")
def test_a_secret_in_the_form_is_for_those_who_registered_for_it(house: House, citizen: SignedIn) -> None:
    portal = registered(house, "web", token_endpoint_auth_method="client_secret_post")
    tokens = citizen.gives_tokens(portal)
    grant = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
    right = {"client_id": portal.client_id, "client_secret": portal.secret}
    assert portal.http.post("/token", data={**grant, **right}).status_code == 200
    wrong: tuple[dict[str, str], ...] = (
        {**right, "client_secret": "wrong"},
        {**right, "client_secret": "x" * 5000},
        {**right, "client_id": "nobody"},
        {"client_secret": portal.secret},
        {"client_id": portal.client_id},
    )
    for form in wrong:
        response = portal.http.post("/token", data={**grant, **form})
        assert (response.status_code, members(response)["error"]) == (401, "invalid_client")
    other_way = portal.http.post("/token", data=grant, headers=portal.basic())
    assert members(other_way)["error"] == "invalid_client"
    both = portal.http.post("/token", data={**grant, **right}, headers=portal.basic())
    assert members(both)["error"] == "invalid_request"
    basic = registered(house, "web", token_endpoint_auth_method="client_secret_basic")
    misplaced = {"client_id": basic.client_id, "client_secret": basic.secret}
    assert members(basic.http.post("/token", data={**grant, **misplaced}))["error"] == "invalid_client"


KEYS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "PS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


def assertion(portal: Portal, key: Any, algorithm: str) -> dict[str, str]:
    """Sign a client assertion with an algorithm."""
    now = int(clock.now().timestamp())
    named = {"iss": portal.client_id, "sub": portal.client_id, "aud": ISSUER, "jti": secrets.token_hex(8)}
    token = signed({**named, "iat": now, "exp": now + 60}, key=key, algorithm=algorithm)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


def with_key(house: House, profile: str, algorithm: str, **metadata: Any) -> tuple[Portal, Any]:
    """Register a portal with a key that names no algorithm, and one for ES256 beside it."""
    key = KEYS[algorithm]()
    jwk = DpopKey(algorithm, private=key).jwk
    return registered(house, profile, jwks={"keys": [jwk]}, **metadata), key


@pytest.mark.parametrize("profile", ["web", "fapi2"])
@pytest.mark.spec("CA-06")
def test_assertions_are_signed_with_what_the_metadata_lists_and_the_profile_takes(house: House, profile: str) -> None:
    listed = members(house.browser().get("/.well-known/openid-configuration"))
    taken = PROFILES[profile].algorithms | FULLY_SPECIFIED
    for algorithm in listed["token_endpoint_auth_signing_alg_values_supported"]:
        registered_for = "PS256" if algorithm == "RS256" else algorithm
        portal, key = with_key(house, profile, registered_for)
        response = portal.http.post("/par", data={**portal.asks().parameters, **assertion(portal, key, algorithm)})
        assert response.status_code == (201 if algorithm in taken else 401), algorithm


@pytest.mark.spec("CA-06")
def test_an_algorithm_that_was_registered_is_the_only_one(house: House) -> None:
    portal, key = with_key(house, "web", "PS256", token_endpoint_auth_signing_alg="PS256")
    form = portal.asks().parameters
    refused = portal.http.post("/par", data={**form, **assertion(portal, key, "RS256")})
    assert (refused.status_code, members(refused)["error"]) == (401, "invalid_client")
    assert portal.http.post("/par", data={**form, **assertion(portal, key, "PS256")}).status_code == 201


@pytest.mark.spec("DP-05")
def test_every_method_and_proof_algorithm_that_the_metadata_list_works(house: House, citizen: SignedIn) -> None:
    listed = members(house.browser().get("/.well-known/openid-configuration"))
    without_mutual_tls = {"private_key_jwt", "client_secret_basic", "client_secret_post", "none"}
    assert set(listed["token_endpoint_auth_methods_supported"]) == without_mutual_tls
    for method in listed["token_endpoint_auth_methods_supported"]:
        portal = registered(house, "native" if method == "none" else "web", token_endpoint_auth_method=method)
        assert citizen.gives_tokens(portal).are_alive(), method
    portal = registered(house, "fapi2")
    for algorithm in listed["dpop_signing_alg_values_supported"]:
        portal.dpop = DpopKey(algorithm)
        assert citizen.gives_tokens(portal).are_alive(), algorithm
    assert set(listed["dpop_signing_alg_values_supported"]) == {"ES256", "PS256", "EdDSA", "Ed25519"}
