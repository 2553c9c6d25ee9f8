"""Attacks on answers at the redirect address: every mode, code and error alike, read the way a portal reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp import clock
from idp.protocol.authorization_response import MODES
from tests.support.house import ISSUER, TX, House, members
from tests.unit.keys.opener import header_of, opened

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal, SignedIn

FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
ACTION = re.compile(r'<form method="post" action="([^"]*)" id="answer">')
SIGNED = [mode for mode in MODES if MODES[mode].signed]


@dataclass(frozen=True, slots=True)
class Read:
    """An answer as it reached the portal: to which address, by which way, and what it said."""

    address: str
    delivery: str
    said: dict[str, str]


def read(response: TestResponse) -> Read:
    """Read an answer from a redirect or from a form."""
    if response.status_code == 200:
        action = ACTION.search(response.text)
        assert action, response.text[:2000]
        fields = {unescape(name): unescape(value) for name, value in FIELD.findall(response.text)}
        return Read(unescape(action[1]), "form_post", fields)
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["Location"])
    delivery, text = ("fragment", parts.fragment) if parts.fragment else ("query", parts.query)
    assert not (parts.fragment and parts.query)
    said = {name: value for name, (value,) in parse_qs(text, keep_blank_values=True, strict_parsing=True).items()}
    return Read(f"{parts.scheme}://{parts.netloc}{parts.path}", delivery, said)


def said_to(portal: Portal, found: Read) -> dict[str, Any]:
    """Return what an answer says, verified as a portal does where it is signed (JARM section 2.4)."""
    if "response" not in found.said:
        return dict(found.said)
    assert set(found.said) == {"response"}
    claims = portal.reads_id_token(found.said["response"])
    assert claims["exp"] - clock.now().timestamp() <= 600
    return claims


@pytest.mark.spec("SS-11", "AZ-13")
def test_a_form_goes_to_an_address_that_a_policy_could_not_hold(house: House) -> None:
    address = "https://portal.example/cb;v=1,2?said='x'"
    odd = house.registers_portal(redirect_uris=[address])
    login = odd.asks(redirect_uri=address, response_mode="form_post", prompt="none")
    response = house.browser().get(login.url)
    found = read(response)
    assert (found.address, found.said["error"]) == (address, "login_required")
    assert "form-action 'self' https://portal.example;" in response.headers["Content-Security-Policy"]


@pytest.mark.spec("AZ-25", "RFC 9207 2")
@pytest.mark.parametrize("mode", MODES)
def test_a_code_and_an_error_travel_as_the_portal_has_asked(portal: Portal, citizen: SignedIn, mode: str) -> None:
    good, bad = portal.asks(response_mode=mode), portal.asks(response_mode=mode, scope="nothing")
    for login, name in ((good, "code"), (bad, "error")):
        found = read(citizen.opens(login))
        assert (found.address, found.delivery) == (portal.redirect_uri, MODES[mode].delivery)
        assert ("response" in found.said) == MODES[mode].signed
        said = said_to(portal, found)
        assert (said["iss"], said["state"], name in said) == (ISSUER, login.asked["state"], True)
    code = said_to(portal, read(citizen.opens(good)))["code"]
    assert portal.redeems(code, good.verifier).status_code == 200


@pytest.mark.parametrize("mode", MODES)
def test_what_a_citizen_says_on_our_pages_travels_the_same_way(house: House, portal: Portal, mode: str) -> None:
    person = house.registers_citizen()
    login = portal.asks(response_mode=mode)
    tx = TX.search(person.opens(login).headers["Location"])[1]  # type: ignore[index]  # it is a redirect of ours
    person.activates(tx)
    denied = read(person.agrees(tx, answer="refuse"))
    assert (denied.delivery, said_to(portal, denied)["error"]) == (MODES[mode].delivery, "access_denied")
    again = portal.asks(response_mode=mode)
    agreed = read(person.arrives(again) if mode not in {"form_post", "form_post.jwt"} else _agrees(person, again))
    assert portal.redeems(said_to(portal, agreed)["code"], again.verifier).status_code == 200


def _agrees(person: Any, login: Any) -> TestResponse:
    """Go through the consent page to a page that posts: there is no address to follow."""
    tx = TX.search(person.opens(login).headers["Location"])[1]  # type: ignore[index]  # it is a redirect of ours
    answer: TestResponse = person.agrees(tx)
    return answer if answer.status_code == 200 else person.browser.get(answer.headers["Location"])


@pytest.mark.parametrize("mode", ["query", None, "form_post", "fragment", "web_message.jwt", "jwt.jwt"])
def test_who_signs_messages_is_answered_by_signed_messages_alone(house: House, mode: str | None) -> None:
    strict = house.registers_portal(profile="fapi2-signing")
    now = int(clock.now().timestamp())

    def pushes(**parameters: str) -> TestResponse:
        said = {**strict.asks(**parameters).parameters, "iss": strict.client_id, "aud": ISSUER, "nbf": now}
        token = jwt.encode({**said, "exp": now + 60}, strict.key, algorithm="ES256", headers={"kid": "k1"})
        return strict.post("/par", request=token)

    refused = pushes(response_mode=mode or "")
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_request")
    assert [pushes(response_mode=one).status_code for one in SIGNED] == [201] * len(SIGNED)


def test_an_error_in_the_choice_of_a_mode_is_signed_where_nothing_else_is_understood(house: House) -> None:
    signs = house.registers_portal(response_modes=["jwt"])
    found = read(house.logs_in_directly().opens(signs.asks(response_mode="query")))
    assert said_to(signs, found)["error"] == "invalid_request"


@pytest.mark.spec("JW-17", "JW-08")
def test_a_signed_answer_is_no_token_of_another_kind(portal: Portal, citizen: SignedIn) -> None:
    token = read(citizen.opens(portal.asks(response_mode="jwt"))).said["response"]
    assert portal.asks_userinfo(token).status_code == 401
    hinted = said_to(portal, read(citizen.opens(portal.asks(id_token_hint=token))))
    assert hinted["error"] == "invalid_request"
    assert members(portal.post("/par", request=token))["error"] == "invalid_request_object"
    with pytest.raises(jwt.InvalidAudienceError):
        citizen.house.registers_portal().reads_id_token(token)
    honest = citizen.gives_tokens(portal)
    assert "code" in said_to(portal, read(citizen.opens(portal.asks(id_token_hint=honest.members["id_token"]))))


def test_an_encrypted_answer_is_read_by_its_portal_alone(house: House, citizen: SignedIn) -> None:
    mine, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    keys = [
        {**jwt.algorithms.ECAlgorithm.to_jwk(own.public_key(), as_dict=True), "kid": "k1", "use": "sig"},
        {**jwt.algorithms.ECAlgorithm.to_jwk(mine.public_key(), as_dict=True), "kid": "k2", "use": "enc"},
    ]
    portal = house.registers_portal(jwks={"keys": keys}, authorization_encrypted_response_alg="ECDH-ES")
    portal.key = own
    citizen.agrees_to(portal.asks())
    for scope, name in (("openid service:login", "code"), ("nothing", "error")):
        token = read(citizen.opens(portal.asks(response_mode="jwt", scope=scope))).said["response"]
        assert (header_of(token)["cty"], header_of(token)["kid"]) == ("JWT", "k2")
        assert name in portal.reads_id_token(opened(token, key=mine).decode())


def test_where_no_key_fits_nothing_is_said_in_the_clear(house: House, citizen: SignedIn) -> None:
    portal = house.registers_portal(authorization_encrypted_response_alg="RSA-OAEP-256")
    citizen.agrees_to(portal.asks())
    for login in (portal.asks(response_mode="jwt"), portal.asks(response_mode="jwt", scope="nothing")):
        page = citizen.opens(login)
        assert (page.status_code, "Location" in page.headers) == (400, False)
        assert 'id="answer"' not in page.text
    assert "code" in read(citizen.opens(portal.asks())).said


@pytest.mark.spec("SS-10", "SS-11")
@pytest.mark.parametrize("mode", ["form_post", "form_post.jwt"])
def test_the_page_that_posts_holds_no_script_and_posts_to_one_portal(
    portal: Portal, citizen: SignedIn, mode: str
) -> None:
    page = citizen.opens(portal.asks(response_mode=mode))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Frame-Options"] == "DENY"
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["form-action"] == "'self' https://portal.example"
    assert re.fullmatch(r"'nonce-[A-Za-z0-9_-]{22}'", policy["script-src"])
    assert re.findall(r"<script(?![^>]* src=\"/static/)[^>]*>", page.text) == []
    assert re.findall(r"<[^>]* on\w+=", page.text) == []
    assert page.text.count("<form") == 1
    assert "csrf_token" not in dict(FIELD.findall(page.text))


@pytest.mark.parametrize("state", ['"><script>alert(1)</script>', "' onfocus=alert(1) x='", "&quot;", "áé 中 %00&x=1"])
def test_a_state_comes_back_as_it_was_and_breaks_out_of_nothing(portal: Portal, citizen: SignedIn, state: str) -> None:
    for mode in MODES:
        response = citizen.opens(portal.asks(response_mode=mode, state=state))
        assert said_to(portal, read(response))["state"] == state
        assert "<script>" not in response.text


def test_an_answer_by_form_is_given_once(house: House) -> None:
    portal, person = house.registers_portal(), house.registers_citizen()
    login = portal.asks(response_mode="form_post").pushed()
    tx = TX.search(person.opens(login).headers["Location"])[1]  # type: ignore[index]  # it is a redirect of ours
    person.activates(tx)
    first = person.agrees(tx)
    assert "code" in read(first).said
    again = person.browser.get(f"/continue?tx={tx}")
    assert 'id="answer"' not in again.text
    assert again.status_code == 400


def test_posting_a_request_is_answered_by_a_form_too(portal: Portal, citizen: SignedIn) -> None:
    login = portal.asks(response_mode="form_post")
    assert "code" in read(citizen.browser.post("/authorize", data=login.parameters)).said
