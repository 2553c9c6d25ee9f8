"""Consent: asked before anything is released, answered as it was shown, recorded word by word, withdrawn at once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest
from sqlalchemy import select

from idp.protocol.interaction import WORDING_VERSION
from idp.storage.sql.tables import audit_event, consent, consent_wording
from tests.support.house import House, answered, members
from tests.support.login.own_pages import OWN, OwnPages, begins_login, citizen_id_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import ACitizen

LICENCE = "openid service:driving-licence"


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, name
    return found[1]


def _form(page: str) -> dict[str, str]:
    return {name: _field(page, name) for name in ("tx", "shown", "csrf_token")}


def _posts(citizen: ACitizen, form: dict[str, object]) -> TestResponse:
    return citizen.browser.post("/consent", data={"answer": "agree", **form}, headers=OWN)


def _consents(house: House, citizen: ACitizen) -> int:
    statement = select(consent.c.id).where(consent.c.citizen_id == citizen_id_of(house, citizen))
    return len(house.office.database.consult(lambda connection: connection.execute(statement).all()))


@pytest.mark.spec("CO-01", "AZ-18")
def test_nothing_is_released_before_a_page_named_portal_owner_items_purpose_and_duration(
    house: House, citizen: ACitizen
) -> None:
    portal = house.registers_portal()
    silent = answered(citizen.opens(portal.asks(prompt="none", scope=LICENCE)))
    assert silent["error"] == "consent_required"
    location = citizen.opens(portal.asks(scope=LICENCE)).headers["Location"]
    page = citizen.browser.get(location + "&lang=vi").text
    for words in ("Cổng thử nghiệm", "Cơ quan thử nghiệm", "Họ và tên", "Căn cứ pháp lý", "Trong bao lâu"):
        assert words in page
    purpose = house.services.provider.purposes.get("driving-licence")
    assert purpose.name["vi"] in page
    assert all(item.why["vi"] in page for item in purpose.items)
    assert "checked" not in page
    assert answered(citizen.arrives(portal.asks(scope=LICENCE)))["code"]


def test_the_answer_may_go_to_whatever_port_an_app_listens_on(house: House, citizen: ACitizen) -> None:
    app = house.registers_portal(
        profile="native", redirect_uris=["http://127.0.0.1/callback"], token_endpoint_auth_method="none"
    )
    app.redirect_uri = "http://127.0.0.1:49152/callback"
    page = citizen.browser.get(citizen.opens(app.asks()).headers["Location"])
    assert "form-action 'self' http://127.0.0.1:* " in page.headers["Content-Security-Policy"]


@pytest.mark.spec("CO-01")
def test_what_was_agreed_for_one_portal_or_purpose_is_asked_again_for_another(house: House, citizen: ACitizen) -> None:
    first, second = house.registers_portal(), house.registers_portal()
    citizen.arrives(first.asks())
    assert "code" in answered(citizen.opens(first.asks())), "nothing new is asked"
    assert citizen.opens(second.asks()).headers["Location"].startswith("/consent")
    assert citizen.opens(first.asks(scope=LICENCE)).headers["Location"].startswith("/consent")


@pytest.mark.spec("CO-07")
def test_looking_at_the_page_agrees_to_nothing_whatever_the_address_says(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    location = citizen.opens(portal.asks()).headers["Location"]
    page = citizen.browser.get(location).text
    query = {**_form(page), "answer": "agree", "agree": "1"}
    assert citizen.browser.get("/consent", query_string=query).status_code == 200
    going_on = citizen.browser.get(location.replace("/consent", "/continue"))
    assert going_on.headers["Location"].startswith("/consent")
    assert _consents(house, citizen) == 0
    assert "code" in answered(_posts(citizen, dict(_form(citizen.browser.get(location).text))))


@pytest.mark.parametrize(
    "poison",
    [
        {"item": ["personal_number"]},
        {"item": ["name", "no such claim"]},
        {"shown": "0" * 64},
        {"shown": ""},
        {"answer": "agree ", "item": []},
        {"answer": "", "item": []},
    ],
)
@pytest.mark.spec("CO-02", "CO-03")
def test_an_answer_to_something_else_than_what_was_shown_counts_for_nothing(
    house: House, citizen: ACitizen, poison: dict[str, object]
) -> None:
    portal = house.registers_portal()
    location = citizen.opens(portal.asks()).headers["Location"]
    form = _form(citizen.browser.get(location).text)
    refused = _posts(citizen, {**form, **poison})
    assert refused.status_code == 303
    assert "code=" not in refused.headers["Location"]
    assert _consents(house, citizen) == 0
    again = citizen.opens(portal.asks()).headers["Location"]
    assert "code" in answered(_posts(citizen, dict(_form(citizen.browser.get(again).text))))
    assert _consents(house, citizen) == 1


@pytest.mark.spec("CO-02")
def test_what_one_page_showed_answers_no_other_page_and_no_other_citizen(house: House, citizen: ACitizen) -> None:
    portal, other = house.registers_portal(), house.activates_citizen()
    mine = citizen.opens(portal.asks()).headers["Location"]
    second = citizen.opens(portal.asks(scope=LICENCE)).headers["Location"]
    theirs = other.opens(portal.asks()).headers["Location"]
    shown = {name: _form(page) for name, page in (
        ("mine", citizen.browser.get(mine).text),
        ("second", citizen.browser.get(second).text),
        ("theirs", other.browser.get(theirs).text),
    )}  # fmt: skip
    for borrowed in ("second", "theirs"):
        answer = _posts(citizen, {**shown["mine"], "shown": shown[borrowed]["shown"]})
        assert answer.headers["Location"].startswith("/consent")
    assert _posts(citizen, {**shown["mine"], "tx": shown["theirs"]["tx"]}).status_code == 400
    assert _consents(house, citizen) == 0
    fresh = _form(citizen.browser.get(mine).text)
    assert "code" in answered(_posts(citizen, dict(fresh)))
    used = _posts(citizen, dict(fresh))
    assert used.status_code == 400, "an answer is taken once"
    assert _consents(house, citizen) == 1


@pytest.mark.spec("CO-02")
def test_who_logs_in_later_for_the_same_request_has_agreed_to_nothing(house: House, citizen: ACitizen) -> None:
    portal, other = house.registers_portal(), house.activates_citizen()
    other.arrives(portal.asks())
    location = citizen.opens(portal.asks(prompt="consent")).headers["Location"]
    tx = location.partition("tx=")[2]
    transactions = house.services.transactions
    cookie = citizen.browser.get_cookie("sen_browser")
    assert cookie is not None
    waiting = transactions.find(unverified_id=tx, browser=cookie.value)
    transactions.change(waiting, agreed_by=citizen_id_of(house, citizen))
    other.browser = citizen.browser
    assert other.signs_in(tx).status_code == 200
    assert citizen.browser.get(f"/continue?tx={tx}").headers["Location"].startswith("/consent")
    assert "code" in answered(other.agrees(tx))


@pytest.mark.spec("CO-03")
def test_a_refusal_tells_the_portal_and_leaves_nothing_but_a_line_in_the_trail(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    login = portal.asks()
    tx = citizen.opens(login).headers["Location"].partition("tx=")[2]
    refused = answered(citizen.agrees(tx, answer="refuse"))
    assert (refused["error"], refused["state"]) == ("access_denied", login.asked["state"])
    assert "code" not in refused
    assert _consents(house, citizen) == 0
    trail = house.office.audit.of_citizen(citizen_id=citizen_id_of(house, citizen), limit=1)
    assert (trail[0].type, trail[0].client_id) == ("ConsentRefused", portal.client_id)
    assert citizen.browser.get(f"/consent?tx={tx}").status_code == 400


def test_who_would_rather_not_log_in_goes_back_to_the_portal_which_is_told_so(house: House) -> None:
    someone, portal = house.registers_citizen(), house.registers_portal()
    login = portal.asks()
    tx = someone.opens(login).headers["Location"].partition("tx=")[2]
    page = someone.browser.get(f"/login?tx={tx}").text
    form = {name: _field(page, name) for name in ("tx", "csrf_token")}
    refused = answered(someone.browser.post("/login/back", data=form, headers=OWN))
    assert (refused["error"], refused["state"]) == ("access_denied", login.asked["state"])
    assert someone.browser.get(f"/login?tx={tx}").status_code == 400
    assert someone.browser.post("/login/back", data={"tx": tx}, headers=OWN).status_code == 400


def test_who_would_rather_not_open_the_own_page_goes_to_the_front(house: House) -> None:
    browser = house.browser()
    back = OwnPages(browser).sends("/login/back", tx=begins_login(browser))
    assert (back.status_code, back.headers["Location"]) == (303, "/")


def test_an_answer_of_one_whose_session_has_ended_agrees_to_nothing(house: House, citizen: ACitizen) -> None:
    location = citizen.opens(house.registers_portal().asks()).headers["Location"]
    form: dict[str, object] = {**_form(citizen.browser.get(location).text)}
    citizen.browser.delete_cookie("sen_session")
    answer = _posts(citizen, form)
    assert (answer.status_code, answer.headers["Location"]) == (303, location.replace("/consent", "/login"))
    assert _consents(house, citizen) == 0


@pytest.mark.spec("AZ-22")
def test_a_level_that_was_not_reached_is_told_to_the_portal_whichever_page_is_opened(house: House) -> None:
    citizen = house.logs_in_directly()
    for page in ("continue", "consent"):
        asked = citizen.opens(house.registers_portal().asks(scope="openid service:secured-transaction"))
        citizen.logs_in_again()
        told = answered(citizen.browser.get(asked.headers["Location"].replace("/login", f"/{page}")))
        assert told["error"] == "unmet_authentication_requirements"


@pytest.mark.spec("CO-04", "RT-07")
def test_a_withdrawal_ends_tokens_codes_and_silent_logins_at_once(any_house: House) -> None:
    citizen = any_house.activates_citizen()
    portal = any_house.registers_portal()
    login = portal.asks(scope="openid service:login offline_access")
    tokens = members(login.redeem(citizen.arrives(login, "offline_access")))
    waiting = portal.asks()
    code = citizen.opens(waiting)
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 200
    shown = OwnPages(citizen.browser).browser.get("/account/services").text
    consent_id = re.search(r"withdraw\?consent=([0-9a-f-]{36})", shown)[1]  # type: ignore[index]
    done = OwnPages(citizen.browser).sends("/account/withdraw", consent=consent_id)
    assert done.headers["Location"] == "/account/services?done=withdrawn"
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 401
    assert portal.refreshes(tokens["refresh_token"]).status_code == 400
    assert waiting.redeem(code).status_code == 400
    assert answered(citizen.opens(portal.asks(prompt="none")))["error"] == "consent_required"


@pytest.mark.spec("CO-04", "RT-13")
def test_nobody_withdraws_what_another_citizen_agreed_to(house: House, citizen: ACitizen) -> None:
    portal, stranger = house.registers_portal(), house.activates_citizen()
    login = portal.asks()
    tokens = members(login.redeem(citizen.arrives(login)))
    consent_id = re.search(  # type: ignore[index]
        r"withdraw\?consent=([0-9a-f-]{36})", citizen.browser.get("/account/services").text
    )[1]
    OwnPages(stranger.browser).sends("/account/withdraw", consent=consent_id)
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.spec("CO-06")
def test_a_record_keeps_the_words_the_version_the_time_the_session_and_the_level(
    house: House, citizen: ACitizen
) -> None:
    portal = house.registers_portal()
    location = citizen.opens(portal.asks(scope=LICENCE)).headers["Location"]
    page = citizen.browser.get(location + "&lang=en").text
    assert "code" in answered(_posts(citizen, dict(_form(page))))
    statement = (
        select(consent, consent_wording.c.text, consent_wording.c.language, consent_wording.c.version)
        .join(consent_wording, consent_wording.c.sha256 == consent.c.wording_sha256)
        .where(consent.c.citizen_id == citizen_id_of(house, citizen))
    )
    (kept,) = house.office.database.consult(lambda connection: connection.execute(statement).mappings().all())
    assert kept["language"] == "en"
    assert kept["version"] == WORDING_VERSION
    assert kept["text"].startswith("Test portal\nVerified owner: Test authority\n\n")
    purpose = house.services.provider.purposes.get("driving-licence")
    assert all(item.why["en"] in kept["text"] for item in purpose.items if item.required)
    assert citizen.number.digits not in kept["text"]
    assert kept["acr"] == "urn:sen:authentication-level:2"
    sessions = house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen))
    assert kept["session_id"] == sessions[0].id
    assert all(f'"{item.claim}"' in kept["items"] for item in purpose.items if item.required)
    trail = select(audit_event.c.details).where(
        audit_event.c.type == "ConsentGiven", audit_event.c.object == kept["id"]
    )
    (details,) = house.office.database.consult(lambda connection: connection.execute(trail).scalars().all())
    assert orjson.loads(details)["wording"] == kept["wording_sha256"]


@pytest.mark.spec("PAR-06", "I1")
def test_a_waiting_request_is_not_kept_alive_by_looking_at_it(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    tx = citizen.opens(portal.asks()).headers["Location"].partition("tx=")[2]
    transactions, cookie = house.services.transactions, citizen.browser.get_cookie("sen_browser")
    assert cookie is not None
    waiting = transactions.find(unverified_id=tx, browser=cookie.value)
    transactions.change(replace(waiting, began_at=waiting.began_at - house.settings.sessions.transaction_seconds + 30))
    assert citizen.browser.get(f"/consent?tx={tx}").status_code == 200
    old = transactions.find(unverified_id=tx, browser=cookie.value)
    transactions.change(old)
    with pytest.raises(Exception, match="too long ago"):
        transactions.change(replace(old, began_at=old.began_at - 30))
