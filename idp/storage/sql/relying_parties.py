"""Relying parties in SQL: implements `idp.relying_parties.store.RelyingPartyStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert, select, update

from idp import clock
from idp.relying_parties.store import StoredClient
from idp.storage.sql.audit import write_events
from idp.storage.sql.tables import relying_party

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from idp.audit.events import Event
    from idp.storage.sql.database import Database


def _stored(row: Mapping[str, Any]) -> StoredClient:
    return StoredClient(
        client_id=row["client_id"],
        profile=row["profile"],
        metadata=orjson.loads(row["metadata"]),
        secret_hash=row["secret_hash"],
        status=row["status"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )


class SqlRelyingParties:
    """One row per relying party."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database

    def get(self, *, client_id: str) -> StoredClient | None:
        """Return one, ended or not, or None."""
        statement = select(relying_party).where(relying_party.c.client_id == client_id)
        row = self._database.consult(lambda connection: connection.execute(statement).mappings().first())
        return None if row is None else _stored(dict(row))

    def all(self) -> Sequence[StoredClient]:
        """Return all, in the order of their making."""
        statement = select(relying_party).order_by(relying_party.c.created_at)
        rows = self._database.consult(lambda connection: connection.execute(statement).mappings().all())
        return tuple(_stored(dict(row)) for row in rows)

    def put(self, client: StoredClient, *, event: Event) -> None:
        """Add or replace one; what was ended stays ended."""
        values = {
            "profile": client.profile,
            "metadata": orjson.dumps(client.metadata).decode(),
            "secret_hash": client.secret_hash,
            "status": client.status,
        }

        def work(connection: Connection) -> None:
            changed = connection.execute(
                update(relying_party)
                .where(relying_party.c.client_id == client.client_id, relying_party.c.ended_at.is_(None))
                .values(**values)
            )
            if not changed.rowcount:
                connection.execute(
                    insert(relying_party).values(client_id=client.client_id, created_at=client.created_at, **values)
                )
            write_events(connection, event)

        self._database.transact(work)

    def end(self, *, client_id: str, reason: str, event: Event) -> bool:
        """End one for ever; False when there was none that lived."""

        def work(connection: Connection) -> bool:
            changed = connection.execute(
                update(relying_party)
                .where(relying_party.c.client_id == client_id, relying_party.c.ended_at.is_(None))
                .values(status="ended", ended_at=clock.now(), ended_reason=reason)
            )
            if changed.rowcount:
                write_events(connection, event)
            return bool(changed.rowcount)

        return self._database.transact(work)
