"""Housekeeping in SQL: changes many rows, removes those that have only expired, tells the database's time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, or_, select, text

from idp.storage.sql.tables import activation_code, authorization, outbox

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Delete, Table, Update

    from idp.storage.sql.database import Database

NOW = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",  # the Julian day of 1970-01-01T00:00Z
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
}


PORTION = 5_000
"""How many rows one transaction changes."""


def in_portions(database: Database, change: Update | Delete, *which: ColumnElement[bool]) -> int:
    """Change the rows that `which` picks, and that it does not pick any more then; return how many.

    A few in each transaction, looked for before it begins: a million at once would let other writers of SQLite wait
    for seconds, and run into PostgreSQL's limit of time again and again.
    """
    key = change.table.c.id
    found = select(key).where(*which).limit(PORTION)
    changed = 0
    while ids := database.consult(lambda connection: connection.execute(found).scalars().all()):
        changed += database.transact(partial(_run, change.where(key.in_(ids), *which)))
        if len(ids) < PORTION:
            break
    return changed


def _run(statement: Update | Delete, connection: Connection) -> int:
    return connection.execute(statement).rowcount


class SqlHousekeeping:
    """Implements `idp.worker.parts.Housekeeping`."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database

    def clear_expired(self, *, before: datetime) -> dict[str, int]:
        """Remove codes that are over, deliveries that were made, and what systems got for themselves or by an exchange.

        All of it before an instant; nothing that something else was exchanged from. What citizens gave, their sessions
        and consents stay: they may ask who received what, and a code that comes back from the dead is refused by the
        row that it left.
        """
        child = authorization.alias()
        which: dict[Table, tuple[ColumnElement[bool], ...]] = {
            activation_code: (or_(activation_code.c.used_at < before, activation_code.c.expires_at < before),),
            outbox: (outbox.c.done_at < before,),
            authorization: (
                or_(authorization.c.citizen_id.is_(None), authorization.c.parent_id.is_not(None)),
                authorization.c.last_used_at < before,
                ~exists().where(child.c.parent_id == authorization.c.id).correlate(authorization),
            ),
        }
        removed = {table.name: in_portions(self._database, delete(table), *old) for table, old in which.items()}
        return {table: rows for table, rows in removed.items() if rows}

    def clock(self) -> datetime:
        """Return the instant that the database believes it is.

        Raises:
            TemporarilyUnavailable: the database is away.
        """
        question = text(NOW[self._database.engine.dialect.name])
        seconds = self._database.consult(lambda connection: connection.execute(question).scalar_one())
        return datetime.fromtimestamp(float(seconds), tz=UTC)
