"""Authorizations in SQL: implements `idp.protocol.store.AuthorizationStore`; every statement selects on the gates."""

from __future__ import annotations

import functools
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import or_, update

from idp import clock
from idp.audit.events import AuthorizationEnded
from idp.audit.log import row_of
from idp.citizens.citizen import Person
from idp.errors import NotKnown
from idp.protocol.claims import Known
from idp.protocol.records import Gates, LiveAuthorization
from idp.protocol.store import CodeReused
from idp.storage.sql.audit import INSERT, hot_row, write_events
from idp.storage.sql.consents import standing_of
from idp.storage.sql.gates import (
    AGAIN,
    CREATE,
    END_REUSED,
    GATES,
    KNOWN,
    LIVE,
    LIVE_COLUMNS,
    NEW_COLUMNS,
    OF_CITIZEN,
    REFRESH,
    REFRESH_AND_TELL,
    REUSED,
    ROTATE,
    with_event,
)
from idp.storage.sql.people import NUMBER, PERSON
from idp.storage.sql.tables import authorization, from_micros, to_micros

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from idp.audit.events import Event
    from idp.protocol.records import NewAuthorization, Rotation
    from idp.storage.sql.database import Database, HotCursor
    from keys import Sealer

WRITTEN = (*NEW_COLUMNS, "at")
TIMES = ("given_at", "expires_at", "at")
GATES_COLUMNS = tuple(GATES.selected_columns.keys())


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """One live authorization as an operator sees it: who holds it, for what, since when; nothing of the person."""

    id: str
    client_id: str
    scope: str
    since: datetime


