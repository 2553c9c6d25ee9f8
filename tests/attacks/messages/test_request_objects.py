"""Attacks on signed request objects: who signed what, for whom, when, and how it is written."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp import clock
from keys import compact
from tests.attacks.messages.signing import Signer, altered, is_refused
from tests.support.house import ISSUER, House, answered, members

if TYPE_CHECKING:
    from tests.support.house import SignedIn

HOUR = 3600


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT", None])
def test_a_signed_request_is_answered_like_an_open_one(
    strict: Signer, web: Signer, citizen: SignedIn, typ: str | None
) -> None:
    assert strict.pushes(replace(strict, typ=typ).signs(response_mode="jwt")).status_code == 201
    state = secrets.token_urlsafe(16)
    by_value = citizen.browser.get(web.link(replace(web, typ=typ).signs(state=state)))
    assert (answered(by_value)["state"], "code" in answered(by_value)) == (state, True)
    pushed = members(web.pushes(web.signs(state=state)))["request_uri"]
    link = "/authorize?" + urlencode({"client_id": web.portal.client_id, "request_uri": pushed})
    assert answered(citizen.browser.get(link))["state"] == state


def test_an_array_may_hold_the_issuer_and_documents_and_numbers_stand_as_they_are(web: Signer) -> None:
    claims = {"userinfo": {"name": {"essential": True}}, "id_token": {"auth_time": None}}
    token = web.signs(aud=[ISSUER, "https://other.example"], claims=claims, max_age=60, something={"unknown": 1})
    assert web.pushes(token).status_code == 201
    assert web.pushes(web.signs(claims=orjson.dumps(claims).decode(), max_age="60")).status_code == 201


@pytest.mark.spec("PAR-10", "JW-01", "JW-02", "JW-03")
@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "RS256", "ES384"])
def test_an_object_that_is_not_signed_as_it_has_to_be_is_refused(strict: Signer, alg: str) -> None:
    token = strict.signs(response_mode="jwt")
    assert is_refused(strict.pushes(altered(token, alg=alg, kid="k1", typ="oauth-authz-req+jwt")))
    assert is_refused(strict.pushes(altered(token, alg=alg).rpartition(".")[0] + "."))
    assert strict.pushes(token).status_code == 201


@pytest.mark.spec("PAR-10")
def test_rs256_is_for_ordinary_relying_parties_and_only_the_registered_algorithm_counts(house: House) -> None:
    private, own = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP256R1()),
    )
    keys = [
        {**jwt.algorithms.ECAlgorithm.to_jwk(own.public_key(), as_dict=True), "kid": "k1"},
        {**jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True), "kid": "k2"},
    ]

    def signer(**metadata: Any) -> Signer:
        portal = house.registers_portal(jwks={"keys": keys}, **metadata)
        portal.key = own
        return Signer(portal)

    def signs(signer: Signer, alg: str) -> str:
        key: Any = own if alg == "ES256" else private
        return jwt.encode(signer.claims(), key, algorithm=alg, headers={"kid": "k1" if alg == "ES256" else "k2"})

    free, bound = signer(), signer(request_object_signing_alg="RS256")
    assert [free.pushes(signs(free, alg)).status_code for alg in ("ES256", "RS256", "PS256")] == [201, 201, 201]
    assert [bound.pushes(signs(bound, alg)).status_code for alg in ("ES256", "RS256", "PS256")] == [400, 201, 400]


@pytest.mark.spec("PAR-10")
def test_another_relying_partys_key_signs_nothing_for_this_one(house: House, web: Signer) -> None:
    other = Signer(house.registers_portal())
    forged = replace(web, portal=replace(web.portal, key=other.portal.key)).signs()
    assert is_refused(web.pushes(forged))
    assert is_refused(web.pushes(other.signs()))
    assert is_refused(other.pushes(web.signs()))
    assert web.pushes().status_code == 201


@pytest.mark.spec("PAR-11", "JW-09", "JW-10")
@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({"exp": None}, False),
        ({"exp": 0}, False),
        ({"exp": HOUR + 60}, False),
        ({"exp": HOUR - 2, "nbf": -60}, False),
        ({"exp": HOUR - 120, "nbf": -60}, True),
        ({"exp": str}, False),
        ({"nbf": None}, False),
        ({"nbf": -HOUR - 30, "exp": 60}, False),
        ({"nbf": 60}, False),
        ({"nbf": 8}, True),
        ({"aud": None}, False),
        ({"aud": ""}, False),
        ({"aud": ISSUER + "/"}, False),
        ({"aud": ISSUER + "/par"}, False),
        ({"aud": []}, False),
        ({"aud": ["https://other.example"]}, False),
        ({"aud": [ISSUER, 7]}, False),
        ({"iss": None}, False),
        ({"iss": "another"}, False),
        ({"client_id": "another"}, False),
        ({"jti": 7}, False),
        ({"jti": "j" * 257}, False),
    ],
)
def test_an_object_for_another_time_place_or_sender_is_refused(
    strict: Signer, change: dict[str, Any], *, good: bool
) -> None:
    now = int(clock.now().timestamp())
    said = {name: now + value if type(value) is int and name != "jti" else value for name, value in change.items()}
    said = {name: str(now + 60) if value is str else value for name, value in said.items()}
    response = strict.pushes(strict.signs(response_mode="jwt", **said))
    assert response.status_code == 201 if good else is_refused(response)
    assert strict.pushes(strict.signs(response_mode="jwt")).status_code == 201


@pytest.mark.spec("PAR-11", "JW-10")
def test_an_object_without_an_end_is_none_of_long_ago(web: Signer) -> None:
    now = int(clock.now().timestamp())
    assert web.pushes(web.signs(exp=None, iat=now, nbf=now - HOUR + 60)).status_code == 201
    assert is_refused(web.pushes(web.signs(exp=None, iat=now, nbf=now - HOUR - 60)))


@pytest.mark.spec("JW-08", "JW-17")
def test_no_other_token_is_a_request_and_a_request_is_no_other_token(web: Signer, strict: Signer) -> None:
    portal = web.portal
    assert is_refused(web.pushes(portal.assertion()))
    asked: dict[str, Any] = dict(portal.asks().parameters)
    assert is_refused(web.pushes(portal.assertion(**asked)))
    for typ in ("dpop+jwt", "at+jwt", "logout+jwt", "client-authentication+jwt", "application/at+jwt"):
        assert is_refused(replace(web, typ=typ).pushes(replace(web, typ=typ).signs()))
    form = {"client_assertion_type": portal.authentication()["client_assertion_type"], **portal.asks().parameters}
    stolen = portal.http.post("/par", data={**form, "client_assertion": web.signs()})
    assert (stolen.status_code, members(stolen)["error"]) == (401, "invalid_client")
    assert strict.pushes(strict.signs(response_mode="jwt")).status_code == 201


@pytest.mark.spec("JW-04", "JW-05", "JW-06", "JW-07")
@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../dev/null"},
        {"kid": "https://elsewhere.example/key"},
        {"kid": "' OR 1=1 --"},
        {"kid": 7},
        {"crit": ["exp"]},
        {"b64": False},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
    ],
)
def test_a_header_that_points_elsewhere_or_changes_the_meaning_is_refused(web: Signer, header: dict[str, Any]) -> None:
    said = {"alg": "ES256", "kid": "k1", **header}
    body = b".".join(compact.encode(orjson.dumps(part)) for part in (said, web.claims()))
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(body, web.portal.key)
    assert is_refused(web.pushes((body + b"." + compact.encode(signature)).decode()))


@pytest.mark.spec("JW-04")
def test_a_key_that_an_object_brings_along_is_not_used(house: House, web: Signer) -> None:
    other = house.registers_portal()
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(other.key.public_key(), as_dict=True)
    headers = {"kid": "k1", "jwk": jwk, "jku": "https://elsewhere.example/jwks", "x5u": "https://elsewhere.example/c"}
    forged = jwt.encode(web.claims(), other.key, algorithm="ES256", headers=headers)
    assert is_refused(web.pushes(forged))


@pytest.mark.spec("JW-14", "JW-16")
@pytest.mark.parametrize(
    "token",
    ["x", "..", "a.b.c", "{}", "e30.e30.", "a." * 4 + "b", "A" * 20_000, "é.é.é", '{"payload":"e30","signatures":[]}'],
)
def test_what_is_no_token_is_refused(web: Signer, token: str) -> None:
    assert is_refused(web.pushes(token))


@pytest.mark.spec("PAR-15", "JW-14")
def test_64_kib_are_refused_before_anything_is_read(web: Signer, citizen: SignedIn) -> None:
    assert web.pushes("A" * 64 * 1024).status_code == 413
    assert is_refused(web.pushes(web.signs(state="s" * 16_000)))
    assert citizen.browser.get(web.link("A" * 17_000)).status_code == 413


@pytest.mark.spec("JW-15")
def test_a_member_that_stands_twice_is_refused(web: Signer) -> None:
    body = orjson.dumps(web.claims())[:-1] + b',"state":"again"}'
    signing_input = compact.encode(orjson.dumps({"alg": "ES256", "kid": "k1"})) + b"." + compact.encode(body)
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(signing_input, web.portal.key)
    assert is_refused(web.pushes((signing_input + b"." + compact.encode(signature)).decode()))
