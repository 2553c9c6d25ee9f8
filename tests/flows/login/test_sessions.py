"""A login session: its cookie, its times, its end, and what a change of credentials does to it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import time_machine
from werkzeug.test import Client

from idp import clock
from idp.sessions import Session, key_of, opened
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.house import House, members
from tests.support.login.own_pages import OwnPages, begins_login, citizen_id_of, passkeys_of

if TYPE_CHECKING:
    from tests.support.house import ACitizen
    from tests.support.valkey import ValkeyServer

SESSION = "sen_session"


def _cookie(browser: Client) -> str:
    cookie = browser.get_cookie(SESSION)
    assert cookie is not None
    return cookie.value


def _with_cookie(house: House, value: str) -> OwnPages:
    browser = house.browser()
    browser.set_cookie(SESSION, value)
    return OwnPages(browser)


@pytest.mark.spec("SS-01")
def test_over_tls_every_cookie_is_of_this_host_alone_and_unseen_by_scripts(
    tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer
) -> None:
    folder = tmp_path_factory.mktemp("tls")
    built = House.build(folder=folder, redis_url=lone_valkey.url, SEN_SERVER__ISSUER="https://id.example")
    browser = Client(built.app)
    begun = browser.get("/login", base_url="https://id.example")
    page = browser.get(begun.headers["Location"] + "&lang=en", base_url="https://id.example")
    cookies = [*begun.headers.getlist("Set-Cookie"), *page.headers.getlist("Set-Cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        "__Host-sen_browser",
        "__Host-sen_form",
        "__Host-sen_lang",
    }
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= attributes, cookie
        assert not any(attribute.startswith("domain") for attribute in attributes)
    assert "max-age=63072000" in page.headers["Strict-Transport-Security"]
    built.services.close()


@pytest.mark.spec("SS-01", "SS-03")
def test_the_session_cookie_is_random_says_nothing_and_is_kept_as_a_hash(
    house: House, citizen: ACitizen, lone_valkey: ValkeyServer
) -> None:
    value = _cookie(citizen.browser)
    assert len(value) == 43
    assert citizen.number.digits not in value
    assert lone_valkey.client.get(key_of(value)) is not None
    assert key_of(value) == "session:" + sha256(value.encode()).hexdigest()
    assert not [key for key in lone_valkey.client.scan_iter("*") if value.encode() in key]
    assert not OwnPages(house.browser()).is_logged_in()
    assert not _with_cookie(house, key_of(value).partition(":")[2]).is_logged_in(), "its hash is not a session"
    assert _with_cookie(house, value).is_logged_in()


@pytest.mark.spec("SS-02")
def test_a_login_gives_a_new_session_id_and_ends_the_one_before(house: House, citizen: ACitizen) -> None:
    before = _cookie(citizen.browser)
    signed = citizen.signs_in(begins_login(citizen.browser))
    assert signed.status_code == 200
    after = _cookie(citizen.browser)
    assert after != before
    assert _with_cookie(house, after).is_logged_in()
    assert not _with_cookie(house, before).is_logged_in()


@pytest.mark.spec("SS-02")
def test_a_session_cookie_that_somebody_planted_is_never_the_one_that_a_login_opens(house: House) -> None:
    victim = house.registers_citizen()
    planted = secrets.token_urlsafe(32)
    victim.browser.set_cookie(SESSION, planted)
    assert victim.activates().status_code == 200
    assert _cookie(victim.browser) != planted
    assert not _with_cookie(house, planted).is_logged_in()
    assert OwnPages(victim.browser).is_logged_in()


@pytest.mark.spec("SS-02", "SS-07")
def test_another_citizens_login_in_the_same_browser_ends_the_session_before(house: House, citizen: ACitizen) -> None:
    before = _cookie(citizen.browser)
    other = house.activates_citizen()
    other.browser = citizen.browser
    assert other.signs_in(begins_login(citizen.browser)).status_code == 200
    assert not _with_cookie(house, before).is_logged_in()
    live = house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen))
    assert live == ()


@pytest.mark.spec("SS-04")
def test_a_session_ends_after_fifteen_idle_minutes_and_after_twelve_hours_in_any_case(
    house: House, citizen: ACitizen
) -> None:
    now = clock.now()
    idle = house.settings.sessions.idle_seconds
    assert idle == 900
    assert house.settings.sessions.absolute_seconds <= 12 * 3600
    pages = OwnPages(citizen.browser)
    with time_machine.travel(now + timedelta(seconds=idle - 60), tick=True):
        assert pages.is_logged_in(), "a visit just before keeps it awake"
    with time_machine.travel(now + timedelta(seconds=2 * idle - 120), tick=True):
        assert pages.is_logged_in()
    with time_machine.travel(now + timedelta(seconds=3 * idle), tick=True):
        assert not pages.is_logged_in()


@pytest.mark.spec("SS-04")
@pytest.mark.parametrize(
    ("unseen_for", "ends_in", "alive"),
    [(899, 1, True), (900, 1, False), (0, 1, True), (0, 0, False), (-900, 1, True), (-901, 1, False)],
)
def test_a_session_ends_in_the_very_second(house: House, unseen_for: int, ends_in: int, *, alive: bool) -> None:
    instant = 1_800_000_000
    session = Session(
        id="session",
        citizen_id="citizen",
        passkey_id="passkey",
        level=2,
        amr=("hwk",),
        auth_time=instant,
        started_at=instant,
        expires_at=instant + ends_in,
        last_seen=instant - unseen_for,
    )
    with time_machine.travel(instant, tick=False):
        found = opened(session.to_json(), settings=house.settings.sessions)
    assert found == (session if alive else None)


@pytest.mark.spec("SS-04")
def test_a_session_that_is_always_used_still_ends_after_twelve_hours(house: House, citizen: ACitizen) -> None:
    now = clock.now()
    pages = OwnPages(citizen.browser)
    absolute, step = house.settings.sessions.absolute_seconds, 850
    for passed in range(step, absolute - 5, step):
        with time_machine.travel(now + timedelta(seconds=passed), tick=True):
            assert house.services.sessions.find(_cookie(citizen.browser)) is not None, passed
            held = house.services.sessions.find(_cookie(citizen.browser))
            assert held is not None
            assert house.services.sessions.touch(_cookie(citizen.browser), held)
    with time_machine.travel(now + timedelta(seconds=absolute + 2), tick=True):
        assert not pages.is_logged_in()


@pytest.mark.spec("SS-04")
def test_a_clock_that_is_set_back_keeps_no_session_alive(citizen: ACitizen) -> None:
    with time_machine.travel(clock.now() - timedelta(hours=2), tick=True):
        assert not OwnPages(citizen.browser).is_logged_in()
    assert OwnPages(citizen.browser).is_logged_in()


@pytest.mark.spec("SS-05")
def test_suspending_a_citizen_ends_every_session_on_every_worker_at_once(any_house: House) -> None:
    citizen = any_house.activates_citizen()
    another_worker = any_house.beside()
    phone = _with_cookie(another_worker, _cookie(citizen.browser))
    assert phone.is_logged_in()
    any_house.office.citizens.end(
        citizen_id=citizen_id_of(any_house, citizen), status="suspended", reason="test", actor="operator"
    )
    assert not phone.is_logged_in()
    assert not OwnPages(citizen.browser).is_logged_in()
    another_worker.services.close()


@pytest.mark.spec("SS-06", "AL-07")
def test_removing_a_passkey_ends_the_sessions_made_with_it_and_no_others(house: House, citizen: ACitizen) -> None:
    phone = SoftwareAuthenticator()
    assert OwnPages(citizen.browser).adds_passkey(phone).status_code == 200
    first, second = passkeys_of(house, citizen)
    laptop = OwnPages(citizen.browser)
    citizen.browser, citizen.authenticator = house.browser(), phone
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 200
    stolen = OwnPages(citizen.browser)
    assert stolen.is_logged_in()
    assert laptop.sends("/account/passkeys/remove", passkey=second.id).status_code == 303
    assert not stolen.is_logged_in()
    assert laptop.is_logged_in()
    assert [passkey.id for passkey in passkeys_of(house, citizen)] == [first.id]
    assert laptop.adds_passkey(SoftwareAuthenticator()).status_code == 200
    own = laptop.sends("/account/passkeys/remove", passkey=first.id)
    assert "Đã xóa khóa truy cập, và bạn đã được đăng xuất." in laptop.browser.get(own.headers["Location"]).text
    assert laptop.browser.get_cookie(SESSION) is None


def test_a_page_that_stays_open_keeps_its_session_awake_and_no_ended_one(citizen: ACitizen) -> None:
    own = OwnPages(citizen.browser)
    assert own.sends("/session/stay").headers["Location"] == "/account"
    assert (own.calls("/session/stay").status_code, own.calls("/session/stay").json) == (200, {"stays": True})
    citizen.browser.delete_cookie(SESSION)
    assert (own.calls("/session/stay").status_code, own.calls("/session/stay").json) == (401, {"stays": False})


@pytest.mark.spec("SS-06")
def test_a_citizen_sees_the_sessions_and_ends_one_or_all_others(house: House, citizen: ACitizen) -> None:
    here = OwnPages(citizen.browser)
    elsewhere = []
    for _ in range(2):
        citizen.browser = house.browser()
        assert citizen.signs_in(begins_login(citizen.browser)).status_code == 200
        elsewhere.append(OwnPages(citizen.browser))
    shown = here.browser.get("/account/sessions").text
    assert shown.count('name="session"') >= 2
    ids = [session.id for session in house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen))]
    assert here.sends("/account/sessions/end", session=ids[0]).status_code == 303
    assert [pages.is_logged_in() for pages in elsewhere] == [True, False]
    assert here.sends("/account/sessions/end", session="others").status_code == 303
    assert [pages.is_logged_in() for pages in elsewhere] == [False, False]
    assert here.is_logged_in()


@pytest.mark.spec("SS-06", "RT-13")
def test_nobody_ends_another_citizens_session(house: House, citizen: ACitizen) -> None:
    stranger = house.activates_citizen()
    (mine,) = house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen))
    assert OwnPages(stranger.browser).sends("/account/sessions/end", session=mine.id).status_code == 303
    assert OwnPages(citizen.browser).is_logged_in()


@pytest.mark.spec("SS-08")
def test_a_login_that_was_begun_in_one_browser_cannot_be_finished_in_another(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    victim = citizen.browser
    attacker = house.browser()
    begun = attacker.get(portal.asks().url).headers["Location"]
    tx = begun.partition("tx=")[2]
    for path in (f"/login?tx={tx}", f"/continue?tx={tx}", f"/consent?tx={tx}", f"/activate?tx={tx}"):
        answer = victim.get(path)
        assert answer.status_code == 400, path
        assert "Location" not in answer.headers
    assert OwnPages(victim).calls("/login/passkey/options", tx=tx).status_code == 400
    assert attacker.get(f"/login?tx={tx}").status_code == 200


@pytest.mark.parametrize("tx", [7, None, {"a": 1}, ["x"], "", "x" * 100_000, "ă\x00\r\n"])
@pytest.mark.spec("SS-08", "HT-10")
def test_an_odd_transaction_is_no_transaction(citizen: ACitizen, tx: object) -> None:
    answer = OwnPages(citizen.browser).calls("/login/passkey/options", tx=tx)
    assert answer.status_code == (400 if len(str(tx)) < 65_536 else 413)
    assert set(members(answer)) == {"message", "reason", "incident"}


@pytest.mark.spec("SS-10")
def test_pages_behind_a_login_are_kept_by_nobody(citizen: ACitizen) -> None:
    for path in (
        "/account",
        "/account/passkeys",
        "/account/services",
        "/account/sessions",
        "/account/activity",
        "/logout",
    ):
        page = citizen.browser.get(path)
        assert page.status_code == 200, path
        assert page.headers["Cache-Control"] == "no-store"
        assert "Cookie" in page.headers["Vary"]
        assert page.headers["Referrer-Policy"] == "no-referrer"
