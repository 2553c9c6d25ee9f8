"""Relying parties in SQL: implements both stores of `idp.relying_parties.store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert, select, update

from idp import clock
from idp.relying_parties.store import Allowance, InitialToken, Registered, StoredClient
from idp.storage.sql.audit import write_events
from idp.storage.sql.tables import initial_access_token, relying_party

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select, Update

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


def _values(client: StoredClient) -> dict[str, Any]:
    return {
        "profile": client.profile,
        "metadata": orjson.dumps(client.metadata).decode(),
        "secret_hash": client.secret_hash,
        "status": client.status,
    }


def _registered(row: Mapping[str, Any]) -> Registered:
    return Registered(_stored(row), _allowance(row["allowance"]), row["registration_hash"])


def _by_itself(client_id: str) -> Select[Any]:
    """Return what finds a relying party that registered itself."""
    return select(relying_party).where(
        relying_party.c.client_id == client_id, relying_party.c.registration_hash.is_not(None)
    )


def _allowance(text: str) -> Allowance:
    members = orjson.loads(text)
    lists = {name: tuple(value) for name, value in members.items() if isinstance(value, list)}
    return Allowance(**{**members, **lists})


def _token(row: Mapping[str, Any]) -> InitialToken:
    return InitialToken(
        id=row["id"],
        allowance=_allowance(row["allowance"]),
        uses_left=row["uses_left"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
    )


def _first(database: Database, statement: Select[Any]) -> dict[str, Any] | None:
    """Return the first row that a statement finds."""
    row = database.consult(lambda connection: connection.execute(statement).mappings().first())
    return None if row is None else dict(row)


def _changed(database: Database, statement: Update, *, event: Event) -> bool:
    """Run a change, with its event where it found a row; say whether it did."""

    def work(connection: Connection) -> bool:
        found = connection.execute(statement).rowcount > 0
        if found:
            write_events(connection, event)
        return found

    return database.transact(work)


class SqlRelyingParties:
    """One row per relying party."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database

    def get(self, *, client_id: str) -> StoredClient | None:
        """Return one, ended or not, or None."""
        row = _first(self._database, select(relying_party).where(relying_party.c.client_id == client_id))
        return None if row is None else _stored(row)

    def all(self) -> Sequence[StoredClient]:
        """Return all, in the order of their making."""
        statement = select(relying_party).order_by(relying_party.c.created_at)
        rows = self._database.consult(lambda connection: connection.execute(statement).mappings().all())
        return tuple(_stored(dict(row)) for row in rows)

    def put(self, client: StoredClient, *, event: Event) -> None:
        """See `RelyingPartyStore.put`."""
        values = _values(client)

        def work(connection: Connection) -> None:
            row = connection.execute(_by_itself(client.client_id)).mappings().first()
            if row is not None:
                allowance = _allowance(row["allowance"]).set_by_officer(client)
                values["allowance"] = orjson.dumps(allowance).decode()
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
        statement = (
            update(relying_party)
            .where(relying_party.c.client_id == client_id, relying_party.c.ended_at.is_(None))
            .values(status="ended", ended_at=clock.now(), ended_reason=reason)
        )
        return _changed(self._database, statement, event=event)

    def move(self, seen: StoredClient, *, status: str, event: Event) -> bool:
        """Give one another status; False when it is no longer as it was seen."""
        statement = (
            update(relying_party)
            .where(
                relying_party.c.client_id == seen.client_id,
                relying_party.c.ended_at.is_(None),
                relying_party.c.status == seen.status,
                relying_party.c.metadata == orjson.dumps(seen.metadata).decode(),
            )
            .values(status=status)
        )
        return _changed(self._database, statement, event=event)


class SqlRegistrations:
    """One row per initial access token; the rest stands in the relying party's own row."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database
        self.end = SqlRelyingParties(database).end

    def issue(self, token: InitialToken, *, token_hash: bytes, event: Event) -> None:
        """See `RegistrationStore.issue`."""
        row = insert(initial_access_token).values(
            id=token.id,
            token_hash=token_hash,
            allowance=orjson.dumps(token.allowance).decode(),
            uses_left=token.uses_left,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

        def work(connection: Connection) -> None:
            connection.execute(row)
            write_events(connection, event)

        self._database.transact(work)

    def find_token(self, *, token_hash: bytes, at: datetime) -> InitialToken | None:
        """See `RegistrationStore.find_token`."""
        statement = select(initial_access_token).where(initial_access_token.c.token_hash == token_hash, *_good(at))
        row = _first(self._database, statement)
        return None if row is None else _token(row)

    def tokens(self) -> Sequence[InitialToken]:
        """See `RegistrationStore.tokens`."""
        statement = select(initial_access_token).order_by(initial_access_token.c.created_at)
        rows = self._database.consult(lambda connection: connection.execute(statement).mappings().all())
        return tuple(_token(dict(row)) for row in rows)

    def end_token(self, *, token_id: str, reason: str, event: Event) -> bool:
        """See `RegistrationStore.end_token`."""
        statement = (
            update(initial_access_token)
            .where(initial_access_token.c.id == token_id, initial_access_token.c.ended_at.is_(None))
            .values(ended_at=clock.now(), ended_reason=reason)
        )
        return _changed(self._database, statement, event=event)

    def add(self, registered: Registered, *, token_id: str | None, at: datetime, event: Event) -> bool:
        """See `RegistrationStore.add`."""
        row = insert(relying_party).values(
            client_id=registered.client.client_id,
            created_at=registered.client.created_at,
            registration_hash=registered.token_hash,
            allowance=orjson.dumps(registered.allowance).decode(),
            **_values(registered.client),
        )
        use = (
            update(initial_access_token)
            .where(initial_access_token.c.id == token_id, *_good(at))
            .values(uses_left=initial_access_token.c.uses_left - 1)
        )

        def work(connection: Connection) -> bool:
            if token_id is not None and not connection.execute(use).rowcount:
                return False
            connection.execute(row)
            write_events(connection, event)
            return True

        return self._database.transact(work)

    def get(self, *, client_id: str) -> Registered | None:
        """See `RegistrationStore.get`."""
        row = _first(self._database, _by_itself(client_id))
        return None if row is None else _registered(row)

    def change(self, registered: Registered, *, former: Registered, event: Event) -> bool:
        """See `RegistrationStore.change`."""
        client_id = registered.client.client_id
        statement = (
            update(relying_party)
            .where(relying_party.c.client_id == client_id)
            .values(registration_hash=registered.token_hash, **_values(registered.client))
        )

        def work(connection: Connection) -> bool:
            row = connection.execute(_by_itself(client_id).with_for_update()).mappings().first()
            if row is None or row["ended_at"] is not None or _registered(dict(row)) != former:
                return False
            connection.execute(statement)
            write_events(connection, event)
            return True

        return self._database.transact(work)


def _good(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return what an initial access token that may be used has to be."""
    return (
        initial_access_token.c.ended_at.is_(None),
        initial_access_token.c.expires_at > at,
        initial_access_token.c.uses_left > 0,
    )
