"""Housekeeping in SQL: removes rows that have only expired, and tells the database's time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, or_, text

from idp.storage.sql.tables import activation_code, authorization, outbox

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.storage.sql.database import Database

NOW = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",  # the Julian day of 1970-01-01T00:00Z
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
}


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
        codes = delete(activation_code).where(
            or_(activation_code.c.used_at < before, activation_code.c.expires_at < before)
        )
        delivered = delete(outbox).where(outbox.c.done_at < before)
        child = authorization.alias()
        between_systems = delete(authorization).where(
            or_(authorization.c.citizen_id.is_(None), authorization.c.parent_id.is_not(None)),
            authorization.c.last_used_at < before,
            ~exists().where(child.c.parent_id == authorization.c.id).correlate(authorization),
        )

        def work(connection: Connection) -> dict[str, int]:
            removed = {
                "activation_code": connection.execute(codes).rowcount,
                "outbox": connection.execute(delivered).rowcount,
                "authorization": connection.execute(between_systems).rowcount,
            }
            return {table: rows for table, rows in removed.items() if rows}

        return self._database.transact(work)

    def clock(self) -> datetime:
        """Return the instant that the database believes it is.

        Raises:
            TemporarilyUnavailable: the database is away.
        """
        question = text(NOW[self._database.engine.dialect.name])
        seconds = self._database.consult(lambda connection: connection.execute(question).scalar_one())
        return datetime.fromtimestamp(float(seconds), tz=UTC)
