"""Every algorithm that the metadata lists for a message is used in a request, and what is not listed is refused."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from idp import clock
from idp.errors import TemporarilyUnavailable
from idp.protocol.metadata import document
from idp.relying_parties.profiles import FULLY_SPECIFIED, WEB_ALGORITHMS
from keys import ENCODINGS, ENCRYPTIONS
from keys.jwk import public_members
from tests.support.foreign.dpop import signed
from tests.support.house import ASSERTION_TYPE, ISSUER, House, members
from tests.support.login.elsewhere import ciba_portal, number_of
from tests.unit.keys.opener import header_of, opened

if TYPE_CHECKING:
    from tests.support.house import Portal, SignedIn

MESSAGES = ("id_token", "userinfo", "authorization")
SIGNED = "userinfo_signed_response_alg"
CIBA_ALGORITHMS = "backchannel_authentication_request_signing_alg_values_supported"


@cache
def private_keys() -> dict[str, Any]:
    """Return the keys of a portal that has one of each kind: to sign with, and to be encrypted to."""
    return {
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "EC": ec.generate_private_key(ec.SECP256R1()),
        "RSA": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    }


def public_keys() -> dict[str, Any]:
    """Return their public halves; the RSA key to sign with is for both of its algorithms."""
    own = private_keys()
    return {
        "keys": [
            {**public_members(own["ES256"].public_key()), "kid": "k1", "use": "sig"},
            {**public_members(own["EdDSA"].public_key()), "kid": "k2", "use": "sig"},
            {**public_members(own["RS256"].public_key()), "kid": "k3", "use": "sig"},
            {**public_members(own["EC"].public_key()), "kid": "e1", "use": "enc"},
            {**public_members(own["RSA"].public_key()), "kid": "e2", "use": "enc"},
        ]
    }


def signs_with(alg: str) -> tuple[Any, dict[str, str]]:
    """Return the private key for an algorithm, and the header that names it."""
    kind = {"PS256": "RS256", "Ed25519": "EdDSA"}.get(alg, alg)
    return private_keys()[kind], {"kid": {"ES256": "k1", "EdDSA": "k2", "RS256": "k3"}[kind]}


@dataclass(frozen=True, slots=True)
class Got:
    """The three messages of one login, as they came over the wire."""

    id_token: str
    userinfo: str
    authorization: str
    subject: str


def registered(house: House, **metadata: Any) -> Portal:
    """Register a portal with a key of each kind."""
    portal = house.registers_portal(jwks=public_keys(), **metadata)
    portal.key = private_keys()["ES256"]
    return portal


def logs_in(portal: Portal, citizen: SignedIn) -> Got:
    """Go the whole way and return what the portal got."""
    login = portal.asks(response_mode="jwt", scope="openid service:login profile")
    citizen.agrees_to(login)
    (token,) = parse_qs(urlsplit(citizen.opens(login).headers["Location"]).query)["response"]
    code = portal.reads_id_token(plain(token))["code"]
    answer = members(portal.redeems(code, login.verifier))
    userinfo = portal.asks_userinfo(answer["access_token"])
    assert (userinfo.status_code, userinfo.headers["Content-Type"]) == (200, "application/jwt"), userinfo.text
    assert userinfo.headers["Cache-Control"] == "no-store"
    return Got(answer["id_token"], userinfo.text, token, portal.reads_id_token(plain(answer["id_token"]))["sub"])


def plain(token: str) -> str:
    """Return the signed token inside, where one is encrypted."""
    if token.count(".") == 2:
        return token
    return opened(token, key=private_keys()[ENCRYPTIONS[header_of(token)["alg"]]]).decode()


@pytest.fixture(scope="module")
def citizen(house: House) -> SignedIn:
    """Give a citizen who agrees to everything."""
    return house.logs_in_directly()


def test_the_tables_are_what_is_listed(house: House) -> None:
    listed = document(house.services.provider)
    kinds = {name.split("_signing_alg")[0] for name in listed if name.endswith("_signing_alg_values_supported")}
    assert set(MESSAGES) <= kinds
    for kind in MESSAGES:
        assert set(listed[f"{kind}_signing_alg_values_supported"]) == WEB_ALGORITHMS
        assert listed[f"{kind}_encryption_alg_values_supported"] == list(ENCRYPTIONS)
        assert set(listed[f"{kind}_encryption_enc_values_supported"]) == ENCODINGS
    assert set(listed["request_object_signing_alg_values_supported"]) == WEB_ALGORITHMS | FULLY_SPECIFIED
    assert listed[CIBA_ALGORITHMS] == listed["request_object_signing_alg_values_supported"]
    assert (listed["request_parameter_supported"], listed["request_uri_parameter_supported"]) == (True, False)


@pytest.mark.parametrize("alg", sorted(WEB_ALGORITHMS))
def test_each_listed_signature_is_made(house: House, citizen: SignedIn, alg: str) -> None:
    portal = registered(
        house, id_token_signed_response_alg=alg, userinfo_signed_response_alg=alg, authorization_signed_response_alg=alg
    )
    got = logs_in(portal, citizen)
    assert [jwt.get_unverified_header(token)["alg"] for token in (got.id_token, got.userinfo, got.authorization)] == [
        alg, alg, alg,
    ]  # fmt: skip
    claims = portal.reads_id_token(got.userinfo)
    assert (claims["sub"], claims["iss"], claims["aud"]) == (got.subject, ISSUER, portal.client_id)
    assert "name" in claims


@pytest.mark.parametrize("enc", sorted(ENCODINGS))
@pytest.mark.parametrize("alg", ENCRYPTIONS)
def test_each_listed_encryption_is_read_back_after_the_signature_inside(
    house: House, citizen: SignedIn, alg: str, enc: str
) -> None:
    kinds = {f"{kind}_encrypted_response_alg": alg for kind in MESSAGES}
    kinds |= {f"{kind}_encrypted_response_enc": enc for kind in MESSAGES}
    portal = registered(house, **kinds, **{SIGNED: "ES256"})
    got = logs_in(portal, citizen)
    for token in (got.id_token, got.userinfo, got.authorization):
        header = header_of(token)
        assert (header["alg"], header["enc"], header["cty"]) == (alg, enc, "JWT")
        assert portal.reads_id_token(plain(token))["iss"] == ISSUER
    assert portal.reads_id_token(plain(got.userinfo))["sub"] == got.subject


def test_userinfo_may_be_encrypted_and_not_signed(house: House, citizen: SignedIn) -> None:
    portal = registered(house, userinfo_encrypted_response_alg="ECDH-ES")
    got = logs_in(portal, citizen)
    header = header_of(got.userinfo)
    assert ("cty" in header, header["enc"]) == (False, "A128CBC-HS256")  # the default of OpenID Connect
    said = opened(got.userinfo, key=private_keys()["EC"])
    assert got.subject.encode() in said


@pytest.mark.spec("JW-17")
def test_signed_userinfo_is_no_id_token(house: House, citizen: SignedIn) -> None:
    portal = registered(house, userinfo_signed_response_alg="ES256")
    got = logs_in(portal, citizen)
    assert "exp" not in portal.reads_id_token(got.userinfo)
    refused = portal.pushes(id_token_hint=got.userinfo)
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_request")
    assert portal.pushes(id_token_hint=got.id_token).status_code == 201


@pytest.mark.parametrize("alg", sorted(WEB_ALGORITHMS | FULLY_SPECIFIED))
def test_each_listed_signature_is_believed_on_a_request_and_on_an_assertion(house: House, alg: str) -> None:
    portal, now = registered(house), int(clock.now().timestamp())
    key, headers = signs_with(alg)
    said = {"iss": portal.client_id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(12)}
    request = signed({**portal.asks().parameters, **said}, key=key, algorithm=alg, headers=headers)
    assertion = signed({**said, "sub": portal.client_id}, key=key, algorithm=alg, headers=headers)
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, "request": request}
    assert portal.http.post("/par", data=form).status_code == 201


@pytest.mark.parametrize("alg", sorted(WEB_ALGORITHMS | FULLY_SPECIFIED))
def test_each_listed_signature_is_believed_on_a_backchannel_request(house: House, citizen: SignedIn, alg: str) -> None:
    portal = ciba_portal(house, jwks=public_keys(), backchannel_authentication_request_signing_alg=alg)
    portal.key = private_keys()["ES256"]
    now, (key, headers) = int(clock.now().timestamp()), signs_with(alg)
    times = {"iat": now, "nbf": now, "exp": now + 60, "jti": secrets.token_urlsafe(12)}
    said = {"iss": portal.client_id, "aud": ISSUER, "scope": "openid service:login", "login_hint": number_of(citizen)}
    request = signed({**said, **times}, key=key, algorithm=alg, headers=headers)
    answer = portal.post("/bc-authorize", request=request)
    assert answer.status_code == 200, answer.text


def test_each_listed_method_proves_who_asks_about_tokens_and_gives_them_back(house: House, citizen: SignedIn) -> None:
    listed = document(house.services.provider)
    assert set(listed["introspection_endpoint_auth_methods_supported"]) < set(
        listed["revocation_endpoint_auth_methods_supported"]
    )
    for method in listed["revocation_endpoint_auth_methods_supported"]:
        portal = house.registers_portal(
            token_endpoint_auth_method=method, profile="native" if method == "none" else "web"
        )
        tokens = citizen.gives_tokens(portal)
        asks = method in listed["introspection_endpoint_auth_methods_supported"]
        assert portal.post("/introspect", token=tokens.access).status_code == (200 if asks else 401)
        assert portal.asks_userinfo(tokens.access).status_code == 200
        assert portal.revokes(tokens.access).status_code == 200
        assert portal.asks_userinfo(tokens.access).status_code == 401


@pytest.mark.parametrize(
    "metadata",
    [
        {"id_token_encrypted_response_alg": "RSA1_5"},
        {"id_token_encrypted_response_alg": "dir"},
        {"userinfo_encrypted_response_alg": "A128KW"},
        {"userinfo_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_enc": "A192GCM"},
        {"userinfo_encrypted_response_enc": "A256GCM"},
        {"userinfo_signed_response_alg": "HS256"},
        {"userinfo_signed_response_alg": "none"},
        {"authorization_signed_response_alg": "none"},
        {"authorization_encrypted_response_alg": "PBES2-HS256+A128KW"},
        {"request_object_signing_alg": "none"},
        {"request_object_signing_alg": "HS256"},
        {"response_modes": ["fragment"]},
    ],
)
@pytest.mark.spec("JW-03", "JW-13")
def test_what_is_not_listed_cannot_be_registered(house: House, metadata: dict[str, Any]) -> None:
    with pytest.raises(TemporarilyUnavailable) as refusal:
        house.services.provider.directory.find(registered(house, **metadata).client_id)
    assert next(iter(reversed(metadata))) in refusal.value.detail
    assert house.services.provider.directory.find(registered(house).client_id)


def test_a_login_is_refused_before_a_token_goes_out_in_the_clear(house: House, citizen: SignedIn) -> None:
    portal = house.registers_portal(id_token_encrypted_response_alg="RSA-OAEP-256")
    login = portal.asks()
    refused = login.redeem(citizen.arrives(login))
    assert (refused.status_code, members(refused)["error"]) == (400, "unauthorized_client")
    assert "eyJ" not in refused.text