class SqlAuthorizations:
    """One row per authorization. What is given out is given by a statement that looks at every gate itself."""

    def __init__(self, *, database: Database, sealer: Sealer) -> None:
        """Share the process's database and sealer; compile the hot statements."""
        self._database = database
        self._sealer = sealer
        self._insert_event = database.prepare(INSERT)
        self._create = database.prepare_change(CREATE, event=INSERT, whole=with_event(CREATE))
        self._refresh = database.prepare(REFRESH)
        self._refresh_and_tell = None if database.is_sqlite else database.prepare(REFRESH_AND_TELL)
        self._rotate = database.prepare(ROTATE)
        self._again = database.prepare(AGAIN)
        self._end_reused = database.prepare(END_REUSED)
        self._live = database.prepare(LIVE)
        self._gates = database.prepare(GATES)
        self._known = database.prepare(KNOWN)

    def create(self, new: NewAuthorization, *, event: Event) -> bool:
        """See `AuthorizationStore.create`."""
        row = {name: getattr(new, name) for name in WRITTEN}
        event_row = row_of(event, at=new.at)
        try:
            return self._database.hot_change(self._create, row, event=event_row)
        except (sqlite3.IntegrityError, psycopg.errors.UniqueViolation) as error:
            raise CodeReused from error

    def refresh(
        self,
        *,
        refresh_hash: bytes,
        client_id: str,
        accept: Callable[[LiveAuthorization], None],
        event: Event,
        rotation: Rotation | None = None,
        accepts_bound: bool | None = None,
    ) -> LiveAuthorization | None:
        """See `AuthorizationStore.refresh`."""
        event_row = hot_row(event)
        parameters = {"used_hash": refresh_hash, "client_id": client_id, "at": event_row["at"]}
        if rotation is None and accepts_bound is not None and self._refresh_and_tell is not None:
            told = {**event_row, **parameters, "event_id": event_row["id"], "accepts_bound": accepts_bound}
            row = self._database.look(self._refresh_and_tell, told)
            if row is not None:
                return LiveAuthorization(**dict(zip(LIVE_COLUMNS, row, strict=True)))

        def work(cursor: HotCursor) -> LiveAuthorization | None:
            if rotation is None:
                row = cursor.row(self._refresh, parameters)
            else:
                row = self._rotated(cursor, parameters, rotation=rotation)
            if row is None:
                return None
            live = LiveAuthorization(**dict(zip(LIVE_COLUMNS, row, strict=True)))
            accept(live)
            cursor.add(self._insert_event, {**event_row, "citizen_id": live.citizen_id, "object": live.id})
            return live

        return self._database.hot(work)

    def _rotated(self, cursor: HotCursor, parameters: dict[str, Any], *, rotation: Rotation) -> tuple[Any, ...] | None:
        """Put the next token in this one's place, or take it again within the grace, or end what was reused."""
        used = {**parameters, "next_hash": rotation.next_hash}
        since = parameters["at"] - rotation.grace
        row = cursor.row(self._rotate, used) or cursor.row(self._again, {**used, "since": since})
        if row is None:
            ended = cursor.row(self._end_reused, {**parameters, "authorization_id": rotation.authorization_id})
            if ended is not None:
                event = AuthorizationEnded(
                    actor="anyone",
                    citizen_id=ended[0],
                    client_id=parameters["client_id"],
                    object=rotation.authorization_id,
                    reason=REUSED,
                )
                cursor.add(self._insert_event, hot_row(event))
        return row

    def live(self, *, authorization_id: str) -> LiveAuthorization | None:
        """See `AuthorizationStore.live`."""
        row = self._database.look(self._live, {"id": authorization_id, "at": to_micros(clock.now())})
        if row is None:
            return None
        members = dict(zip(LIVE_COLUMNS, row, strict=False))
        person, number, level = row[len(LIVE_COLUMNS) :]
        known = self._open(citizen_id=members["citizen_id"], person=person, number=number, level=level)
        return LiveAuthorization(**members, known=known)

    def of_citizen(self, *, citizen_id: str, limit: int) -> tuple[tuple[LiveGrant, ...], int]:
        """Return a citizen's live authorizations, newest first and at most `limit`, and how many there are."""
        sought = {"citizen_id": citizen_id, "limit": limit, "at": clock.now()}
        rows = self._database.consult(lambda connection: connection.execute(OF_CITIZEN, sought).all())
        live = tuple(
            LiveGrant(id=row.id, client_id=row.client_id, scope=row.scope, since=row.created_at) for row in rows
        )
        return live, rows[0].all_of_them if rows else 0

    def known(self, *, citizen_id: str) -> Known:
        """See `AuthorizationStore.known`."""
        row = self._database.look(self._known, {"citizen_id": citizen_id})
        if row is None:
            raise NotKnown("No such citizen.")
        person, number, level = row
        return self._open(citizen_id=citizen_id, person=person, number=number, level=level)

    def _open(self, *, citizen_id: str, person: bytes, number: bytes | None, level: int) -> Known:
        context = citizen_id.encode()
        digits = None
        if number is not None:
            digits = self._sealer.unseal(purpose=NUMBER, sealed=bytes(number), context=context).decode("ascii")
        opened = self._person(citizen_id=citizen_id, sealed=person)
        return Known(person=opened, number=digits, account_level=level)

    def _person(self, *, citizen_id: str, sealed: bytes) -> Person:
        opened = self._sealer.unseal(purpose=PERSON, sealed=bytes(sealed), context=citizen_id.encode())
        return Person.from_json(opened)

    def gates(self, *, session_id: str, client_id: str, purpose: str) -> Gates | None:
        """See `AuthorizationStore.gates`."""
        parameters = {"session_id": session_id, "client_id": client_id, "purpose": purpose}
        row = self._database.look(self._gates, parameters)
        if row is None:
            return None
        members: dict[str, Any] = dict(zip(GATES_COLUMNS, row, strict=True))
        consent = None
        if members["id"] is not None:
            for name in TIMES:  # the driver's own row has microseconds where the record wants datetimes
                members[name] = None if members[name] is None else from_micros(members[name])
            consent = standing_of(members)
        return Gates(
            citizen_active=members["citizen_status"] == "active",
            session_live=members["session_ended_at"] is None,
            passkey_live=members["passkey_ended_at"] is None,
            client_live=members["client_status"] == "approved" and members["client_ended_at"] is None,
            account_level=members["account_level"],
            consent=consent,
            person=functools.partial(self._person, citizen_id=members["session_citizen_id"], sealed=members["person"]),
        )

    def end(self, *, authorization_id: str, reason: str, client_id: str | None = None) -> bool:
        """See `AuthorizationStore.end`."""
        mine = () if client_id is None else (authorization.c.client_id == client_id,)
        return self._end(authorization.c.id == authorization_id, *mine, reason=reason, actor=_actor(client_id))

    def end_by_code(self, *, code_hash: bytes, reason: str) -> bool:
        """See `AuthorizationStore.end_by_code`."""
        return self._end(authorization.c.code_hash == code_hash, reason=reason, actor="anyone")

    def end_by_refresh(self, *, refresh_hash: bytes, client_id: str, reason: str) -> bool:
        """See `AuthorizationStore.end_by_refresh`."""
        mine = authorization.c.client_id == client_id
        this = or_(authorization.c.refresh_hash == refresh_hash, authorization.c.refresh_previous_hash == refresh_hash)
        return self._end(this, mine, reason=reason, actor=_actor(client_id))

    def _end(self, *which: ColumnElement[bool], reason: str, actor: str) -> bool:
        return self._database.transact(
            lambda connection: bool(end_authorizations(connection, *which, reason=reason, actor=actor))
        )


def end_authorizations(
    connection: Connection, *which: ColumnElement[bool], reason: str, actor: str
) -> Sequence[Row[Any]]:
    """End the authorizations that `which` picks, in the transaction that is open, with an event for each.

    Returns id, citizen_id, client_id and session_id of each that had not ended before.
    """
    rows = connection.execute(
        update(authorization)
        .where(*which, authorization.c.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_reason=reason)
        .returning(
            authorization.c.id, authorization.c.citizen_id, authorization.c.client_id, authorization.c.session_id
        )
    ).all()
    write_events(
        connection,
        *(
            AuthorizationEnded(
                actor=actor, citizen_id=row.citizen_id, client_id=row.client_id, object=row.id, reason=reason
            )
            for row in rows
        ),
    )
    return rows


def _actor(client_id: str | None) -> str:
    return "operator" if client_id is None else f"client:{client_id}"
