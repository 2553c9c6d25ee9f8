"""The hot way into PostgreSQL: what goes wrong with a parameter, a connection or a server is said, and over by then."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from sqlalchemy import text

from idp.errors import TemporarilyUnavailable
from idp.storage.sql.database import Database
from idp.storage.sql.driver import patient
from idp.storage.sql.driver.hot import Prepared
from idp.storage.sql.driver.postgresql import HotPostgresql
from tests.support.postgres import USER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.postgres import Postgres

ECHO = Prepared("SELECT $1::text", {}, ("given",))
WHO = Prepared("SELECT pg_backend_pid()", {})
END = Prepared("SELECT pg_terminate_backend(pg_backend_pid())", {})
SLEEP = Prepared("SELECT pg_sleep(3)", {})


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """Give an empty database."""
    name = f"hot_{secrets.token_hex(6)}"
    made = Database(url=postgres.create_database(name))
    yield made
    made.close()
    postgres.drop_database(name)


@contextlib.contextmanager
def relayed(path: Path) -> Iterator[int]:
    """Listen on a port of loopback for one connection, and pass it on to a unix socket."""

    def passes(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serves() -> None:
        with listener.accept()[0] as near, socket.socket(socket.AF_UNIX) as far:
            far.connect(str(path))
            back = threading.Thread(target=passes, args=(far, near))
            back.start()
            passes(near, far)
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serves)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def hot(database: Database) -> HotPostgresql:
    """Return the way in itself."""
    assert database._postgresql is not None
    return database._postgresql


def breaks(database: Database) -> None:
    """Take the line away under an idle connection, as a server does that is killed."""
    (link,) = hot(database)._idle
    with socket.socket(fileno=os.dup(link._pg.socket)) as line:
        line.shutdown(socket.SHUT_RDWR)


def looks(database: Database, statement: Prepared = ECHO, **given: Any) -> Any:
    """Run one statement."""
    return database.look(statement, {"given": "a", **given})


def transacts(database: Database, statement: Prepared = ECHO, **given: Any) -> Any:
    """Run one statement in a transaction, together with its BEGIN."""
    return database.hot(lambda cursor: cursor.row(statement, {"given": "a", **given}))


def consults(database: Database, statement: Prepared) -> Any:
    """Run one statement as the pages do."""
    return database.consult(lambda connection: tuple(connection.execute(text(statement.text)).one()))


WAYS = pytest.mark.parametrize("runs", [looks, transacts])


@WAYS
@pytest.mark.parametrize(("given", "error"), [("a\x00b", psycopg.DataError), (1.5, TypeError), (["a"], TypeError)])
def test_a_parameter_that_would_arrive_as_something_else_is_refused(
    database: Database, runs: Callable[..., Any], given: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        runs(database, given=given)
    assert [runs(database, given=good) for good in ("a", "ố", None)] == [("a",), ("ố",), (None,)]


@WAYS
@pytest.mark.parametrize("how", ["ended by the operator", "killed"])
@pytest.mark.spec("F06")
def test_a_connection_that_is_lost_is_told_as_an_absence_and_replaced(
    database: Database, runs: Callable[..., Any], how: str
) -> None:
    assert runs(database) == ("a",)
    if how == "killed":
        breaks(database)
    with pytest.raises(TemporarilyUnavailable):
        runs(database, END)
    assert runs(database) == ("a",)


@pytest.mark.spec("F28")
def test_a_server_that_says_nothing_is_given_up(database: Database) -> None:
    impatient = HotPostgresql(connect=database._connect, timeout_seconds=-4.7)
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        impatient.transact(lambda cursor: cursor.row(SLEEP, {}))
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        impatient.look(SLEEP, {})
    assert impatient.transact(lambda cursor: cursor.row(ECHO, {"given": "a"})) == ("a",)
    impatient.close()


@pytest.mark.parametrize("asks", [consults, looks, transacts])
@pytest.mark.spec("F28")
def test_a_server_that_is_frozen_holds_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch, asks: Callable[..., Any]
) -> None:
    monkeypatch.setattr(patient, "PATIENCE_SECONDS", 0.3)
    impatient = Database(url=database.engine.url.render_as_string(hide_password=False), timeout_seconds=0.2)
    impatient._postgresql = HotPostgresql(connect=impatient._connect, timeout_seconds=-4.5)
    (pid,) = asks(impatient, WHO)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(TemporarilyUnavailable):
            asks(impatient, Prepared("SELECT 'never asked before'", {}))
        assert asks(impatient, WHO) != (pid,)
    finally:
        os.kill(pid, signal.SIGCONT)
    impatient.close()


@pytest.mark.spec("F28")
def test_a_network_that_is_cut_is_noticed_by_the_system_itself(postgres: Postgres) -> None:
    name = f"far_{secrets.token_hex(6)}"
    folder = Path(parse_qs(urlsplit(postgres.create_database(name)).query)["host"][0])
    with relayed(folder / ".s.PGSQL.5432") as port:
        far = Database(url=f"postgresql+psycopg://{USER}@127.0.0.1:{port}/{name}")
        assert looks(far) == ("a",)
        (link,) = hot(far)._idle
        with socket.socket(fileno=os.dup(link._pg.socket)) as line:
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        far.close()
    postgres.drop_database(name)


def test_a_forked_process_has_connections_of_its_own(database: Database) -> None:
    mine = looks(database, WHO)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, str(looks(database, WHO)[0]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        its = int(pipe.read())
    os.waitpid(child, 0)
    assert its != mine[0]
    assert looks(database, WHO) == mine
