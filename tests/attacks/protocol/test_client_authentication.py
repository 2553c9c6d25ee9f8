"""Attacks on client authentication: assertions for others, of others, again, too long; secrets; two ways at once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp import clock
from idp.errors import InvalidClient
from idp.protocol.client_auth.client_secret_post import by_secret
from tests.support.foreign.receiver import Receiver, says_json
from tests.support.house import ASSERTION_TYPE, ISSUER, House, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal
    from tests.support.valkey import ValkeyServer


def pushes_with(portal: Portal, assertion: str, **form: str) -> TestResponse:
    """Push a request with an assertion of one's own making."""
    authentication = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **form}
    return portal.http.post("/par", data={**portal.asks().parameters, **authentication})


def is_refused(response: TestResponse) -> bool:
    """Tell whether it is the one answer that every failed authentication gets."""
    assert members(response) == {
        "error": "invalid_client",
        "error_description": "The relying party could not be authenticated.",
    }
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    return response.status_code == 401


@pytest.mark.parametrize(
    "audience",
    [
        [ISSUER],
        [ISSUER, "https://elsewhere.example"],
        f"{ISSUER}/",
        f"{ISSUER}/token",
        f"{ISSUER}/par",
        "https://elsewhere.example",
        "",
        None,
        7,
    ],
)
@pytest.mark.spec("CA-02")
def test_the_audience_is_the_issuer_as_a_string(house: House, audience: Any) -> None:
    strict = house.registers_portal(profile="fapi2")
    assert is_refused(pushes_with(strict, strict.assertion(aud=audience)))
    assert pushes_with(strict, strict.assertion()).status_code == 201


TOKEN_ENDPOINT = f"{ISSUER}/token"


@pytest.mark.parametrize(
    "audience",
    [
        ISSUER,
        TOKEN_ENDPOINT,
        [ISSUER],
        [TOKEN_ENDPOINT],
        [ISSUER, TOKEN_ENDPOINT],
        f"{ISSUER}/par",
        f"{ISSUER}/bc-authorize",
    ],
    ids=str,
)
@pytest.mark.spec("CA-02")
def test_an_ordinary_portal_may_name_an_endpoint_as_openid_connect_does(portal: Portal, audience: Any) -> None:
    assert pushes_with(portal, portal.assertion(aud=audience)).status_code == 201


ELSEWHERE = "https://elsewhere.example"


@pytest.mark.parametrize(
    "audience",
    [ELSEWHERE, [ELSEWHERE], [ISSUER, ELSEWHERE], f"{ISSUER}/jwks", f"{ISSUER}/", [], [7], [None], {}, 7, None],
    ids=str,
)
@pytest.mark.spec("CA-02")
def test_an_ordinary_portal_names_nobody_but_us(portal: Portal, audience: Any) -> None:
    assert is_refused(pushes_with(portal, portal.assertion(aud=audience)))


@pytest.mark.spec("CA-03")
def test_an_assertion_names_one_portal_and_names_it_everywhere(house: House, portal: Portal) -> None:
    other = house.registers_portal()
    for claims in ({"iss": other.client_id}, {"sub": other.client_id}, {"iss": None}, {"sub": None}, {"sub": 7}):
        assert is_refused(pushes_with(portal, portal.assertion(**claims)))
    assert is_refused(pushes_with(portal, portal.assertion(), client_id=other.client_id))
    assert is_refused(pushes_with(portal, portal.assertion(sub=other.client_id, iss=other.client_id)))


@pytest.mark.parametrize("client_id", ["a\x00b", "\x00", "x" * 5000, "bố", "", "a b", "' OR 1=1 --"])
@pytest.mark.spec("CA-09", "HT-10")
def test_a_name_that_no_portal_can_have_is_an_unknown_portal(postgres_house: House, client_id: str) -> None:
    portal = postgres_house.registers_portal()
    named = portal.assertion(iss=client_id, sub=client_id)
    form = {key: value for key, value in portal.asks().parameters.items() if key != "client_id"}
    authentication = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": named}
    assert is_refused(portal.http.post("/par", data={**form, **authentication}))
    pair = base64.b64encode(f"{client_id}:secret".encode()).decode()
    if len(pair) < 1000:
        assert is_refused(portal.http.post("/token", data=GRANT, headers={"Authorization": f"Basic {pair}"}))
    if "\x00" not in client_id:
        assert is_refused(portal.http.post("/token", data={**GRANT, "client_id": client_id}))


