"""What ends or removes very many rows does so in portions on every database, so that no other writer waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import StatementError

from idp import clock
from idp.outbox import Delivery
from idp.storage.sql import housekeeping
from idp.storage.sql.database import Database
from idp.storage.sql.outbox import SqlOutbox, write_deliveries
from idp.storage.sql.tables import METADATA, outbox
from tests.support.office import empty_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database of either kind."""
    made = Database(url=empty_database(request, tmp_path), timeout_seconds=20)
    METADATA.create_all(made.engine)
    yield made
    made.close()


def writes(database: Database, *targets: str) -> None:
    """Put a letter to each into the outbox, all at the same instant."""
    letters = [Delivery(kind="letter", target=target, payload={}) for target in targets]
    database.transact(lambda connection: write_deliveries(connection, *letters))


def rows_changed(database: Database, how: str) -> list[int]:
    """Return a list of how many rows each statement of a kind will have changed."""
    changed: list[int] = []

    @event.listens_for(database.engine, "after_cursor_execute")
    def hear(_connection: Any, cursor: Any, statement: str, *_others: object) -> None:
        if statement.startswith(how):
            changed.append(cursor.rowcount)

    return changed


def test_an_instant_without_its_zone_is_not_written(database: Database) -> None:
    def postpones(until: datetime) -> None:
        database.transact(lambda connection: connection.execute(update(outbox).values(due_at=until)))

    postpones(clock.now())
    with pytest.raises(StatementError, match="naive"):
        postpones(clock.now().replace(tzinfo=None))


@pytest.mark.spec("LO-06")
def test_of_very_many_that_are_given_up_or_forgotten_at_once_each_transaction_holds_a_few(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "PORTION", 3)
    outbox = SqlOutbox(database)
    writes(database, *["away"] * 8)
    writes(database, "away", "other")
    (first,) = outbox.claim(most=1, under_way={})
    ended = rows_changed(database, "UPDATE outbox")
    assert outbox.settle(first, outcome="given_up", error="It is away.", with_those_until=first.created_at) == 8
    assert ended == [3, 3, 1, 1], "those of the same instant, and then itself"
    assert sorted(claimed.target for claimed in outbox.claim(most=10, under_way={})) == ["away", "other"]
    removed = rows_changed(database, "DELETE FROM outbox")
    assert housekeeping.SqlHousekeeping(database).clear_expired(before=clock.now()) == {"outbox": 8}
    assert removed == [3, 3, 2]
    assert outbox.waiting() == 2
