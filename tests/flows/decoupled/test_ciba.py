"""CIBA: a portal names its citizen, who answers on the account page (OpenID Connect CIBA Core, FAPI CIBA)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.support.house import ISSUER, TX, House, later, members
from tests.support.login.elsewhere import (
    CIBA,
    DISOWNED,
    Phone,
    asks_for,
    ciba_portal,
    names,
    number_of,
    signed_request,
)

if TYPE_CHECKING:
    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn

TOKEN = "a-token-of-the-portal-itself-0123456789"


@pytest.mark.spec("DC-04")
def test_a_portal_gets_tokens_once_its_citizen_has_approved(portal: Portal, citizen: SignedIn) -> None:
    request = asks_for(portal, citizen)
    assert (request.told["expires_in"], request.told["interval"]) == (180, 5)
    assert request.error() == "authorization_pending"
    phone = Phone.of(citizen)
    assert phone.sees_something()
    phone.approves(request)
    tokens = request.tokens()
    told = portal.reads_id_token(tokens["id_token"])
    assert members(portal.asks_userinfo(tokens["access_token"]))["sub"] == told["sub"]
    assert "urn:openid:params:jwt:claim:auth_req_id" not in told  # of the push mode alone
    assert not phone.sees_something()


def test_a_citizen_is_named_by_an_id_token_too(portal: Portal, citizen: SignedIn) -> None:
    first = asks_for(portal, citizen)
    Phone.of(citizen).approves(first)
    hint = first.tokens()["id_token"]
    again = asks_for(portal, citizen, login_hint="", id_token_hint=hint)
    Phone.of(citizen).approves(again)
    sub = portal.reads_id_token(hint)["sub"]
    assert portal.reads_id_token(again.tokens()["id_token"])["sub"] == sub


@pytest.mark.parametrize("message", ["Hồ sơ số 12, Hà Nội", "Xe A (lần 2)", "a"])
@pytest.mark.spec("DC-05")
def test_a_message_is_shown_as_it_came(portal: Portal, citizen: SignedIn, message: str) -> None:
    request = asks_for(portal, citizen, binding_message=message)
    phone = Phone.of(citizen)
    begun = phone.opens_what_waits()
    assert f">{message}</p>" in citizen.browser.get(begun.headers["Location"]).text
    assert phone.choices(begun) == []
    phone.approves(request)
    assert request.tokens()


@pytest.mark.parametrize("message", ["47", "7731", "W4SCT", "AB12-9876"])
def test_a_code_is_picked_out_of_three_that_look_alike(portal: Portal, citizen: SignedIn, message: str) -> None:
    asks_for(portal, citizen, binding_message=message)
    phone = Phone.of(citizen)
    begun = phone.opens_what_waits()
    offered = phone.choices(begun)
    assert message in offered
    assert len(set(offered)) == 3
    assert {len(code) for code in offered} == {len(message)}
    assert phone.choices(begun) == offered
    assert phone.says(begun, answer="confirm").headers["Location"] == begun.headers["Location"]


def test_a_matter_is_shown_in_the_registrys_words_before_and_while_it_is_agreed_to(
    house: House, citizen: SignedIn
) -> None:
    portal = ciba_portal(house, authorization_details_types=["vn_document_share"])
    matter = {
        "type": "vn_document_share",
        "documents": ["birth_certificate"],
        "recipient": "commune",
        "case_number": "HS-12/2026",
    }
    request = asks_for(portal, citizen, authorization_details=orjson.dumps([matter]).decode())
    phone = Phone.of(citizen)
    begun = phone.opens_what_waits()
    assert "để giải quyết hồ sơ số HS-12/2026" in citizen.browser.get(begun.headers["Location"]).text
    phone.approves(request)
    assert request.tokens()["authorization_details"] == [matter]


def test_without_a_message_a_web_portal_is_heard_all_the_same(portal: Portal, citizen: SignedIn) -> None:
    request = asks_for(portal, citizen, binding_message="")
    Phone.of(citizen).approves(request)
    assert request.tokens()


@pytest.mark.parametrize("said", [{"answer": "refuse"}, {"code": "00"}])
def test_who_says_no_or_picks_another_code_has_refused(portal: Portal, citizen: SignedIn, said: dict[str, str]) -> None:
    request = asks_for(portal, citizen, binding_message="47")
    phone = Phone.of(citizen)
    done = phone.says(phone.opens_what_waits(), **said)
    assert done.headers["Location"] == "/approvals/done?answer=refused"
    assert request.error() == "access_denied"
    assert not phone.sees_something()
    asks_for(portal, citizen)
    assert phone.sees_something()


@pytest.mark.spec("DC-06")
def test_not_me_is_written_down_and_shuts_the_portal_out_for_a_day(
    house: House, portal: Portal, citizen: SignedIn
) -> None:
    request = asks_for(portal, citizen)
    phone = Phone.of(citizen)
    phone.says(phone.opens_what_waits(), answer="not-me")
    assert request.error() == "access_denied"
    history = house.services.audit.of_citizen(citizen_id=citizen.citizen_id, limit=5)
    assert (history[0].type, history[0].client_id) == (DISOWNED, portal.client_id)
    assert "Đã báo “Không phải tôi” với một cổng" in citizen.browser.get("/account/activity").text
    assert asks_for(portal, citizen).error() == "authorization_pending"
    assert not phone.sees_something()
    with later(25 * 3600):
        citizen.logs_in_again()
        asks_for(portal, citizen)
        assert Phone.of(citizen).sees_something()


def test_an_old_login_is_renewed_before_anything_is_approved(portal: Portal, citizen: SignedIn) -> None:
    request = asks_for(portal, citizen, requested_expiry="600")
    with later(301):
        begun = Phone.of(citizen).opens_what_waits()
        assert begun.headers["Location"].startswith("/login?")
        tx = TX.search(begun.headers["Location"])
        assert tx
        assert citizen.browser.get(f"/continue?tx={tx[1]}").headers["Location"].startswith("/login?")
        citizen.logs_in_again()
        confirm = citizen.browser.get(f"/continue?tx={tx[1]}")
        asked = Phone.of(citizen).says(confirm, code="47")
        Phone.of(citizen).consents(asked)
        assert request.tokens()


@pytest.mark.parametrize(("asked", "given"), [("30", 30), ("100000", 600), ("9" * 15, 600)])
def test_a_portal_says_how_long_it_waits(portal: Portal, citizen: SignedIn, asked: str, given: int) -> None:
    request = asks_for(portal, citizen, requested_expiry=asked)
    assert request.told["expires_in"] == given
    with later(given + 1):
        assert request.error() == "expired_token"
        assert not Phone.of(citizen).sees_something()


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"login_hint": ""}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": "", "login_hint_token": "x"}, "invalid_request"),
        ({"login_hint": "", "id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": "somebody"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"binding_message": "x" * 61}, "invalid_binding_message"),
        ({"binding_message": "two\nlines"}, "invalid_binding_message"),
        ({"binding_message": "\u202eabc"}, "invalid_binding_message"),
        ({"binding_message": "https://portal.example"}, "invalid_binding_message"),
        ({"binding_message": "раssроrt"}, "invalid_binding_message"),
        ({"binding_message": "<b>47</b>"}, "invalid_binding_message"),
        ({"binding_message": " 47"}, "invalid_binding_message"),
        ({"requested_expiry": "0"}, "invalid_request"),
        ({"requested_expiry": "-1"}, "invalid_request"),
        ({"requested_expiry": "soon"}, "invalid_request"),
        ({"requested_expiry": "9" * 16}, "invalid_request"),
    ],
)
@pytest.mark.spec("DC-05")
def test_a_request_is_refused_in_plain_words(
    portal: Portal, citizen: SignedIn, parameters: dict[str, str], error: str
) -> None:
    complete = {"login_hint": number_of(citizen), "binding_message": "47", **parameters}
    answer = names(portal, **complete)
    assert (answer.status_code, members(answer)["error"]) == (400, error)
    assert not Phone.of(citizen).sees_something()


def test_a_fapi_portal_signs_its_requests_and_shows_a_message(house: House, citizen: SignedIn) -> None:
    portal = ciba_portal(house, profile="fapi2")
    hint = number_of(citizen)
    assert members(names(portal, login_hint=hint, binding_message="47"))["error"] == "invalid_request"
    silent = portal.post("/bc-authorize", request=signed_request(portal, login_hint=hint, binding_message=None))
    assert members(silent)["error"] == "invalid_binding_message"
    request = asks_for(
        portal, citizen, login_hint="", binding_message="", scope="", request=signed_request(portal, login_hint=hint)
    )
    request.shown = "47"
    Phone.of(citizen).approves(request)
    tokens = request.tokens()
    assert tokens["token_type"] == "DPoP"


def test_a_signed_request_says_numbers_as_numbers(portal: Portal, citizen: SignedIn) -> None:
    signed = signed_request(portal, login_hint=number_of(citizen), requested_expiry=45)
    assert members(portal.post("/bc-authorize", request=signed))["expires_in"] == 45


def test_the_script_hears_whether_something_waits_and_keeps_no_session_awake(
    house: House, portal: Portal, citizen: SignedIn
) -> None:
    state = "/account/approvals/state"
    assert members(citizen.browser.get(state)) == {"waiting": False}
    asks_for(portal, citizen)
    assert members(citizen.browser.get(state)) == {"waiting": True}
    assert house.browser().get(state).status_code == 401
    with later(600):
        assert citizen.browser.get(state).status_code == 200
    with later(901):
        assert citizen.browser.get(state).status_code == 401


def test_both_documents_say_how_a_citizen_is_named(house: House) -> None:
    told: dict[str, Any] = members(house.browser().get("/.well-known/openid-configuration"))
    assert told["backchannel_authentication_endpoint"] == f"{ISSUER}/bc-authorize"
    assert told["backchannel_token_delivery_modes_supported"] == ["ping", "poll"]
    assert told["backchannel_user_code_parameter_supported"] is False
    assert "ES256" in told["backchannel_authentication_request_signing_alg_values_supported"]
    assert CIBA in told["grant_types_supported"]
