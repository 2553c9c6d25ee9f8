"""The hot way into PostgreSQL: prepared statements handed to libpq itself, and one wait for what belongs together.

A cursor of psycopg costs twice what libpq does, and every wait for an answer costs more than the work on either side
of it. So BEGIN travels with the first statement, what nobody looks at with COMMIT; a statement alone needs neither.

The connections are this module's own, at most one for each thread that is inside at the same moment. They plan every
statement once, whatever its parameters are, and never choose to read a whole table while an index is there: the
statements are look-ups by key, the plan outlives the size that the tables had when it was made, and planning one of
them anew costs ten times what its execution does.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus

from idp.storage.sql.driver.hot import Prepared
from idp.storage.sql.driver.patient import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psycopg.pq.abc import PGconn, PGresult

    from idp.storage.sql.driver.hot import HotCursor

Result = TypeVar("Result")
WISHES = (b"SET plan_cache_mode = force_generic_plan", b"SET enable_seqscan = off")
BEGIN, COMMIT = Prepared("BEGIN", {}), Prepared("COMMIT", {})
FINE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
OPEN = frozenset({TransactionStatus.INTRANS, TransactionStatus.INERROR})
PLACE = re.compile(r"%\((\w+)\)s")


def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """Turn `%(name)s` into `$1`, `$2`, ..., one number for each place, and return the names in their order."""
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        names.append(found[1])
        return f"${len(names)}"

    return PLACE.sub(place, text), tuple(names)


class HotPostgresql:
    """Runs hot transactions and reads; safe for threads, connected lazily, anew in a process that was forked."""

    def __init__(self, *, connect: Callable[[], psycopg.Connection[Any]], timeout_seconds: float) -> None:
        """Take what opens a connection, and how long a statement may take."""
        self._connect = connect
        self._patience = timeout_seconds + PATIENCE_SECONDS
        self._idle: list[_Link] = []
        self._pid = os.getpid()

    def transact(self, work: Callable[[HotCursor], Result]) -> Result:
        """Run `work` inside one transaction and return what it returns; nothing is kept when it raises.

        Raises:
            psycopg.Error: as the server or the connection reports it.
        """
        link = self._take()
        try:
            cursor = _Cursor(link)
            result = work(cursor)
            cursor.commit()
        except BaseException:
            self._give_back(link, failed=True)
            raise
        self._give_back(link)
        return result

    def look(self, statement: Prepared, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row of one statement, which is a transaction of its own.

        Raises:
            psycopg.Error: as the server or the connection reports it.
        """
        link = self._take()
        try:
            row = link.row(link.run(statement, parameters))
        except BaseException:
            self._give_back(link, failed=True)
            raise
        self._give_back(link)
        return row

    def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> _Link:
        if self._pid != os.getpid():
            self._idle, self._pid = [], os.getpid()  # the parent's connections are the parent's
        try:
            return self._idle.pop()
        except IndexError:
            return _Link(self._connect(), patience=self._patience)

    def _give_back(self, link: _Link, *, failed: bool = False) -> None:
        if not failed or link.recovers():
            self._idle.append(link)
            return
        link.close()
        self.close()  # the others have most likely lost the same server


