"""More requests than database connections, all of them waiting: each is told to come back, and none is left over."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.support.house import House
from tests.support.login.own_pages import OwnPages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.postgres import Postgres
    from tests.support.valkey import ValkeyServer

POOL = 2
AT_ONCE = 6
SMALL = {"SEN_STORAGE__POOL_SIZE": str(POOL), "SEN_STORAGE__TIMEOUT_SECONDS": "1"}
ALWAYS = ("/health/live", "/.well-known/openid-configuration", "/jwks")
HOLDS = {"sqlite": "SELECT 1", "postgresql": 'LOCK TABLE login_session, citizen, "authorization"'}
"""What somebody else begins, and takes all the time in the world for; SQLite has one writer at a time anyhow."""


@pytest.fixture(params=HOLDS)
def narrow(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer
) -> Iterator[House]:
    """Give a house with two connections to its database."""
    database_url = None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        database_url = postgres.create_database(f"narrow_{secrets.token_hex(6)}")
    folder = tmp_path_factory.mktemp("narrow")
    built = House.build(folder=folder, redis_url=lone_valkey.url, database_url=database_url, **SMALL)
    yield built
    built.close()


@contextmanager
def _somebody_is_slow(house: House) -> Iterator[None]:
    """Hold what everybody needs, on a connection that is none of the workers'."""
    database = house.office.database
    with database.engine.begin() as connection:
        connection.execute(text(HOLDS["sqlite" if database.is_sqlite else "postgresql"]))
        yield


@pytest.mark.spec("F09", "F10", "I11", "I12")
def test_who_finds_no_connection_is_told_so_and_the_rest_goes_on(narrow: House) -> None:
    portal, citizen = narrow.registers_portal(), narrow.logs_in_directly()
    refresh = citizen.gives_tokens(portal).refresh

    def logs_out() -> TestResponse:
        """Use the other way into the database, the one of the pages."""
        own = OwnPages(narrow.browser())
        own.browser.set_cookie("sen_session", citizen.token)
        return own.sends("/account/sessions/end", session="others")

    acts = (lambda: portal.refreshes(refresh), logs_out)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        with _somebody_is_slow(narrow):
            waiting = [pool.submit(acts[number % 2]) for number in range(AT_ONCE)]
            for path in ALWAYS:
                assert narrow.browser().get(path).status_code == 200
            answers = [one.result() for one in waiting]
        assert {answer.status_code for answer in answers} == {503}, [answer.text for answer in answers]
        assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
    for _ in range(POOL + 1):
        assert portal.refreshes(refresh).status_code == 200
        assert logs_out().status_code == 303