GRANT = {"grant_type": "refresh_token", "refresh_token": "sen_rt_x"}


@pytest.mark.spec("CA-04")
def test_an_assertion_works_once_at_whatever_endpoint(house: House, portal: Portal) -> None:
    form = portal.authentication()
    assert portal.http.post("/par", data={**form, **portal.asks().parameters}).status_code == 201
    for path, more in (("/par", portal.asks().parameters), ("/token", GRANT), ("/revoke", {"token": "x"})):
        assert is_refused(portal.http.post(path, data={**form, **more}))
    worker = House(house.settings, type(house.app)(house.services), house.office)
    replayed = worker.browser().post("/par", data={**form, **portal.asks().parameters})
    assert is_refused(replayed)


@pytest.mark.spec("CA-04")
def test_an_assertion_is_spent_even_when_its_request_was_refused(portal: Portal) -> None:
    form = portal.authentication()
    assert portal.http.post("/token", data={**form, **GRANT}).status_code == 400
    assert is_refused(portal.http.post("/token", data={**form, **GRANT}))


@pytest.mark.spec("CA-04")
def test_two_portals_may_use_the_same_jti(house: House, portal: Portal) -> None:
    other = house.registers_portal()
    assert pushes_with(portal, portal.assertion(jti="same-for-both")).status_code == 201
    assert pushes_with(other, other.assertion(jti="same-for-both")).status_code == 201


@pytest.mark.spec("CA-04")
def test_an_assertion_works_once_though_the_memory_was_lost(
    tmp_path_factory: pytest.TempPathFactory, own_valkey: ValkeyServer
) -> None:
    house = House.build(folder=tmp_path_factory.mktemp("forgetful"), redis_url=own_valkey.url)
    portal = house.registers_portal()
    spent = {**portal.authentication(), **portal.asks().parameters}
    assert portal.http.post("/par", data=spent).status_code == 201
    own_valkey.client.flushall()
    assert is_refused(portal.http.post("/par", data=spent))
    house.waits_until_assertions_count()
    assert is_refused(portal.http.post("/par", data=spent))
    assert portal.pushes().status_code == 201
    own_valkey.kill()
    own_valkey.start()
    assert is_refused(portal.http.post("/par", data=spent))
    house.waits_until_assertions_count()
    assert portal.pushes().status_code == 201
    house.services.close()


@pytest.mark.parametrize(
    ("offsets", "accepted"),
    [
        ({"exp": 60}, True),
        ({"exp": 299}, True),
        ({"iat": 8, "exp": 60}, True),
        ({"nbf": 8, "exp": 60}, True),
        ({"exp": None}, False),
        ({"exp": 0}, False),
        ({"exp": -1}, False),
        ({"exp": 400}, False),
        ({"exp": 10**9}, False),
        ({"iat": 61, "exp": 90}, False),
        ({"nbf": 61, "exp": 90}, False),
    ],
)
@pytest.mark.spec("CA-05")
def test_an_assertion_is_young_and_ends_soon(
    portal: Portal,
    offsets: dict[str, int | None],
    accepted: bool,  # noqa: FBT001  a column of the table
) -> None:
    now = int(clock.now().timestamp())
    times: dict[str, Any] = {name: None if offset is None else now + offset for name, offset in offsets.items()}
    response = pushes_with(portal, portal.assertion(**times))
    assert response.status_code == 201 if accepted else is_refused(response)


@pytest.mark.parametrize("claims", [{"exp": "9999999999"}, {"exp": True}, {"iat": 1.5}, {"jti": 7}, {"jti": ""}])
@pytest.mark.spec("CA-05")
def test_an_assertion_whose_claims_are_of_another_type_is_refused(portal: Portal, claims: dict[str, Any]) -> None:
    assert is_refused(pushes_with(portal, portal.assertion(**claims)))


@pytest.mark.spec("CA-05")
def test_an_assertion_without_a_jti_or_with_an_endless_one_is_refused(portal: Portal) -> None:
    assert is_refused(pushes_with(portal, portal.assertion(jti=None)))
    assert is_refused(pushes_with(portal, portal.assertion(jti="j" * 300)))


