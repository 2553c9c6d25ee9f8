"""Token-signing keys in SQL: implements `keys.store.KeyStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import exists, insert, select, text, update

from idp.audit.events import KeyAdded, KeyMoved
from idp.storage.sql.audit import write_events
from idp.storage.sql.tables import signing_key
from keys.store import KeyRecord, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.storage.sql.database import Database

# The column that says when a key came into a state; an announced key is stamped when it is added.
_STAMPS: Final[Mapping[str, str]] = {"active": "active_at", "retiring": "retiring_at", "gone": "gone_at"}


class SqlKeyStore:
    """One row per key, gone ones too: what a key was and why it ended can be read years later."""

    def __init__(self, database: Database, *, actor: str = "worker") -> None:
        """Share the process's database; `actor` is whom the trail names for what is changed through this store."""
        self._database = database
        self._actor = actor

    def all(self) -> tuple[KeyRecord, ...]:
        """See `KeyStore.all`; gone keys stay away."""
        living = select(signing_key).where(signing_key.c.state != "gone").order_by(signing_key.c.announced_at)
        rows = self._database.consult(lambda connection: connection.execute(living).mappings().all())
        return tuple(_record_of(row) for row in rows)

    def add(self, record: KeyRecord) -> bool:
        """See `KeyStore.add`."""
        is_taken = select(
            exists().where(signing_key.c.alg == record.alg, signing_key.c.state == record.state),
        )
        row = {name: getattr(record, name) for name in signing_key.c.keys() if name != "public_jwk"}  # noqa: SIM118  a column collection is no dict

        def work(connection: Connection) -> bool:
            if connection.execute(is_taken).scalar_one():
                return False
            public_jwk = orjson.dumps(record.public_jwk).decode()
            connection.execute(insert(signing_key).values({**row, "public_jwk": public_jwk}))
            added = KeyAdded(actor=self._actor, object=record.kid, alg=record.alg, state=record.state)
            write_events(connection, added)
            return True

        return self._alone(work)

    def move(self, *, kid: str, expected_state: State, state: State, at: datetime, reason: str) -> bool:
        """See `KeyStore.move`."""

        def work(connection: Connection) -> bool:
            return self._moved(connection, kid=kid, states=(expected_state, state), at=at, reason=reason)

        return self._alone(work)

    def promote(self, *, kid: str, at: datetime, reason: str) -> bool:
        """See `KeyStore.promote`."""
        announced = select(signing_key.c.alg).where(signing_key.c.kid == kid, signing_key.c.state == "announced")

        def work(connection: Connection) -> bool:
            alg = connection.execute(announced).scalar_one_or_none()
            if alg is None:
                return False
            active = select(signing_key.c.kid).where(signing_key.c.alg == alg, signing_key.c.state == "active")
            for former in connection.execute(active).scalars().all():
                self._moved(connection, kid=former, states=("active", "retiring"), at=at, reason=reason)
            return self._moved(connection, kid=kid, states=("announced", "active"), at=at, reason=reason)

        return self._alone(work)

    def _moved(
        self, connection: Connection, *, kid: str, states: tuple[State, State], at: datetime, reason: str
    ) -> bool:
        expected_state, state = states
        change: dict[str, Any] = {"state": state, _STAMPS[state]: at}
        if state != "active":
            change["ended_reason"] = reason
        guarded = (
            update(signing_key)
            .where(signing_key.c.kid == kid, signing_key.c.state == expected_state)
            .values(change)
            .returning(signing_key.c.kid)
        )
        if connection.execute(guarded).first() is None:
            return False
        write_events(connection, KeyMoved(actor=self._actor, object=kid, state=state, reason=reason))
        return True

    def _alone(self, work: Callable[[Connection], bool]) -> bool:
        """Run a change that looks first and writes then, as if no other ran at the same time.

        SQLite has one writer at a time. Elsewhere the database is asked to see to it: two workers at a first start
        would otherwise both find no key and both add one. The loser runs again and finds the winner's key.
        """

        def guarded(connection: Connection) -> bool:
            if not self._database.is_sqlite:
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
            return work(connection)

        return self._database.transact(guarded)


def _record_of(row: Mapping[Any, Any]) -> KeyRecord:
    """Return the record of a row; what is no object any more is an empty one, which the ring takes for no key."""
    try:
        public_jwk = orjson.loads(row["public_jwk"])
    except orjson.JSONDecodeError:
        public_jwk = {}
    return KeyRecord(**{**row, "public_jwk": public_jwk if isinstance(public_jwk, dict) else {}})
