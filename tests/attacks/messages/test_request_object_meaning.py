"""What a request object means: how often it counts, what stands beside and inside it, and where it may come."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.attacks.messages.signing import Signer, altered, is_refused
from tests.support.house import ISSUER, House, answered, members

if TYPE_CHECKING:
    from tests.support.house import SignedIn

HOUR = 3600


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
    elsewhere = web.link(web.signs(), request_uri="https://portal.example/request.jwt")
    assert answered(citizen.browser.get(elsewhere))["error"] == "invalid_request"


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
