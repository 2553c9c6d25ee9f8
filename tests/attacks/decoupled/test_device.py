"""Attacks on the device grant: guessed, stolen and replayed codes, links that are sent, pages that are skipped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from idp.audit.events import AuthorizationGranted
from idp.ephemeral import Drop, Read, Write
from idp.protocol.grants.decoupled import user_codes, waiting
from idp.storage.sql.tables import audit_event, authorization
from tests.support.house import ISSUER, TX, House, later, members
from tests.support.login.elsewhere import OWN, Phone, begins, device_portal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn
    from tests.support.valkey import ValkeyServer

AT_ONCE = 50


@pytest.fixture
def portal(house: House) -> Portal:
    return device_portal(house)


@pytest.mark.spec("DC-01")
def test_another_portals_device_code_is_worth_nothing_and_is_not_used_up(
    house: House, portal: Portal, citizen: SignedIn
) -> None:
    thief, device = device_portal(house), begins(portal)
    assert device.error(by=thief) == "invalid_grant"
    Phone.of(citizen).approves(device)
    assert device.error(by=thief) == "invalid_grant"
    assert device.tokens()


@pytest.mark.parametrize(("late", "status"), [(640, 200), (661, 400)])
@pytest.mark.spec("DC-02", "F31")
def test_what_was_approved_is_over_a_minute_after_its_end_however_long_the_memory_keeps_it(
    house: House, portal: Portal, citizen: SignedIn, late: int, status: int
) -> None:
    device = begins(portal)
    Phone.of(citizen).approves(device)
    key = f"wait:{{{waiting.name_of('device', device.secret)}}}:for:{portal.client_id}"
    (kept,) = house.services.provider.ephemeral.wave(Read(key))
    house.services.provider.ephemeral.wave(Write(key, kept, 60))  # as it is given back to who asks over its limit
    with later(late):
        assert device.polls().status_code == status


@pytest.mark.spec("DC-02", "DC-04")
def test_fifty_questions_at_once_get_one_answer_with_tokens(
    any_house: House,
) -> None:
    portal, citizen = device_portal(any_house), any_house.logs_in_directly()
    device = begins(portal)
    Phone.of(citizen).approves(device)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: device.polls(), range(AT_ONCE)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [400] * (AT_ONCE - 1)
    assert {members(answer)["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    rows = select(func.count()).where(authorization.c.client_id == portal.client_id)
    assert any_house.office.database.consult(lambda connection: connection.execute(rows).scalar_one()) == 1


@pytest.mark.spec("DC-02")
def test_what_comes_back_from_the_dead_is_refused_by_the_row_that_it_left(portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal)
    Phone.of(citizen).approves(device)
    ephemeral = portal.house.services.provider.ephemeral
    found = waiting.read(name=waiting.name_of("device", device.secret), ephemeral=ephemeral)
    assert found
    key = f"wait:{{{found.name}}}:for:{portal.client_id}"
    kept: bytes = ephemeral.wave(Read(key))[0]
    tokens = device.tokens()
    ephemeral.wave(Write(key, kept, 60))
    assert device.error() == "invalid_grant"
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 401


def test_a_request_of_which_half_is_lost_is_refused_like_one_that_never_was(portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal)
    Phone.of(citizen).approves(device)
    key = f"wait:{{{waiting.name_of('device', device.secret)}}}:request"
    assert portal.house.services.provider.ephemeral.wave(Drop(key)) == [True]
    assert device.error() == "invalid_grant"


@pytest.mark.spec("DC-03", "LG-05")
def test_guessing_codes_is_limited_by_address_even_for_the_right_one(tmp_path: Path, lone_valkey: ValkeyServer) -> None:
    house = House.build(folder=tmp_path, redis_url=lone_valkey.url, SEN_LIMITS__PER_PREFIX="8")
    try:
        portal, citizen, other = device_portal(house), house.logs_in_directly(), house.logs_in_directly()
        device = begins(portal)
        guesser, other_one = Phone(citizen.browser, "198.51.100.7"), Phone(other.browser, "203.0.113.9")
        guesses = [guesser.types(user_codes.new_code()).status_code for _ in range(10)]
        assert set(guesses) == {400, 429}
        assert guesses[-1] == 429
        assert guesser.types(str(device.shown)).status_code == 429
        assert other_one.types(str(device.shown)).status_code == 303
    finally:
        house.services.close()


@pytest.mark.spec("DC-03")
def test_codes_hold_enough_chance_and_no_two_are_alike(portal: Portal) -> None:
    codes = {str(begins(portal).shown) for _ in range(20)}
    assert len(codes) == 20
    assert len(user_codes.LETTERS) ** user_codes.LENGTH > 2**34
    assert all(user_codes.read_typed(code) == code for code in codes)


@pytest.mark.spec("DC-03")
def test_a_link_with_a_code_fills_the_field_and_does_nothing_more(portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal)
    page = citizen.browser.get(device.told["verification_uri_complete"].removeprefix(ISSUER))
    assert page.status_code == 200
    assert f'value="{device.shown}"' in page.text
    assert "lừa đảo" in page.text
    assert "<script" not in page.text.partition("</head>")[2]
    assert device.error() == "authorization_pending"
    other = citizen.browser.get('/device?user_code="><script>alert(1)</script>')
    assert "alert(1)" not in other.text.partition("<main")[2].partition("</main>")[0]


@pytest.mark.spec("DC-03")
def test_a_form_of_another_site_types_no_code(portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal)
    form = {"code": str(device.shown)}
    assert citizen.browser.post("/device", data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert citizen.browser.post("/device", data=form, headers=OWN).status_code == 400


def test_another_browser_cannot_confirm_what_this_one_began(house: House, portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal)
    begun = Phone.of(citizen).types(str(device.shown))
    victim = house.logs_in_directly()
    assert victim.browser.get(begun.headers["Location"]).status_code == 400
    assert Phone.of(citizen).says(begun, code=str(device.shown)).status_code == 303


@pytest.mark.spec("DC-03")
def test_no_page_before_the_answer_can_be_skipped(portal: Portal, citizen: SignedIn) -> None:
    phone = Phone.of(citizen)
    phone.approves(begins(portal))  # the consent is there from now on
    device = begins(portal)
    begun = phone.types(str(device.shown))
    tx = TX.search(begun.headers["Location"])
    assert tx
    for path in ("/continue", "/consent"):
        assert citizen.browser.get(f"{path}?tx={tx[1]}").headers["Location"].startswith("/device/confirm?")
    assert phone.says(begun).headers["Location"].startswith("/device/confirm?")
    assert phone.says(begun, answer="confirm").headers["Location"].startswith("/device/confirm?")
    assert device.error() == "authorization_pending"
    assert phone.says(begun, code=str(device.shown)).headers["Location"].endswith("approved")


@pytest.mark.spec("DC-03")
def test_the_word_of_one_citizen_does_not_count_for_the_next(house: House, portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal)
    phone = Phone.of(citizen)
    begun = phone.types(str(device.shown))
    asked = phone.says(begun, code=str(device.shown))
    assert asked.headers["Location"].startswith("/consent?")
    next_one = house.logs_in_directly()
    citizen.browser.set_cookie("sen_session", next_one.token)
    tx = TX.search(begun.headers["Location"])
    assert tx
    anew = citizen.browser.get(f"/continue?tx={tx[1]}").headers["Location"]
    assert anew.startswith("/device/confirm?")
    assert str(device.shown) in citizen.browser.get(anew).text


def test_what_was_answered_in_one_browser_is_over_in_the_other(house: House, portal: Portal, citizen: SignedIn) -> None:
    device, other = begins(portal), house.logs_in_directly()
    late = Phone.of(other).types(str(device.shown))
    Phone.of(citizen).approves(device)
    gone = other.browser.get(late.headers["Location"])
    assert gone.status_code == 400
    assert device.tokens()


@pytest.mark.spec("DC-04")
def test_two_browsers_that_answer_at_once_leave_one_answer(house: House, portal: Portal) -> None:
    device = begins(portal)
    phones = [Phone.of(house.logs_in_directly()) for _ in range(6)]
    begun = [phone.types(str(device.shown)) for phone in phones]
    asked = [phone.says(at, code=str(device.shown)) for phone, at in zip(phones, begun, strict=True)]

    def consent(number: int) -> int:
        return phones[number].consents(asked[number]).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(consent, range(6)))
    assert statuses == [303] + [400] * 5
    assert device.tokens()
    events = select(func.count()).where(
        audit_event.c.client_id == portal.client_id, audit_event.c.type == AuthorizationGranted.__name__
    )
    assert house.office.database.consult(lambda connection: connection.execute(events).scalar_one()) == 1


def test_a_device_that_proved_a_key_gets_tokens_for_no_other(house: House, citizen: SignedIn) -> None:
    app = device_portal(
        house,
        profile="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/back"],
        sector_identifier="app.example",
    )
    assert app.dpop
    own = app.dpop

    def asks(**more: str) -> Any:
        return app.http.post(
            "/device_authorization",
            data={"client_id": app.client_id, "scope": "openid", **more},
            headers=own.header("/device_authorization"),
        )

    told = members(asks())
    assert members(asks(dpop_jkt="A" * 43))["error"] == "invalid_request"
    device = begins(app, client_id=app.client_id)
    device.told.update(told)
    device.shown = told["user_code"]
    Phone.of(citizen).approves(device)
    app.dpop = type(own)()
    assert device.error() == "invalid_grant"
    app.dpop = own
    assert device.error() == "invalid_grant"  # it was taken with the wrong key, and does not come back


def test_neither_code_appears_in_what_is_logged(
    portal: Portal, citizen: SignedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    device = begins(portal)
    Phone.of(citizen).approves(device)
    device.tokens()
    device.error()
    said = "".join(capfd.readouterr())
    assert '"/device/confirm"' in said
    assert device.secret not in said
    assert str(device.shown) not in said


def test_losing_the_memory_costs_the_request_and_nothing_else(tmp_path: Path, own_valkey: ValkeyServer) -> None:
    house = House.build(folder=tmp_path, redis_url=own_valkey.url)
    try:
        portal, citizen = device_portal(house), house.logs_in_directly()
        lost, approved = begins(portal), begins(portal)
        Phone.of(citizen).approves(approved)
        own_valkey.client.flushall()
        house.waits_until_assertions_count()
        assert (lost.error(), approved.error()) == ("invalid_grant", "invalid_grant")
        again = begins(portal)
        citizen.logs_in_again(former=False)
        Phone.of(citizen).approves(again)
        assert again.tokens()
    finally:
        house.services.close()
