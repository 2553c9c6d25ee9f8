"""Citizens in SQL: implements `idp.citizens.store.CitizenStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from idp import clock
from idp.audit.events import CitizenEnded
from idp.citizens.citizen import ENDINGS
from idp.citizens.enrolment import REFUSED, outcome
from idp.citizens.fingerprints import number_hash as hash_of
from idp.citizens.store import HeldNumber
from idp.errors import AccountRefused, NotKnown, TemporarilyUnavailable
from idp.storage.sql.activation_codes import take_code
from idp.storage.sql.audit import write_events
from idp.storage.sql.database import insert_if_new
from idp.storage.sql.outbox import tell_former_contacts
from idp.storage.sql.passkeys import add_passkey
from idp.storage.sql.people import citizen_of, citizen_row, number_of, number_row, seal_person, session_row
from idp.storage.sql.sessions import end_sessions
from idp.storage.sql.tables import citizen, citizen_number, login_session

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from idp.audit.events import Event
    from idp.citizens.citizen import Citizen, Person, Status
    from idp.citizens.enrolment import Activated, Activation
    from idp.citizens.national_id import Number
    from idp.storage.sql.database import Database
    from keys.sealing import Sealer


class _AnotherWasFirst(Exception):
    """Two codes of one number were used at the same moment, and the other one made the account."""


class SqlCitizens:
    """One row per account; numbers are rows of their own, found by their hash and sealed to the account."""

    def __init__(self, *, database: Database, sealer: Sealer) -> None:
        """Share the process's database and sealer."""
        self._database = database
        self._sealer = sealer

    def by_id(self, *, citizen_id: str) -> Citizen | None:
        """See `CitizenStore.by_id`."""
        statement = select(citizen).where(citizen.c.id == citizen_id)
        row = self._database.consult(lambda connection: connection.execute(statement).mappings().first())
        return None if row is None else citizen_of(sealer=self._sealer, row=row)

    def by_number_hash(self, *, number_hash: bytes) -> Citizen | None:
        """See `CitizenStore.by_number_hash`."""
        row = self._database.consult(lambda connection: _holder(connection, number_hash, locked=False))
        return None if row is None or row["valid_to"] is not None else citizen_of(sealer=self._sealer, row=row)

    def is_former(self, *, number_hash: bytes) -> bool:
        """See `CitizenStore.is_former`."""
        row = self._database.consult(lambda connection: _holder(connection, number_hash, locked=False))
        return row is not None and row["valid_to"] is not None

    def numbers_of(self, *, citizen_id: str) -> tuple[HeldNumber, ...]:
        """See `CitizenStore.numbers_of`."""
        statement = (
            select(citizen_number)
            .where(citizen_number.c.citizen_id == citizen_id)
            .order_by(citizen_number.c.valid_to.is_not(None), citizen_number.c.valid_from.desc())
        )
        rows = self._database.consult(lambda connection: connection.execute(statement).mappings().all())
        return tuple(
            HeldNumber(
                number=number_of(sealer=self._sealer, row=row), valid_from=row["valid_from"], valid_to=row["valid_to"]
            )
            for row in rows
        )

    def activate(self, *, activation: Activation) -> Activated:
        """See `CitizenStore.activate`."""
        for _ in range(2):
            try:
                return self._database.transact(lambda connection: self._activate(connection, activation))
            except _AnotherWasFirst:
                continue  # the account is there now: the second time round it is found
        raise TemporarilyUnavailable("The account is being changed.", detail="two activations of one number, twice")

    def _activate(self, connection: Connection, activation: Activation) -> Activated:
        number = hash_of(sealer=self._sealer, number=activation.number)
        code = take_code(connection, code_hash=activation.code_hash, number_hash=number)
        row = _holder(connection, number, locked=True)
        if row is not None and row["valid_to"] is not None:
            raise AccountRefused(REFUSED, answer="number", detail="the number is no longer valid")
        existing = None if row is None else citizen_of(sealer=self._sealer, row=row)
        done = outcome(activation=activation, code=code, existing=existing, at=clock.now())
        values = citizen_row(sealer=self._sealer, citizen=done.citizen)
        if existing is None:
            made = insert_if_new(connection, citizen, values)
            if not (made and self._hold(connection, done.citizen, activation.number)):
                raise _AnotherWasFirst
        else:
            changed = {name: values[name] for name in ("account_level", "person")}
            connection.execute(update(citizen).where(citizen.c.id == existing.id).values(changed))
            change = (existing.id, existing.person, done.citizen.person)
            tell_former_contacts(connection, [change], sealer=self._sealer)
        if activation.person.former_number is not None:
            # Old records name the same former number for two people at times: the first one keeps it.
            self._hold(connection, done.citizen, activation.person.former_number)
        add_passkey(connection, done.passkey)
        connection.execute(insert(login_session).values(session_row(done.session)))
        write_events(connection, *done.events)
        return done

    def _hold(self, connection: Connection, holder: Citizen, number: Number) -> bool:
        """Write that a citizen holds a number, and say whether it was free."""
        row = number_row(sealer=self._sealer, number=number, citizen_id=holder.id, at=clock.now())
        return insert_if_new(connection, citizen_number, row)

    def refresh_person(self, *, citizen_id: str, person: Person, event: Event) -> None:
        """See `CitizenStore.refresh_person`."""
        sealed = seal_person(sealer=self._sealer, person=person, citizen_id=citizen_id)
        statement = update(citizen).where(citizen.c.id == citizen_id).values(person=sealed)
        locked = select(citizen).where(citizen.c.id == citizen_id).with_for_update(key_share=True)

        def work(connection: Connection) -> None:
            row = connection.execute(locked).mappings().first()
            if row is None:
                raise NotKnown("There is no such citizen.")
            before = citizen_of(sealer=self._sealer, row=row).person
            connection.execute(statement)
            write_events(connection, event)
            tell_former_contacts(connection, [(citizen_id, before, person)], sealer=self._sealer)

        self._database.transact(work)

    def give_number(self, *, citizen_id: str, number: Number, event: Event) -> None:
        """See `CitizenStore.give_number`."""
        now = clock.now()
        row = number_row(sealer=self._sealer, number=number, citizen_id=citizen_id, at=now)
        until_now = (
            update(citizen_number)
            .where(
                citizen_number.c.citizen_id == citizen_id,
                citizen_number.c.kind == number.kind,
                citizen_number.c.valid_to.is_(None),
            )
            .values(valid_to=now)
        )

        def work(connection: Connection) -> None:
            status_of(connection, citizen_id)
            connection.execute(until_now)
            if not insert_if_new(connection, citizen_number, row):
                raise ValueError("the number stands in the history of a citizen already")
            write_events(connection, event)

        self._database.transact(work)

    def end(self, *, citizen_id: str, status: Status, reason: str, actor: str) -> tuple[str, ...]:
        """See `CitizenStore.end`."""

        def work(connection: Connection) -> tuple[str, ...]:
            before = status_of(connection, citizen_id)
            if before == status:
                return ()
            if status not in ENDINGS[before]:
                raise NotKnown(f"An account that is {before} cannot become {status}.")
            return end_citizen(connection, citizen_id=citizen_id, status=status, reason=reason, actor=actor)

        return self._database.transact(work)


