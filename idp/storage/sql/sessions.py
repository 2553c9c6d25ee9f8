"""Login sessions in SQL: implements `idp.citizens.store.SessionStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from idp import clock
from idp.audit.events import SessionEnded
from idp.citizens.login_session import LoginSession, Reached, SessionGate
from idp.errors import NotKnown
from idp.storage.sql.audit import write_events
from idp.storage.sql.authorizations import end_authorizations
from idp.storage.sql.outbox import LEFT, tell_of_logout
from idp.storage.sql.people import session_of
from idp.storage.sql.tables import authorization, citizen, from_micros, login_session, passkey

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

    from idp.storage.sql.database import Database

GATE = (
    select(
        login_session.c.citizen_id,
        citizen.c.status,
        passkey.c.ended_at,
        login_session.c.ended_at,
        login_session.c.expires_at,
    )
    .join(citizen, citizen.c.id == login_session.c.citizen_id)
    .join(passkey, passkey.c.id == login_session.c.passkey_id)
    .where(login_session.c.id == bindparam("session_id"))
)


def end_sessions(connection: Connection, *which: ColumnElement[bool], reason: str, actor: str) -> tuple[str, ...]:
    """End the open sessions that `which` picks, in the transaction that is open.

    An event for each is written with it, and a logout for every relying party that is to be told.
    """
    rows = connection.execute(
        update(login_session)
        .where(login_session.c.ended_at.is_(None), *which)
        .values(ended_at=clock.now(), ended_reason=reason)
        .returning(login_session.c.id, login_session.c.citizen_id)
    ).all()
    write_events(
        connection,
        *(SessionEnded(actor=actor, citizen_id=row.citizen_id, object=row.id, reason=reason) for row in rows),
    )
    ended = tuple(sorted(row.id for row in rows))
    tell_of_logout(connection, authorization.c.session_id.in_(ended))
    return ended


def _chain_of(session_id: str) -> Select[Any]:
    return select(login_session.c.chain_id).where(login_session.c.id == session_id)


def _in_chain_of(session_id: str) -> ColumnElement[bool]:
    """Pick the logins that began in the same browser as this one, one after another."""
    return login_session.c.chain_id == _chain_of(session_id).scalar_subquery()


class SqlSessions:
    """One row per login."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database
        self._gate = database.prepare(GATE)

    def of_citizen(self, *, citizen_id: str) -> tuple[LoginSession, ...]:
        """See `SessionStore.of_citizen`."""
        statement = (
            select(login_session)
            .where(
                login_session.c.citizen_id == citizen_id,
                login_session.c.ended_at.is_(None),
                login_session.c.expires_at > clock.now(),
            )
            .order_by(login_session.c.id.desc())
        )
        rows = self._database.consult(lambda connection: connection.execute(statement).mappings().all())
        return tuple(session_of(row) for row in rows)

    def gate(self, *, session_id: str) -> SessionGate | None:
        """See `SessionStore.gate`; on the driver's own cursor, because every request of a browser asks."""
        row: tuple[Any, ...] | None = self._database.look(self._gate, {"session_id": session_id})
        if row is None:
            return None
        citizen_id, status, passkey_ended_at, session_ended_at, expires_at = row
        return SessionGate(
            citizen_id=citizen_id,
            citizen_status=status,
            passkey_ended=passkey_ended_at is not None,
            session_ended=session_ended_at is not None,
            expires_at=from_micros(expires_at),
        )

    def end(self, *, session_id: str, reason: str, actor: str) -> None:
        """See `SessionStore.end`."""

        def work(connection: Connection) -> None:
            if connection.execute(_chain_of(session_id)).first() is None:
                raise NotKnown("There is no such session.")
            end_sessions(connection, _in_chain_of(session_id), reason=reason, actor=actor)

        self._database.transact(work)

    def end_others(self, *, citizen_id: str, kept_session_id: str | None, reason: str, actor: str) -> tuple[str, ...]:
        """See `SessionStore.end_others`."""
        which = [login_session.c.citizen_id == citizen_id]
        if kept_session_id is not None:
            which.append(~_in_chain_of(kept_session_id))
        return self._database.transact(lambda connection: end_sessions(connection, *which, reason=reason, actor=actor))

    def reached(self, *, session_id: str) -> tuple[Reached, ...]:
        """See `SessionStore.reached`."""
        statement = (
            select(authorization.c.client_id, authorization.c.session_id)
            .distinct()
            .where(_granted_in_chain_of(session_id), authorization.c.ended_at.is_(None))
            .order_by(authorization.c.client_id, authorization.c.session_id)
        )
        rows = self._database.consult(lambda connection: connection.execute(statement).all())
        return tuple(Reached(client_id=row.client_id, session_id=row.session_id) for row in rows)

    def leave(self, *, session_id: str, client_id: str, actor: str) -> tuple[Reached, ...]:
        """See `SessionStore.leave`."""
        which = (_granted_in_chain_of(session_id), authorization.c.client_id == client_id)

        def work(connection: Connection) -> tuple[Reached, ...]:
            tell_of_logout(connection, *which, authorization.c.ended_at.is_(None))
            ended = end_authorizations(connection, *which, reason=LEFT, actor=actor)
            return tuple(Reached(client_id, session) for session in sorted({row.session_id for row in ended}))

        return self._database.transact(work)


def _granted_in_chain_of(session_id: str) -> ColumnElement[bool]:
    return authorization.c.session_id.in_(select(login_session.c.id).where(_in_chain_of(session_id)))
