"""Writes audit events inside the transaction of the change that they tell of, and reads a citizen's history."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select

from idp import clock
from idp.audit.log import AuditRecord, record_of, row_of
from idp.storage.sql.tables import audit_event, to_micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from idp.audit.events import Event
    from idp.storage.sql.database import Database

INSERT = insert(audit_event).values({column.name: bindparam(column.name) for column in audit_event.c})


def write_events(connection: Connection, *events: Event) -> None:
    """Add events to the transaction that is open."""
    if events:
        connection.execute(insert(audit_event), [asdict(record_of(event)) for event in events])


def hot_row(event: Event) -> dict[str, Any]:
    """Return an event as the parameters of `INSERT` on the driver's own cursor."""
    return row_of(event, at=to_micros(clock.now()))


class SqlAuditStore:
    """Implements `idp.audit.store.AuditStore`."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database

    def append(self, *events: Event) -> None:
        """Write events that tell of no other change: refusals."""
        self._database.transact(lambda connection: write_events(connection, *events))

    def of_citizen(self, *, citizen_id: str, limit: int) -> Sequence[AuditRecord]:
        """Return a citizen's newest events first."""
        statement = (
            select(audit_event)
            .where(audit_event.c.citizen_id == citizen_id)
            .order_by(audit_event.c.id.desc())
            .limit(limit)
        )
        rows = self._database.consult(lambda connection: connection.execute(statement).mappings().all())
        return tuple(AuditRecord(**row) for row in rows)
