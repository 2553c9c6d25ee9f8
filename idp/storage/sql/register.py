"""The local register in SQL: implements `idp.citizens.store.RegisterStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from idp import clock
from idp.citizens.citizen import Person
from idp.citizens.store import RegisterEntry
from idp.storage.sql.audit import write_events
from idp.storage.sql.database import upsert
from idp.storage.sql.tables import register_entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from idp.audit.events import Event
    from idp.storage.sql.database import Database
    from keys.sealing import Sealer

PERSON = "register.person"


class SqlRegister:
    """One row per number; the person is sealed to the number's hash."""

    def __init__(self, *, database: Database, sealer: Sealer) -> None:
        """Share the process's database and sealer."""
        self._database = database
        self._sealer = sealer

    def by_number_hash(self, *, number_hash: bytes) -> RegisterEntry | None:
        """See `RegisterStore.by_number_hash`."""
        statement = select(register_entry).where(register_entry.c.number_hash == number_hash)
        row = self._database.consult(lambda connection: connection.execute(statement).mappings().first())
        if row is None:
            return None
        opened = self._sealer.unseal(purpose=PERSON, sealed=bytes(row["person"]), context=number_hash)
        return RegisterEntry(
            number_hash=bytes(row["number_hash"]),
            person=Person.from_json(opened),
            person_hash=bytes(row["person_hash"]),
            state=row["state"],
        )

    def put(self, *, entries: Sequence[RegisterEntry], event: Event) -> None:
        """See `RegisterStore.put`."""
        now = clock.now()
        rows = [
            {
                "number_hash": entry.number_hash,
                "person": self._sealer.seal(
                    purpose=PERSON, plaintext=entry.person.to_json(), context=entry.number_hash
                ),
                "person_hash": entry.person_hash,
                "state": entry.state,
                "updated_at": now,
            }
            for entry in entries
        ]

        def work(connection: Connection) -> None:
            upsert(connection, register_entry, rows)
            write_events(connection, event)

        self._database.transact(work)