@pytest.mark.spec("CA-06")
def test_an_assertion_is_signed_by_a_registered_key_with_its_own_algorithm(portal: Portal) -> None:
    claims = jwt.decode(portal.assertion(), options={"verify_signature": False})
    public = portal.key.public_key()
    numbers = public.public_numbers()
    honest = portal.assertion()
    forged = [
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, f"{numbers.x}" + "x" * 32, algorithm="HS256"),
        jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "k1"}),
        jwt.encode(claims, ec.generate_private_key(ec.SECP256K1()), algorithm="ES256K", headers={"kid": "k1"}),
        jwt.encode(claims, rsa.generate_private_key(65537, 2048), algorithm="RS256", headers={"kid": "k1"}),
        jwt.encode(claims, portal.key, algorithm="ES256", headers={"kid": "unknown"}),
        jwt.encode(claims, portal.key, algorithm="ES256", headers={"kid": "../../dev/null"}),
        portal.assertion(headers={"typ": "at+jwt"}),
        honest[:-2] + ("BA" if honest.endswith("AA") else "AA"),
    ]
    for assertion in forged:
        assert is_refused(pushes_with(portal, assertion))
    assert pushes_with(portal, portal.assertion(headers={"typ": "client-authentication+jwt"})).status_code == 201


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
@pytest.mark.spec("CA-08")
def test_a_key_that_an_assertion_brings_along_is_not_used(portal: Portal, name: str) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    claims = jwt.decode(portal.assertion(), options={"verify_signature": False})
    with Receiver(jwks=says_json({"keys": [{**public, "kid": "k1"}]})) as server:
        values: dict[str, Any] = {"jwk": public, "jku": server.url("/jwks"), "x5u": server.url("/x"), "x5c": ["AAAA"]}
        forged = jwt.encode(claims, stranger, algorithm="ES256", headers={"kid": "k1", name: values[name]})
        assert is_refused(pushes_with(portal, forged))
        assert server.asked == []


@pytest.mark.spec("CA-09")
def test_unknown_portals_and_wrong_secrets_get_one_answer(house: House) -> None:
    portal = house.registers_portal(token_endpoint_auth_method="client_secret_basic")
    unknown = {"Authorization": "Basic " + base64.b64encode(b"nobody:secret").decode()}
    answers = [
        portal.http.post("/token", data=GRANT, headers=headers)
        for headers in (unknown, portal.basic("wrong"), portal.basic(""), {"Authorization": "Basic ???"}, {})
    ]
    assert all(is_refused(answer) for answer in answers)
    assert len({answer.data for answer in answers}) == 1
    assert is_refused(portal.http.post("/token", data={**GRANT, "client_id": "another"}, headers=portal.basic()))
    for named in ({}, {"client_id": portal.client_id}):
        good = portal.http.post("/token", data={**GRANT, **named}, headers=portal.basic())
        assert members(good)["error"] == "invalid_grant"


def test_a_portal_cannot_choose_a_weaker_way_than_its_own(house: House, portal: Portal) -> None:
    with_secret = house.registers_portal(token_endpoint_auth_method="client_secret_basic")
    public = house.registers_portal(
        profile="native", token_endpoint_auth_method="none", grant_types=["authorization_code"]
    )
    for client_id in (portal.client_id, with_secret.client_id):
        assert is_refused(portal.http.post("/token", data={**GRANT, "client_id": client_id}))
    with pytest.raises(InvalidClient) as refused:
        by_secret(unverified_id=portal.client_id, unverified_secret="a secret", provider=house.services.provider)
    assert refused.value.detail == "registered for private_key_jwt", "for the log"
    pair = base64.b64encode(f"{portal.client_id}:".encode()).decode()
    assert is_refused(portal.http.post("/token", data=GRANT, headers={"Authorization": f"Basic {pair}"}))
    secret_in_form = {**GRANT, "client_id": with_secret.client_id, "client_secret": with_secret.secret}
    assert is_refused(portal.http.post("/token", data=secret_in_form))
    assert members(public.post("/token", **GRANT))["error"] == "unauthorized_client"


@pytest.mark.spec("TK-13")
def test_two_ways_of_authentication_at_once_are_refused(house: House, portal: Portal) -> None:
    with_secret = house.registers_portal(token_endpoint_auth_method="client_secret_basic")
    both = portal.http.post("/token", data={**GRANT, **portal.authentication()}, headers=with_secret.basic())
    twice = with_secret.http.post("/token", data={**GRANT, "client_secret": "x"}, headers=with_secret.basic())
    for response in (both, twice):
        assert (response.status_code, members(response)["error"]) == (400, "invalid_request")