def end_citizen(connection: Connection, *, citizen_id: str, status: Status, reason: str, actor: str) -> tuple[str, ...]:
    """Move an account whose `status_of` allows it, in the transaction that is open; return the sessions that ended."""
    ending = {"status": status, "ended_at": clock.now(), "ended_reason": reason}
    connection.execute(update(citizen).where(citizen.c.id == citizen_id).values(ending))
    write_events(connection, CitizenEnded(actor=actor, citizen_id=citizen_id, object=citizen_id, reason=reason))
    return end_sessions(connection, login_session.c.citizen_id == citizen_id, reason=f"citizen_{status}", actor=actor)


def status_of(connection: Connection, citizen_id: str) -> str:
    """Return the status of an account, which stays what it is until the end of the transaction that is open.

    Raises:
        NotKnown: no such citizen.
    """
    statement = select(citizen.c.status).where(citizen.c.id == citizen_id).with_for_update(key_share=True)
    status: str | None = connection.execute(statement).scalar()
    if status is None:
        raise NotKnown("There is no such citizen.")
    return status


def _holder(connection: Connection, number_hash: bytes, *, locked: bool) -> RowMapping | None:
    """Return who holds a personal number, with `valid_to`; `locked`: the account stays as it is until the end."""
    statement = (
        select(citizen, citizen_number.c.valid_to)
        .join(citizen_number, citizen_number.c.citizen_id == citizen.c.id)
        .where(citizen_number.c.number_hash == number_hash)
    )
    if locked:
        statement = statement.with_for_update(of=citizen, key_share=True)
    return connection.execute(statement).mappings().first()
