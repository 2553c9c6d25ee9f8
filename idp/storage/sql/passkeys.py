"""Passkeys in SQL: implements `idp.citizens.store.PasskeyStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, literal_column, select, update

from idp import clock
from idp.audit.events import LoginSucceeded, PasskeyEnded
from idp.errors import AssertionRefused, NotKnown, RegistrationRefused
from idp.storage.sql.audit import INSERT as INSERT_EVENT
from idp.storage.sql.audit import hot_row, write_events
from idp.storage.sql.database import insert_if_new
from idp.storage.sql.people import citizen_of, passkey_of, passkey_row, session_row, words
from idp.storage.sql.sessions import end_sessions
from idp.storage.sql.tables import citizen, citizen_number, login_session, passkey, to_micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

    from idp.audit.events import Event
    from idp.citizens.citizen import Citizen
    from idp.citizens.credentials import Passkey, PasskeyUse
    from idp.citizens.login_session import LoginSession, NewSession
    from idp.storage.sql.database import Database, HotCursor
    from keys.sealing import Sealer

MOVE_COUNTER = (
    update(passkey)
    .where(
        passkey.c.id == bindparam("passkey_id"),
        passkey.c.citizen_id == bindparam("holder_id"),
        passkey.c.ended_at.is_(None),
        passkey.c.sign_count == bindparam("expected_sign_count"),
    )
    .values(
        sign_count=bindparam("new_sign_count"), backed_up=bindparam("now_backed_up"), last_used_at=bindparam("used_at")
    )
)

HOLDER = "holder_"
WITH_HOLDER = (
    select(passkey, *(column.label(f"{HOLDER}{column.name}") for column in citizen.c))
    .join(citizen, citizen.c.id == passkey.c.citizen_id)
    .where(passkey.c.credential_id == bindparam("credential"))
)

_SESSION_COLUMNS = ("id", "citizen_id", "passkey_id", "level", "amr", "chain_id", "started_at", "expires_at")

# The citizen's row is locked for as long as the session is being made, so that an end that comes at the same moment
# either refuses this login or finds its session.
BEGIN_SESSION = insert(login_session).from_select(
    _SESSION_COLUMNS,
    select(*(bindparam(name, type_=login_session.c[name].type) for name in _SESSION_COLUMNS))
    .select_from(citizen)
    .where(citizen.c.id == bindparam("holder_id"), citizen.c.status == literal_column("'active'"))
    .with_for_update(read=True),
)

REGISTERED = "This passkey cannot be registered."
REFUSED = "The passkey was not accepted."


def add_passkey(connection: Connection, new: Passkey) -> None:
    """Keep a passkey in the transaction that is open.

    Raises:
        RegistrationRefused: its credential id is registered already; the record that has it is untouched.
    """
    if not insert_if_new(connection, passkey, passkey_row(new)):
        raise RegistrationRefused(REGISTERED, detail="the credential id is registered already")


def _locked(connection: Connection, *, citizen_id: str) -> Sequence[str]:
    """Return a citizen's passkeys that have not ended, and let nobody else end one before this transaction is over.

    Always in one order, so that two who do so at once wait for each other and for nothing else; the second one sees
    what the first has left.
    """
    statement = (
        select(passkey.c.id)
        .where(passkey.c.citizen_id == citizen_id, passkey.c.ended_at.is_(None))
        .order_by(passkey.c.id)
        .with_for_update(key_share=True)
    )
    return connection.execute(statement).scalars().all()


class SqlPasskeys:
    """One row per passkey, ended ones too: a credential id never comes back."""

    def __init__(self, *, database: Database, sealer: Sealer) -> None:
        """Share the process's database and sealer."""
        self._database = database
        self._sealer = sealer
        self._move_counter = database.prepare(MOVE_COUNTER)
        self._begin_session = database.prepare(BEGIN_SESSION)
        self._insert_event = database.prepare(INSERT_EVENT)

    def by_credential_id(self, *, credential_id: bytes) -> tuple[Passkey, Citizen] | None:
        """See `PasskeyStore.by_credential_id`."""

        def work(connection: Connection) -> RowMapping | None:
            return connection.execute(WITH_HOLDER, {"credential": credential_id}).mappings().first()

        row = self._database.consult(work)
        if row is None:
            return None
        holder = {column.name: row[f"{HOLDER}{column.name}"] for column in citizen.c}
        return passkey_of(row=row, user_handle=holder["user_handle"]), citizen_of(sealer=self._sealer, row=holder)

    def allowed_for(self, *, number_hash: bytes) -> tuple[tuple[bytes, tuple[str, ...]], ...]:
        """See `PasskeyStore.allowed_for`."""
        statement = (
            select(passkey.c.credential_id, passkey.c.transports)
            .join(citizen, citizen.c.id == passkey.c.citizen_id)
            .join(citizen_number, citizen_number.c.citizen_id == citizen.c.id)
            .where(
                citizen_number.c.number_hash == number_hash,
                citizen_number.c.valid_to.is_(None),
                citizen.c.status == "active",
                passkey.c.ended_at.is_(None),
            )
            .order_by(passkey.c.id)
        )
        rows = self._database.consult(lambda connection: connection.execute(statement).all())
        return tuple((bytes(row.credential_id), words(row.transports)) for row in rows)

    def of_citizen(self, *, citizen_id: str) -> tuple[Passkey, ...]:
        """See `PasskeyStore.of_citizen`."""
        statement = (
            select(passkey, citizen.c.user_handle)
            .join(citizen, citizen.c.id == passkey.c.citizen_id)
            .where(passkey.c.citizen_id == citizen_id, passkey.c.ended_at.is_(None))
            .order_by(passkey.c.id)
        )
        rows = self._database.consult(lambda connection: connection.execute(statement).mappings().all())
        return tuple(passkey_of(row=row, user_handle=row["user_handle"]) for row in rows)

    def add(self, *, passkey: Passkey, event: Event) -> None:
        """See `PasskeyStore.add`."""

        def work(connection: Connection) -> None:
            statement = select(citizen.c.status).where(citizen.c.id == passkey.citizen_id).with_for_update(read=True)
            if connection.execute(statement).scalar() != "active":
                raise RegistrationRefused(REGISTERED, detail="the account is not active")
            add_passkey(connection, passkey)
            write_events(connection, event)

        self._database.transact(work)

    def rename(self, *, passkey_id: str, expected_citizen_id: str, name: str, event: Event) -> None:
        """See `PasskeyStore.rename`."""
        statement = (
            update(passkey)
            .where(
                passkey.c.id == passkey_id,
                passkey.c.citizen_id == expected_citizen_id,
                passkey.c.ended_at.is_(None),
            )
            .values(name=name)
        )

        def work(connection: Connection) -> None:
            if not connection.execute(statement).rowcount:
                raise NotKnown("There is no such passkey.")
            write_events(connection, event)

        self._database.transact(work)

    def end(
        self, *, passkey_id: str, expected_citizen_id: str | None, reason: str, actor: str, keeps_last: bool = False
    ) -> tuple[str, ...]:
        """See `PasskeyStore.end`."""
        statement = (
            update(passkey)
            .where(passkey.c.id == passkey_id, passkey.c.ended_at.is_(None))
            .values(ended_at=clock.now(), ended_reason=reason)
        )

        def work(connection: Connection) -> tuple[str, ...]:
            holder = connection.execute(select(passkey.c.citizen_id).where(passkey.c.id == passkey_id)).scalar()
            if holder is None or expected_citizen_id not in {None, holder}:
                raise NotKnown("There is no such passkey.")
            if keeps_last and len(_locked(connection, citizen_id=holder)) < 2:  # noqa: PLR2004  this one and another
                return ()
            if not connection.execute(statement).rowcount:
                return ()
            write_events(connection, PasskeyEnded(actor=actor, citizen_id=holder, object=passkey_id, reason=reason))
            return end_sessions(
                connection, login_session.c.passkey_id == passkey_id, reason="passkey_ended", actor=actor
            )

        return self._database.transact(work)

    def record_use(self, *, use: PasskeyUse, session: NewSession) -> LoginSession:
        """See `PasskeyStore.record_use`; on the driver's own cursor, because every login comes here."""
        at = clock.now()
        begun = session.begun(citizen_id=use.citizen_id, passkey_id=use.passkey_id, at=at)
        counter = {
            "passkey_id": use.passkey_id,
            "holder_id": use.citizen_id,
            "expected_sign_count": use.expected_sign_count,
            "new_sign_count": use.sign_count,
            "now_backed_up": use.backed_up,
            "used_at": to_micros(at),
        }
        row = session_row(begun)
        row |= {name: to_micros(row[name]) for name in ("started_at", "expires_at")} | {"holder_id": use.citizen_id}
        event = LoginSucceeded(
            actor=f"citizen:{use.citizen_id}",
            citizen_id=use.citizen_id,
            object=begun.id,
            method=session.method,
            level=begun.level,
            passkey_id=use.passkey_id,
        )

        def work(cursor: HotCursor) -> None:
            if not cursor.run(self._move_counter, counter):
                raise AssertionRefused(REFUSED, detail="the passkey has ended, or its counter moved meanwhile")
            if not cursor.run(self._begin_session, row):
                raise AssertionRefused(REFUSED, detail="the account is not active")
            cursor.run(self._insert_event, hot_row(event))

        self._database.hot(work)
        return begun

    def flag_counter(self, *, event: Event) -> None:
        """See `PasskeyStore.flag_counter`."""
        self._database.transact(lambda connection: write_events(connection, event))
