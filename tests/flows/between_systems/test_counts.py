"""What requests between systems ask of the stores: one wave, one transaction of two statements, or one read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from idp import clock
from idp.storage.sql.housekeeping import SqlHousekeeping
from tests.support.foreign.systems import (
    ACCESS_TOKEN,
    EXCHANGE,
    INACTIVE,
    Line,
    exchanges,
    gets_token,
    introspects,
)
from tests.support.house import members
from tests.support.wiretap import has_at_hand, heard_by_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.house import House
    from tests.support.wiretap import Wiretap

WRITTEN = ["BEGIN", "INSERT", "INSERT", "COMMIT"]
LOOKED = ["SELECT"]


@pytest.fixture(scope="module")
def line(tapped: tuple[House, Wiretap]) -> Line:
    """Give systems in a line, everything warm."""
    house, _ = tapped
    line = Line(house)
    introspects(line.server, line.tokens.access)
    line.exchanged()
    return line


def prepared(line: Line, path: str, **form: str) -> Callable[[], int]:
    """Return a request by the first server that has nothing left to do but to be sent."""
    data = {**line.server.authentication(), **form}
    has_at_hand(line.house, line.server)  # as under load
    return lambda: line.server.http.post(path, data=data).status_code


def requests(line: Line) -> dict[str, tuple[Callable[[], int], list[str]]]:
    """Return each kind of request, and what it may ask of the database."""
    exchange = {
        "grant_type": EXCHANGE,
        "subject_token": line.tokens.access,
        "subject_token_type": ACCESS_TOKEN,
        "resource": line.second,
    }
    own = {"grant_type": "client_credentials", "resource": line.second}
    return {
        "client_credentials": (prepared(line, "/token", **own), WRITTEN),
        "token exchange": (prepared(line, "/token", **exchange), [*LOOKED, *WRITTEN]),
        "introspection": (prepared(line, "/introspect", token=line.tokens.access), LOOKED),
        "introspection of nothing": (prepared(line, "/introspect", token="nothing"), []),
    }


@pytest.mark.parametrize("kind", ["client_credentials", "token exchange", "introspection", "introspection of nothing"])
def test_a_request_between_systems_asks_as_little_as_it_can(
    tapped: tuple[House, Wiretap], line: Line, kind: str
) -> None:
    _, wire = tapped
    act, _ = requests(line)[kind]
    before = wire.round_trips
    assert act() == 200
    assert wire.round_trips - before == 1
    act, allowed = requests(line)[kind]
    assert [statement.split()[0] for statement in heard_by_sqlite(line.house, act)] == allowed


def test_what_systems_got_is_cleared_away_and_what_citizens_gave_is_not(line: Line) -> None:
    own, given = gets_token(line.server, line.second), line.exchanged()["access_token"]
    handed_on = members(exchanges(line.next, given, resource=line.third))["access_token"]
    housekeeping = SqlHousekeeping(line.house.office.database)
    assert "authorization" not in housekeeping.clear_expired(before=clock.now() - timedelta(days=1))
    assert introspects(line.server, own)["active"] is True
    assert housekeeping.clear_expired(before=clock.now())["authorization"] >= 1
    assert introspects(line.server, own) == INACTIVE
    assert introspects(line.last, handed_on) == INACTIVE
    assert introspects(line.next, given)["active"] is True, "another was exchanged from it, until a moment ago"
    assert housekeeping.clear_expired(before=clock.now())["authorization"] == 1
    assert introspects(line.next, given) == INACTIVE
    assert introspects(line.server, line.tokens.access)["active"] is True
    assert line.exchanged()
