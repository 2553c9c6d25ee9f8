"""The local register in SQL, and the accounts that follow it: implements `idp.citizens.store.RegisterStore`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from idp import clock
from idp.audit.events import PersonRefreshed
from idp.citizens.citizen import ENDED_BY, ENDINGS, Person
from idp.citizens.store import Followed, RegisterEntry
from idp.storage.sql.audit import write_events
from idp.storage.sql.citizens import end_citizen, status_of
from idp.storage.sql.database import insert_if_new, upsert
from idp.storage.sql.outbox import tell_former_contacts
from idp.storage.sql.people import citizen_of, number_row, seal_person
from idp.storage.sql.tables import citizen, citizen_number, register_entry
from keys import SealBroken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

    from idp.audit.events import Event
    from idp.storage.sql.database import Database
    from keys.sealing import Sealer

PERSON = "register.person"
REFRESH = update(citizen).where(citizen.c.id == bindparam("holder_id")).values(person=bindparam("said_now"))


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

    def put(self, *, entries: Sequence[RegisterEntry], event: Event, keeps_states: bool = False) -> Followed:
        """See `RegisterStore.put`."""
        now = clock.now()
        rows: list[dict[str, Any]] = [
            {
                "number_hash": entry.number_hash,
                "person": self._sealer.seal(
                    purpose=PERSON, plaintext=entry.person.to_json(), context=entry.number_hash
                ),
                "person_hash": entry.person_hash,
                "updated_at": now,
            }
            for entry in entries
        ]
        latest = {entry.number_hash: entry for entry in entries}

        def work(connection: Connection) -> Followed:
            said = latest | _with_states(connection, latest) if keeps_states else latest
            upsert(connection, register_entry, [row | {"state": said[row["number_hash"]].state} for row in rows])
            write_events(connection, event)
            return self._follow(connection, said, actor=event.actor)

        return self._database.transact(work)

    def _follow(self, connection: Connection, latest: dict[bytes, RegisterEntry], *, actor: str) -> Followed:
        """Bring the accounts behind numbers up to date: one question for all, and a change only where one is due."""
        ended, alive, somebody_else, unreadable = 0, [], set(), set()
        for row in _holders(connection, latest):
            entry = latest[bytes(row["number_hash"])]
            try:
                before = citizen_of(sealer=self._sealer, row=row).person
            except SealBroken:  # one damaged row must not keep the register of a whole people from being filled
                unreadable.add(entry.number_hash)
                continue
            if entry.person.is_somebody_else(before):
                somebody_else.add(entry.number_hash)
            elif entry.state != "alive":
                ended += _end(connection, citizen_id=row["id"], state=entry.state, actor=actor)
            elif row["status"] == "active":
                alive.append((str(row["id"]), entry.person, before))
        refreshed = self._refresh(connection, alive, actor=actor)
        return Followed(refreshed, ended, frozenset(somebody_else), frozenset(unreadable))

    def _refresh(self, connection: Connection, alive: list[tuple[str, Person, Person]], *, actor: str) -> int:
        """Give accounts the persons that the register has now in place of those before; return how many changed."""
        now, sealer = clock.now(), self._sealer
        changed: list[dict[str, Any]] = []
        events: list[PersonRefreshed] = []
        for holder, said, before in alive:
            news = said.news(before)
            if not news:
                continue
            person = replace(said, confirmed_at=now)
            changed.append(
                {"holder_id": holder, "said_now": seal_person(sealer=sealer, person=person, citizen_id=holder)}
            )
            events.append(PersonRefreshed(actor=actor, citizen_id=holder, object=holder, fields=" ".join(news)))
            if said.former_number is not None and "former_number" in news:
                # As with an activation: of two people for whom one former number is named, the first one keeps it.
                former = number_row(sealer=sealer, number=said.former_number, citizen_id=holder, at=now)
                insert_if_new(connection, citizen_number, former)
        if changed:
            connection.execute(REFRESH, changed)
            write_events(connection, *events)
            tell_former_contacts(connection, ((holder, before, said) for holder, said, before in alive), sealer=sealer)
        return len(changed)


def _with_states(connection: Connection, entries: dict[bytes, RegisterEntry]) -> dict[bytes, RegisterEntry]:
    """Return those of the entries whose numbers are there, each with the state that stands there."""
    numbers, states = register_entry.c.number_hash, register_entry.c.state
    statement = select(numbers, states).where(numbers.in_(entries)).order_by(numbers).with_for_update()
    found = {bytes(number_hash): state for number_hash, state in connection.execute(statement)}
    return {number_hash: replace(entries[number_hash], state=state) for number_hash, state in found.items()}


def _holders(connection: Connection, numbers: dict[bytes, RegisterEntry]) -> Sequence[RowMapping]:
    """Return the accounts that can still change and hold one of these numbers now, in an order that never deadlocks.

    They stay as they are until the end of the transaction that is open: who changes one meanwhile waits.
    """
    statement = (
        select(citizen, citizen_number.c.number_hash)
        .join(citizen_number, citizen_number.c.citizen_id == citizen.c.id)
        .where(
            citizen_number.c.number_hash.in_(numbers),
            citizen_number.c.valid_to.is_(None),
            citizen.c.status.in_(("active", "suspended")),
        )
        .order_by(citizen.c.id)
        .with_for_update(of=citizen, key_share=True)
    )
    return connection.execute(statement).mappings().all()


def _end(connection: Connection, *, citizen_id: str, state: str, actor: str) -> bool:
    """End the account of a dead person or of a cancelled number; say whether it was left to do."""
    status = ENDED_BY[state]
    if status not in ENDINGS[status_of(connection, citizen_id)]:
        return False
    end_citizen(connection, citizen_id=citizen_id, status=status, reason=f"register_{state}", actor=actor)
    return True
