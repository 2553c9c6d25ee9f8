"""The least that any program under Granian does for a request: what its path says, one letter a step, and no more.

`w` is a wave of Valkey, `r` a read by key, `c` a commit of two rows, `s` and `v` a signature and a verification with
ES256; a form that comes along is read. Nothing is decided, checked, counted, sealed or logged: a provider on the same
stores that does as much as this per request cannot cost less.

Run it as `python -m bench.least_program PORT VALKEY_SOCKET POSTGRESQL_CONNECTION`.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
import uuid
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import hiredis
import orjson
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from granian.constants import Interfaces
from granian.server import Server
from psycopg.pq import ExecStatus

from idp import settings as settings_room
from idp.storage.redis.commands import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    from psycopg.pq.abc import PGconn

DOCUMENT = orjson.dumps({"keys": "x" * 1000})
TABLES = (
    "CREATE TABLE IF NOT EXISTS least_row (id text PRIMARY KEY, scope text, at bigint)",
    "CREATE TABLE IF NOT EXISTS least_event (id text PRIMARY KEY, about text)",
)
READ = "SELECT id, scope, at FROM least_row WHERE id = $1"
WRITE = (
    "WITH written AS (INSERT INTO least_row VALUES ($1, $2, $3) RETURNING id) "
    "INSERT INTO least_event SELECT $4, id FROM written RETURNING id"
)
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = KEY.public_key()
ES256 = ec.ECDSA(SHA256())
CLAIMS = dict.fromkeys(("iss", "sub", "aud", "client_id", "jti", "scope"), "x" * 30)
SIGNED = b"x" * 400
SIGNATURE = KEY.sign(SIGNED, ES256)


class Links(threading.local):
    """The connections of one thread."""

    def __init__(self, valkey: str, postgresql: str) -> None:
        """Open them, and make the two statements known."""
        self.valkey = socket.socket(socket.AF_UNIX)
        self.valkey.connect(valkey)
        self.replies = hiredis.Reader()
        self._connection = psycopg.connect(postgresql, autocommit=True)
        self.postgresql: PGconn = self._connection.pgconn
        for name, text in ((b"read", READ), (b"write", WRITE)):
            self.postgresql.prepare(name, text.encode())


def _wave(links: Links, _form: Mapping[str, str]) -> str:
    key = b"least:%d" % threading.get_ident()
    links.valkey.sendall(command(("INCR", key)) + command(("EXPIRE", key, 60, "NX")))
    found: list[object] = []
    while len(found) < 2:  # noqa: PLR2004  as many as were sent
        reply = links.replies.gets()
        if reply is False:
            links.replies.feed(links.valkey.recv(4096))
        else:
            found.append(reply)
    return str(found[0])


def _read(links: Links, _form: Mapping[str, str]) -> str:
    return str(links.postgresql.exec_prepared(b"read", [b"nobody"]).ntuples)


def _commit(links: Links, form: Mapping[str, str]) -> str:
    one, two = uuid.uuid4().hex.encode(), uuid.uuid4().hex.encode()
    scope = form.get("scope", "openid").encode()
    result = links.postgresql.exec_prepared(b"write", [one, scope, b"%d" % time.time(), two])
    if result.status != ExecStatus.TUPLES_OK:
        raise RuntimeError(f"not written: {result.error_message!r}")
    return one.decode()


def _sign(_links: Links, _form: Mapping[str, str]) -> str:
    text = urlsafe_b64encode(orjson.dumps(CLAIMS))
    return (text + b"." + urlsafe_b64encode(KEY.sign(text, ES256))).decode()


def _verify(_links: Links, form: Mapping[str, str]) -> str:
    PUBLIC.verify(SIGNATURE, SIGNED, ES256)
    return str(len(form))


STEPS: Mapping[str, Callable[[Links, Mapping[str, str]], str]] = {
    "w": _wave,
    "r": _read,
    "c": _commit,
    "s": _sign,
    "v": _verify,
}


class Program:
    """A WSGI application that takes the steps that a path names."""

    def __init__(self, valkey: str, postgresql: str) -> None:
        """Make the tables; each thread connects when it is first asked."""
        with psycopg.connect(postgresql, autocommit=True) as connection:
            for text in TABLES:
                connection.execute(text)
        self._links = Links(valkey, postgresql)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with a ready document, or with what the steps gave."""
        steps = environ["PATH_INFO"].rpartition("/")[2]
        form: dict[str, str] = {}
        if environ["REQUEST_METHOD"] == "POST":
            form = dict(parse_qsl(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()))
        body = DOCUMENT
        if steps:
            body = orjson.dumps([STEPS[step](self._links, form) for step in steps])
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def main(port: str, valkey: str, postgresql: str) -> None:
    """Serve until the process is ended."""
    server = Server(
        "least",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.WSGI,
        blocking_threads=settings_room.load({"SEN_ENVIRONMENT": "development"}).server.threads,
        websockets=False,
    )
    server.serve(target_loader=lambda *_: Program(valkey, postgresql), wrap_loader=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
