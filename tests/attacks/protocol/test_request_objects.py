"""Attacks on signed request objects: who signed what, for whom, when, how often, and what stands beside it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp import clock
from keys import compact
from tests.support.house import ISSUER, House, answered, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal, SignedIn

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Signer:
    """A relying party that signs its requests, and puts nothing else into them than it is told."""

    portal: Portal
    typ: str | None = "oauth-authz-req+jwt"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return what an honest object says; a change to None leaves a member out."""
        now = int(clock.now().timestamp())
        said = {
            **self.portal.asks().parameters,
            "iss": self.portal.client_id,
            "aud": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def signs(self, **changes: Any) -> str:
        """Return a signed request object."""
        headers = {"kid": "k1", "typ": self.typ}
        return jwt.encode(self.claims(**changes), self.portal.key, algorithm="ES256", headers=headers)

    def pushes(self, token: str | None = None, /, **beside: str) -> TestResponse:
        """Push an object, by default an honest one, and what stands beside it."""
        return self.portal.post("/par", request=token or self.signs(), **beside)

    def link(self, token: str, **beside: str) -> str:
        """Return a link that carries an object by value."""
        return "/authorize?" + urlencode({"client_id": self.portal.client_id, "request": token, **beside})


@pytest.fixture
def strict(house: House) -> Signer:
    """Give a relying party whose profile asks for signed messages."""
    return Signer(house.registers_portal(profile="fapi2-signing"))


@pytest.fixture
def web(house: House) -> Signer:
    """Give an ordinary relying party."""
    return Signer(house.registers_portal())


@pytest.fixture
def citizen(house: House, web: Signer) -> SignedIn:
    """Give a citizen who has agreed to what the ordinary relying party asks for."""
    signed_in = house.logs_in_directly()
    signed_in.agrees_to(web.portal.asks())
    return signed_in


def is_refused(response: TestResponse, error: str = "invalid_request_object") -> bool:
    """Tell whether a push was refused with this error."""
    assert (response.status_code, members(response)["error"]) == (400, error), response.text
    return True


def altered(token: str, **header: Any) -> str:
    """Return a token with another header and the signature as it was."""
    return ".".join([compact.encode(orjson.dumps(header)).decode(), *token.split(".")[1:]])


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


@pytest.mark.spec("PAR-12")
def test_an_object_counts_once(strict: Signer, web: Signer, citizen: SignedIn) -> None:
    pushed, by_value = strict.signs(response_mode="jwt"), web.signs()
    assert strict.pushes(pushed).status_code == 201
    assert is_refused(strict.pushes(pushed))
    assert "code" in answered(citizen.browser.get(web.link(by_value)))
    assert answered(citizen.browser.get(web.link(by_value)))["error"] == "invalid_request_object"
    assert is_refused(web.pushes(by_value))


def test_the_mark_of_one_relying_party_is_nothing_to_another(house: House, web: Signer) -> None:
    other = Signer(house.registers_portal())
    for signer in (web, other):
        assert signer.pushes(signer.signs(jti="the same")).status_code == 201


@pytest.mark.spec("PAR-13")
def test_one_request_is_not_inside_or_beside_another(web: Signer, citizen: SignedIn) -> None:
    uri = members(web.pushes())["request_uri"]
    assert is_refused(web.pushes(web.signs(request_uri=uri)))
    assert is_refused(web.pushes(web.signs(request=web.signs())))
    assert is_refused(web.pushes(web.signs(), request_uri=uri), "invalid_request")
    both = citizen.browser.get(web.link(web.signs(), request_uri=uri))
    assert (both.status_code, "Location" in both.headers) == (400, False)


@pytest.mark.spec("PAR-07", "RFC 9101 6.3")
def test_what_stands_beside_an_object_counts_for_nothing(web: Signer, citizen: SignedIn) -> None:
    state = secrets.token_urlsafe(8)
    beside = {
        "scope": "openid",
        "state": "outside",
        "redirect_uri": "https://elsewhere.example/",
        "prompt": "none login",
        "response_mode": "form_post",
        "nonce": "outside",
    }
    answer = answered(citizen.browser.get(web.link(web.signs(state=state), **beside)))
    assert (answer["state"], "code" in answer) == (state, True)
    bare = web.signs(code_challenge=None, code_challenge_method=None)
    _, challenge = web.portal.asks().verifier, web.portal.asks().parameters["code_challenge"]
    merged = web.link(bare, code_challenge=challenge, code_challenge_method="S256")
    assert answered(citizen.browser.get(merged))["error"] == "invalid_request"


@pytest.mark.spec("RFC 9101 6.3")
def test_what_oauth_wants_to_see_outside_must_say_the_same(web: Signer, citizen: SignedIn) -> None:
    other = answered(citizen.browser.get(web.link(web.signs(), response_type="code id_token")))
    assert other["error"] == "invalid_request_object"
    assert "code" in answered(citizen.browser.get(web.link(web.signs(), response_type="code", scope="openid")))


@pytest.mark.parametrize(
    "change",
    [
        {"scope": ["openid"]},
        {"prompt": ["login"]},
        {"state": 7},
        {"redirect_uri": None, "state": {}},
        {"max_age": 1.5},
        {"max_age": True},
        {"claims": 7},
        {"nonce": "a\x00b"},
        {"response_mode": False},
        {"dpop_jkt": 1},
    ],
)
def test_a_parameter_of_a_wrong_kind_is_refused_and_never_passed_over(web: Signer, change: dict[str, Any]) -> None:
    assert is_refused(web.pushes(web.signs(**change)))


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


def test_who_must_sign_is_refused_without_an_object_wherever_it_comes(
    house: House, strict: Signer, citizen: SignedIn
) -> None:
    assert is_refused(strict.portal.pushes(response_mode="jwt"), "invalid_request")
    careful = house.registers_portal(require_signed_request_object=True)
    citizen.agrees_to(careful.asks())
    assert answered(citizen.opens(careful.asks()))["error"] == "invalid_request"
    assert is_refused(careful.pushes(), "invalid_request")
    assert "code" in answered(citizen.browser.get(Signer(careful).link(Signer(careful).signs())))


def test_what_was_refused_is_told_at_a_registered_address_or_on_a_page(web: Signer, citizen: SignedIn) -> None:
    bad = web.signs(aud="https://elsewhere.example")
    told = answered(citizen.browser.get(web.link(bad)))
    assert (told["error"], told["iss"]) == ("invalid_request_object", ISSUER)
    outside = {"redirect_uri": web.portal.redirect_uri, "state": "mine"}
    unsigned = altered(web.signs(redirect_uri=None, state=None), alg="none").rpartition(".")[0] + "."
    told = answered(citizen.browser.get(web.link(unsigned, **outside)))
    assert (told["error"], told["state"]) == ("request_not_supported", "mine")
    elsewhere = web.signs(redirect_uri="https://elsewhere.example/", aud="https://elsewhere.example")
    page = citizen.browser.get(web.link(elsewhere))
    assert (page.status_code, "Location" in page.headers) == (400, False)
    assert "elsewhere" not in page.text


@pytest.mark.spec("PAR-01")
def test_a_relying_party_that_must_push_cannot_sign_its_way_around_it(house: House, citizen: SignedIn) -> None:
    signer = Signer(house.registers_portal(profile="fapi2"))
    citizen.agrees_to(signer.portal.asks())
    assert answered(citizen.browser.get(signer.link(signer.signs())))["error"] == "invalid_request"
    assert signer.pushes().status_code == 201


def test_a_public_app_has_no_key_to_sign_with(house: House) -> None:
    app = house.registers_portal(profile="native", token_endpoint_auth_method="none")
    assert is_refused(Signer(app).pushes())
    assert app.pushes().status_code == 201
