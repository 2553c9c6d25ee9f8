"""Writes audit events inside the transaction of the change that they tell of, and reads a citizen's history.

What citizens answer to requests of other devices is such an event, and nothing beside it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, select

from idp import clock, notices
from idp.audit.events import WaitingRequestDisowned
from idp.audit.log import AuditRecord, row_of
from idp.storage.sql.outbox import write_deliveries
from idp.storage.sql.tables import audit_event, authorization, citizen, citizen_number, to_micros

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

    from idp.audit.events import Event
    from idp.outbox import Delivery
    from idp.storage.sql.database import Database

INSERT = insert(audit_event).values({column.name: bindparam(column.name) for column in audit_event.c})


def write_events(connection: Connection, *events: Event) -> None:
    """Add events to the transaction that is open, and the notice that its citizen is to have, where any are sent."""
    if events:
        connection.execute(insert(audit_event), [row_of(event, at=clock.now()) for event in events])
    if connection.get_execution_options().get("notices"):
        told = notices.deliveries(*events)
        write_deliveries(connection, *(one for one in told if not _has_been_told_enough(connection, one)))


def _has_been_told_enough(connection: Connection, delivery: Delivery) -> bool:
    """Tell whether a citizen would be written to for more than `MOST_AN_HOUR` events; this one is among them."""
    recent = select(func.count()).where(
        audit_event.c.citizen_id == delivery.payload["citizen_id"],
        audit_event.c.type.in_(notices.NOTICES),
        audit_event.c.at > clock.now() - timedelta(hours=1),
    )
    return connection.execute(recent).scalar_one() > notices.MOST_AN_HOUR


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


class SqlApprovals:
    """Implements `idp.protocol.store.ApprovalStore`."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database

    def by_number(self, *, number_hash: bytes) -> str | None:
        """See `ApprovalStore.by_number`."""
        return self._first(
            select(citizen.c.id)
            .join(citizen_number, citizen_number.c.citizen_id == citizen.c.id)
            .where(
                citizen_number.c.number_hash == number_hash,
                citizen_number.c.valid_to.is_(None),
                citizen.c.status == "active",
            )
        )

    def by_subject(self, *, client_id: str, subject: str) -> str | None:
        """See `ApprovalStore.by_subject`."""
        return self._first(
            select(citizen.c.id)
            .join(authorization, authorization.c.citizen_id == citizen.c.id)
            .where(
                authorization.c.subject == subject,
                authorization.c.client_id == client_id,
                citizen.c.status == "active",
            )
        )

    def disowned(self, *, citizen_id: str, client_id: str, since: datetime) -> bool:
        """See `ApprovalStore.disowned`."""
        statement = select(audit_event.c.id).where(
            audit_event.c.citizen_id == citizen_id,
            audit_event.c.client_id == client_id,
            audit_event.c.type == WaitingRequestDisowned.__name__,
            audit_event.c.at > since,
        )
        return self._first(statement) is not None

    def answer(self, *, event: Event, delivery: Delivery | None) -> None:
        """See `ApprovalStore.answer`."""

        def work(connection: Connection) -> None:
            write_events(connection, event)
            write_deliveries(connection, *(() if delivery is None else (delivery,)))

        self._database.transact(work)

    def _first(self, statement: Select[str]) -> str | None:
        return self._database.consult(lambda connection: connection.execute(statement.limit(1)).scalar())
