"""A store that is dead, hung or read-only: what needs it says so at once, the rest goes on, nobody gets in by it."""

from __future__ import annotations

import re
import sqlite3
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from idp.app import Application
from idp.relying_parties import directory
from idp.settings import load
from idp.wiring import build_services
from tests.support.house import House, members
from tests.support.login.own_pages import OWN, OwnPages, begins_login
from tests.support.login.stopwatch import took
from tests.support.login.stranger import AStranger
from tests.support.portal import ISSUER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import Client, TestResponse

    from tests.support.postgres import Postgres
    from tests.support.valkey import ValkeyServer

ALWAYS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks", "/health/live")
AT_ONCE_SECONDS = 1.0
GIVEN_UP_SECONDS = 5.0


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory, quick_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house whose stores may be broken, and which waits for them no longer than in production."""
    folder = tmp_path_factory.mktemp("alone")
    built, usual = House.build(folder=folder, redis_url=quick_valkey.url), load({"SEN_ENVIRONMENT": "development"})
    built.services.close()
    storage = replace(usual.storage, database_url=built.settings.storage.database_url, redis_url=quick_valkey.url)
    settings = replace(built.settings, storage=storage)
    hurried = House(settings, Application(build_services(settings)), built.office)
    yield hurried
    hurried.close()


def _took(act: Callable[[], TestResponse]) -> tuple[int, float]:
    statuses: list[int] = []
    seconds = took(lambda: statuses.append(act().status_code))
    return statuses[0], seconds


def _answer_still(browser: Client) -> None:
    for path in ALWAYS:
        answer = browser.get(path)
        assert answer.status_code == 200, path


@pytest.mark.parametrize("how", ["killed", "hung"])
@pytest.mark.spec("F01", "F05", "ID-14", "I5", "I11")
def test_while_the_memory_is_away_logins_say_so_at_once_and_keys_are_still_read(
    alone: House, quick_valkey: ValkeyServer, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    citizen, portal, stranger = alone.activates_citizen(), alone.registers_portal(), AStranger.at(alone)
    tokens = members((login := portal.asks()).redeem(citizen.arrives(login)))
    _answer_still(stranger.browser)
    answer = citizen.authenticator.sign_in(members(stranger.asks_options()), origin=ISSUER)
    quick_valkey.kill() if how == "killed" else quick_valkey.hang()
    acts: tuple[Callable[[], TestResponse], ...] = (
        lambda: stranger.answers(answer),
        stranger.asks_options,
        lambda: stranger.browser.get("/login"),
        lambda: citizen.browser.get("/account"),
        lambda: citizen.browser.get(portal.asks().url),
        portal.pushes,
    )
    for act in acts:
        status, seconds = _took(act)
        assert status == 503
        assert seconds < AT_ONCE_SECONDS
    assert act().headers["Retry-After"] == "5"
    assert citizen.browser.get("/account").headers["Retry-After"] == "5"
    _answer_still(stranger.browser)
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 200, "a read through SQL alone"
    capfd.readouterr()
    assert stranger.browser.get("/health/ready").status_code == 503
    assert re.search(r"not_ready.*memory", "".join(capfd.readouterr())), "who looks for the reason finds it in the log"
    quick_valkey.start() if how == "killed" else quick_valkey.go_on()
    alone.waits_until_assertions_count()
    again = AStranger.at(alone)
    good = citizen.authenticator.sign_in(members(again.asks_options()), origin=ISSUER)
    assert again.answers(good).status_code == 200
    assert again.answers(good).status_code == 400


@pytest.mark.spec("F08", "ID-14", "I5")
def test_while_the_database_is_away_nothing_is_acknowledged_and_keys_are_still_read(
    tmp_path_factory: pytest.TempPathFactory,
    quick_valkey: ValkeyServer,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(directory, "FRESH_SECONDS", 600.0)  # the portal is known all the while
    url = postgres.create_database(f"away_{time.monotonic_ns()}")
    house = House.build(folder=tmp_path_factory.mktemp("away"), redis_url=quick_valkey.url, database_url=url)
    citizen, portal, stranger = house.activates_citizen(), house.registers_portal(), AStranger.at(house)
    _answer_still(stranger.browser)
    answer = citizen.authenticator.sign_in(members(stranger.asks_options()), origin=ISSUER)
    assert citizen.opens(portal.asks()).headers["Location"].startswith("/consent?")
    name = url.partition("postgresql+psycopg://sen@/")[2].partition("?")[0]
    with _operator(postgres) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        for act in (
            lambda: stranger.answers(answer),
            lambda: citizen.browser.get("/account"),
            lambda: citizen.opens(portal.asks()),
        ):
            status, seconds = _took(act)
            assert status == 503
            assert seconds < GIVEN_UP_SECONDS
        _answer_still(stranger.browser)
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    again = AStranger.at(house)
    good = citizen.authenticator.sign_in(members(again.asks_options()), origin=ISSUER)
    assert again.answers(good).status_code == 200
    house.close()


@pytest.mark.spec("F08", "AU-06", "I2")
def test_while_the_database_can_only_be_read_reading_goes_on_and_no_change_is_faked(
    tmp_path_factory: pytest.TempPathFactory, quick_valkey: ValkeyServer, postgres: Postgres
) -> None:
    url = postgres.create_database(f"readonly_{time.monotonic_ns()}")
    house = House.build(folder=tmp_path_factory.mktemp("readonly"), redis_url=quick_valkey.url, database_url=url)
    citizen, portal = house.activates_citizen(), house.registers_portal()
    login = portal.asks()
    tokens = members(login.redeem(citizen.arrives(login)))
    name = url.partition("postgresql+psycopg://sen@/")[2].partition("?")[0]
    _set_read_only(postgres, name, on=True)
    reader = house.beside()
    own = OwnPages(reader.browser())
    for cookie in ("sen_session", "sen_browser"):
        found = citizen.browser.get_cookie(cookie)
        assert found is not None
        own.browser.set_cookie(cookie, found.value)
    portal.http = type(portal.http)(reader.app, use_cookies=False)
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 200
    assert own.is_logged_in()
    for path, form in (("/account/sessions/end", {"session": "others"}), ("/logout/confirm", {})):
        assert own.sends(path, **form).status_code in {500, 503}, path
    assert own.is_logged_in(), "a logout that was not written down has not happened"
    _set_read_only(postgres, name, on=False)
    writer = reader.beside()
    own.browser = _same_cookies(own.browser, writer)
    assert own.sends("/logout/confirm").status_code == 200
    assert not own.is_logged_in()
    for each in (reader, writer, house):
        each.services.close()
    house.office.database.close()


def _operator(postgres: Postgres) -> psycopg.Connection[Any]:
    """Connect to another database of the same server."""
    return psycopg.connect(host=str(postgres.folder), user="sen", dbname="postgres", autocommit=True)


def _set_read_only(postgres: Postgres, name: str, *, on: bool) -> None:
    with _operator(postgres) as connection:
        words = "on" if on else "off"
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {words}')


def _same_cookies(browser: Client, house: House) -> Client:
    other = house.browser()
    for name in ("sen_session", "sen_browser", "sen_form"):
        found = browser.get_cookie(name)
        assert found is not None
        other.set_cookie(name, found.value)
    return other


@pytest.mark.spec("AU-06", "I4")
def test_what_cannot_be_written_into_the_trail_does_not_happen(alone: House) -> None:
    citizen, portal = alone.activates_citizen(), alone.registers_portal()
    login = portal.asks(scope="openid service:login offline_access")
    tokens = members(login.redeem(citizen.arrives(login, "offline_access")))
    waiting = portal.asks()
    code = citizen.opens(waiting)
    file = alone.settings.storage.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(file) as trail:
        trail.execute("CREATE TRIGGER deaf BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'no'); END")
    trail.close()
    stranger, own = AStranger.at(alone), OwnPages(citizen.browser)
    good = citizen.authenticator.sign_in(members(stranger.asks_options()), origin=ISSUER)
    assert stranger.answers(good).status_code == 500
    assert not OwnPages(stranger.browser).is_logged_in()
    assert own.adds_passkey(citizen.authenticator).status_code == 500
    assert waiting.redeem(code).status_code in {400, 500}
    assert portal.refreshes(tokens["refresh_token"]).status_code == 500
    assert citizen.browser.post("/logout/confirm", data={"csrf_token": own.token()}, headers=OWN).status_code == 500
    assert own.is_logged_in()
    assert citizen.opens(portal.asks(scope="openid service:driving-licence")).headers["Location"].startswith("/consent")
    with sqlite3.connect(file) as trail:
        trail.execute("DROP TRIGGER deaf")
    trail.close()
    again = AStranger.at(alone)
    better = citizen.authenticator.sign_in(members(again.asks_options()), origin=ISSUER)
    assert again.answers(better).status_code == 200
    assert portal.refreshes(tokens["refresh_token"]).status_code == 200
    assert begins_login(again.browser)
