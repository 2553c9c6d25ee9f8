"""The database: SQLite in WAL mode by default, PostgreSQL (or one that speaks it) where one machine is not enough.

Two ways in. `transact` runs a function with a SQLAlchemy connection inside one transaction; it is for everything that
is not on a protocol endpoint. `hot` and `look` run statements that were compiled once (`Database.prepare`) on the
driver itself, because SQLAlchemy's execution costs five times what the driver does (`driver/postgresql.py`).
Both retry when a database reports a serialization failure and answer `TemporarilyUnavailable` when it is away.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from idp.errors import TemporarilyUnavailable
from idp.storage.sql.driver import patient
from idp.storage.sql.driver.hot import Change, HotCursor, Prepared
from idp.storage.sql.driver.postgresql import HotPostgresql, numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.sql import ClauseElement

__all__ = ["Database", "HotCursor", "Prepared", "insert_if_new", "opened", "upsert"]

Result = TypeVar("Result")
ATTEMPTS = 4
SERIALIZATION_FAILURES = {"40001", "40P01"}


class _DriverCursor:
    """Implements `HotCursor` on a driver's cursor (PEP 249)."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Any) -> None:
        """Keep the driver's cursor."""
        self._cursor = cursor

    def run(self, statement: Prepared, parameters: Mapping[str, Any]) -> int:
        """See `HotCursor.run`."""
        self._cursor.execute(statement.text, {**statement.fixed, **parameters})
        return int(self._cursor.rowcount)

    def row(self, statement: Prepared, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """See `HotCursor.row`."""
        self._cursor.execute(statement.text, {**statement.fixed, **parameters})
        found: tuple[Any, ...] | None = self._cursor.fetchone()
        return found

    def add(self, statement: Prepared, parameters: Mapping[str, Any]) -> None:
        """See `HotCursor.add`; in-process, nothing is gained by waiting."""
        self._cursor.execute(statement.text, {**statement.fixed, **parameters})


class Database:
    """One database, shared by every store of a process; safe for threads, made lazily after a fork."""

    def __init__(self, *, url: str, pool_size: int = 10, timeout_seconds: float = 2.0, notices: bool = False) -> None:
        """Open lazily `sqlite:///PATH` or `postgresql+psycopg://...`; `notices`: events are told (`write_events`)."""
        self.is_sqlite = url.startswith("sqlite")
        self.engine: Engine = (
            _sqlite_engine(url=url, pool_size=pool_size, timeout_seconds=timeout_seconds)
            if self.is_sqlite
            else _postgresql_engine(url=url, pool_size=pool_size, timeout_seconds=timeout_seconds)
        )
        self.engine.update_execution_options(notices=notices)
        self._postgresql = (
            None if self.is_sqlite else HotPostgresql(connect=self._connect, timeout_seconds=timeout_seconds)
        )
        self._timeout_seconds = timeout_seconds
        self._writing = threading.Lock()  # SQLite lets one write, and who finds another sleeps longer at each try

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Compile a statement once; its `bindparam`s are the names that `HotCursor` takes."""
        compiled = statement.compile(dialect=self.engine.dialect)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        if self.is_sqlite:
            return Prepared(text=str(compiled), fixed=fixed)
        text, names = numbered(str(compiled))
        return Prepared(text=text, fixed=fixed, names=names)

    def transact(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in one transaction and return what it returns; nothing is kept when it raises.

        Raises:
            TemporarilyUnavailable: the database is away, or other writers were first too often.
        """

        def attempt() -> Result:
            with self.engine.begin() as connection:
                return work(connection)

        return _persistently(attempt)

    def consult(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` that only reads; on SQLite it waits for no writer.

        Raises:
            TemporarilyUnavailable: the database is away.
        """

        def attempt() -> Result:
            with self.engine.connect().execution_options(read_only=True) as connection:
                return work(connection)

        return _persistently(attempt)

    def hot(self, work: Callable[[HotCursor], Result]) -> Result:
        """Run `work` on the driver's cursor in one transaction; see `transact`."""
        if self._postgresql is not None:
            return _persistently(partial(self._postgresql.transact, work))
        return _persistently(partial(self._hot_attempt, work))

    def prepare_change(self, statement: ClauseElement, *, event: ClauseElement, whole: ClauseElement) -> Change:
        """Compile a change and its event; `whole` is both in one, where the event's `id` is called `event_id`."""
        at_once = None if self.is_sqlite else self.prepare(whole)
        return Change(statement=self.prepare(statement), event=self.prepare(event), whole=at_once)

    def hot_change(self, change: Change, row: Mapping[str, Any], *, event: Mapping[str, Any]) -> bool:
        """Run a change, and where it touched a row its event with it, in one transaction; say whether it did."""
        if change.whole is not None:
            return self.look(change.whole, {**event, **row, "event_id": event["id"]}) is not None

        def work(cursor: HotCursor) -> bool:
            if not cursor.run(change.statement, row):
                return False
            cursor.add(change.event, event)
            return True

        return self.hot(work)

    def _hot_attempt(self, work: Callable[[HotCursor], Result]) -> Result:
        if not self._writing.acquire(timeout=self._timeout_seconds):
            raise sqlite3.OperationalError("other threads of this process write")
        try:
            with contextlib.closing(self.engine.raw_connection()) as connection:  # the pool rolls back what is left
                cursor = connection.cursor()
                cursor.execute("BEGIN IMMEDIATE")
                result = work(_DriverCursor(cursor))
                connection.commit()
        finally:
            self._writing.release()
        return result

    def look(self, statement: Prepared, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row of one statement, which is a transaction of its own.

        Raises:
            TemporarilyUnavailable: the database is away.
        """
        if self._postgresql is not None:
            return _persistently(partial(self._postgresql.look, statement, parameters))
        return _persistently(partial(self._look_attempt, statement, parameters))

    def _look_attempt(self, statement: Prepared, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        with contextlib.closing(self.engine.raw_connection()) as connection:
            return _DriverCursor(connection.cursor()).row(statement, parameters)

    def _connect(self) -> psycopg.Connection[Any]:
        """Open a connection of psycopg beside SQLAlchemy's pool, to the same database with the same options."""
        _, parameters = self.engine.dialect.create_connect_args(self.engine.url)
        return psycopg.connect(**parameters, **patient.options(self._timeout_seconds), autocommit=True)

    def ping(self) -> None:
        """Ask for one row.

        Raises:
            TemporarilyUnavailable: the database is away.
        """
        self.consult(lambda connection: connection.execute(sqlalchemy.text("SELECT 1")).scalar())

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()
        if self._postgresql is not None:
            self._postgresql.close()


def _persistently(attempt: Callable[[], Result]) -> Result:
    """Run `attempt` again when another transaction was first; translate the absence of the database."""
    for remaining in reversed(range(ATTEMPTS)):
        try:
            return attempt()
        except (DBAPIError, psycopg.Error, sqlite3.Error, PoolTimeout) as error:
            original = error.orig if isinstance(error, DBAPIError) else error
            if getattr(original, "sqlstate", None) in SERIALIZATION_FAILURES and remaining:
                continue
            if _is_absence(error, original):
                raise TemporarilyUnavailable("The database does not answer.", detail=repr(original)) from error
            raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _is_absence(error: Exception, original: object) -> bool:
    """Tell a database that is away, locked, full, read-only or damaged from a statement that is wrong."""
    kinds = (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.ReadOnlySqlTransaction,
        sqlite3.OperationalError,
    )
    is_damaged = type(original) is sqlite3.DatabaseError  # its file is none, or "malformed"; other kinds are subclasses
    return is_damaged or isinstance(error, OperationalError | PoolTimeout) or isinstance(original, kinds)


def _sqlite_engine(*, url: str, pool_size: int, timeout_seconds: float) -> Engine:
    engine = sqlalchemy.create_engine(
        url,
        hide_parameters=True,
        paramstyle="named",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout_seconds,
        poolclass=sqlalchemy.QueuePool,
        connect_args={"timeout": timeout_seconds, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgresql_engine(*, url: str, pool_size: int, timeout_seconds: float) -> Engine:
    engine = sqlalchemy.create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout_seconds,
        pool_pre_ping=False,
        connect_args={**patient.options(timeout_seconds), "prepare_threshold": 1},
    )
    return patient.bounded(engine, timeout_seconds=timeout_seconds)


@contextlib.contextmanager
def opened(url: str) -> Iterator[Database]:
    """Open a database for as long as a command of the operator needs it."""
    database = Database(url=url)
    try:
        yield database
    finally:
        database.close()


def insert_if_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row and say whether it is new; one that has any of its unique values was first otherwise."""
    # The row is asked for again because a driver need not know how many rows an INSERT wrote.
    key = next(iter(table.primary_key))
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table).values(row).on_conflict_do_nothing().returning(key)
        return connection.execute(lite).first() is not None
    post = postgresql.insert(table).values(row).on_conflict_do_nothing().returning(key)
    return connection.execute(post).first() is not None


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in their order, each replacing the one with its primary key; columns that a row has not stay."""
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    changed = [name for name in rows[0] if name not in key]
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table)
        connection.execute(
            lite.on_conflict_do_update(index_elements=key, set_={name: lite.excluded[name] for name in changed}), rows
        )
        return
    post = postgresql.insert(table)
    connection.execute(
        post.on_conflict_do_update(index_elements=key, set_={name: post.excluded[name] for name in changed}), rows
    )