class _Link:
    """One connection and the statements that it knows."""

    __slots__ = ("_connection", "_known", "_loader", "_patience", "_pg", "_poll")

    def __init__(self, connection: psycopg.Connection[Any], *, patience: float) -> None:
        self._connection = connection
        self._pg: PGconn = connection.pgconn
        self._pg.nonblocking = 0
        self._patience = patience
        self._known: dict[str, bytes] = {}
        self._loader = Transformer(connection)
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        for wish in WISHES:
            self._pg.send_query_params(wish, None)
            self._result()  # a database that only speaks PostgreSQL's protocol may not know it

    def run(self, statement: Prepared, parameters: Mapping[str, Any]) -> PGresult:
        """Execute one statement and return its result."""
        name = self._name(statement)
        values, formats = _dumped(statement, parameters)
        self._pg.send_query_prepared(name, values, formats)
        return self._checked(self._result())

    def run_together(self, *batch: tuple[Prepared, Mapping[str, Any]]) -> list[PGresult]:
        """Execute statements with one wait for all of them; those after one that fails are not executed."""
        names = [self._name(statement) for statement, _ in batch]
        pg = self._pg
        pg.enter_pipeline_mode()
        for name, (statement, parameters) in zip(names, batch, strict=True):
            values, formats = _dumped(statement, parameters)
            pg.send_query_prepared(name, values, formats)
        pg.pipeline_sync()
        results = [self._result() for _ in batch]
        self._result(ended=False)  # the answer to the sync
        pg.exit_pipeline_mode()  # raises where an answer is left
        return [self._checked(result) for result in results]

    def row(self, result: PGresult) -> tuple[Any, ...] | None:
        """Return the first row of a result in Python's types."""
        if not result.ntuples:
            return None
        self._loader.set_pgresult(result)
        found: tuple[Any, ...] | None = self._loader.load_row(0, tuple)
        return found

    def recovers(self) -> bool:
        """Bring the connection back to where nothing is open; False where it is not worth it."""
        with contextlib.suppress(psycopg.Error):
            if self._pg.pipeline_status == PipelineStatus.OFF:
                if self._pg.transaction_status in OPEN:
                    self._pg.send_query_params(b"ROLLBACK", None)
                    self._result()
                return self._pg.transaction_status == TransactionStatus.IDLE
        return False

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _name(self, statement: Prepared) -> bytes:
        """Return the name under which this connection knows a statement, making it known at its first use."""
        name = self._known.get(statement.text)
        if name is None:
            name = b"sen_%d" % len(self._known)
            self._pg.send_prepare(name, statement.text.encode())
            self._checked(self._result())
            self._known[statement.text] = name
        return name

    def _result(self, *, ended: bool = True) -> PGresult | None:
        """Wait for the next result, with the interpreter free for others; `ended` reads the NULL that ends it too."""
        pg = self._pg
        while pg.is_busy():
            if not self._poll.poll(self._patience * 1000):
                raise psycopg.OperationalError("the server does not answer")
            pg.consume_input()
        result = pg.get_result()
        if ended:
            pg.get_result()
        return result

    def _checked(self, result: PGresult | None) -> PGresult:
        if result is not None and result.status in FINE:
            return result
        if result is None or self._pg.status == ConnStatus.BAD:
            raise psycopg.OperationalError("the connection to the server was lost")
        raise error_from_result(result)


class _Cursor:
    """Implements `HotCursor`: BEGIN goes with the first statement, COMMIT with those that nobody looks at."""

    __slots__ = ("_added", "_begun", "_link")

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._begun = False
        self._added: list[tuple[Prepared, Mapping[str, Any]]] = []

    def run(self, statement: Prepared, parameters: Mapping[str, Any]) -> int:
        return self._execute(statement, parameters).command_tuples or 0

    def row(self, statement: Prepared, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        return self._link.row(self._execute(statement, parameters))

    def add(self, statement: Prepared, parameters: Mapping[str, Any]) -> None:
        self._added.append((statement, parameters))

    def commit(self) -> None:
        """End the transaction, if it was ever begun."""
        if self._begun or self._added:
            self._send((COMMIT, {}))

    def _execute(self, statement: Prepared, parameters: Mapping[str, Any]) -> PGresult:
        return self._send((statement, parameters))

    def _send(self, last: tuple[Prepared, Mapping[str, Any]]) -> PGresult:
        """Send everything that waits, then `last`, and return the result of `last`."""
        batch = [*self._added, last] if self._begun else [(BEGIN, {}), *self._added, last]
        self._begun, self._added = True, []
        if len(batch) == 1:
            return self._link.run(*last)
        return self._link.run_together(*batch)[-1]


def _dumped(statement: Prepared, parameters: Mapping[str, Any]) -> tuple[list[bytes | None], list[int] | None]:
    """Return the parameters in their order as PostgreSQL reads them, and which are not text but bytes, if any are.

    The server knows from the statement what type each one is.

    Raises:
        psycopg.DataError: a text with a NUL character, which would be cut off there.
        TypeError: a value of another type than text, bytes, whole number, truth value or None.
    """
    given = {**statement.fixed, **parameters} if statement.fixed else parameters
    values = [given[name] for name in statement.names]
    if "\x00" in "".join([value for value in values if type(value) is str]):
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    kinds = set(map(type, values))
    if not DUMPS.keys() >= kinds:
        raise TypeError(f"{kinds - DUMPS.keys()} are no parameters of a hot statement")
    formats = [int(type(value) is bytes) for value in values] if bytes in kinds else None
    return [DUMPS[type(value)](value) for value in values], formats


DUMPS: Mapping[type, Callable[[Any], bytes | None]] = {
    str: str.encode,
    int: b"%d".__mod__,
    bool: {True: b"t", False: b"f"}.__getitem__,
    bytes: lambda value: value,
    NoneType: lambda value: value,
}
