"""The load: prepared requests over a few connections that stay open, and every answer kept for the check."""

from __future__ import annotations

import itertools
import re
import select
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CONNECTIONS = 8
PHASE_SECONDS = 120.0
READ_BYTES = 65536
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """One response as it came."""

    status: int
    head: bytes
    body: bytes
    seconds: float

    def header(self, name: str) -> str | None:
        """Return the first header of this name."""
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)\r\n", self.head, re.IGNORECASE)
        return None if found is None else found.group(1).decode("latin-1")

    def cookies(self) -> dict[str, str]:
        """Return every cookie that was set."""
        found = re.findall(rb"\r\nset-cookie: *([^=\r]+)=([^;\r]*)", self.head, re.IGNORECASE)
        return {name.decode(): value.decode() for name, value in found}


@dataclass(slots=True)
class _Connection:
    """A connection, the request that it carries, and what has come back of the answer."""

    socket: socket.socket
    number: int = -1
    began: float = 0.0
    received: bytes = b""


def get(path: str, *, host: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a GET request as bytes."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path: str, *, host: str, form: Mapping[str, str] | bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a POST request as bytes: of a form, or of JSON where `form` is bytes."""
    kind = "application/json" if isinstance(form, bytes) else "application/x-www-form-urlencoded"
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def ask(requests: Sequence[bytes], *, port: int, connections: int = CONNECTIONS) -> list[Answer]:
    """Send all requests, `connections` at a time, and return their answers in order.

    Raises:
        RuntimeError: an answer that cannot be read, a connection that was closed, or too long a wait.
    """
    answers: list[Answer | None] = [None] * len(requests)
    waiting = iter(range(len(requests)))
    poll = select.epoll()
    open_ones: dict[int, _Connection] = {}
    deadline = time.perf_counter() + PHASE_SECONDS
    try:
        for number in itertools.islice(waiting, connections):
            connection = _Connection(socket.create_connection(("127.0.0.1", port), timeout=10))
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_ones[connection.socket.fileno()] = connection
            poll.register(connection.socket, select.EPOLLIN)
            _send(connection, requests[number], number)
        left = len(requests)
        while left:
            if time.perf_counter() > deadline:
                raise RuntimeError("the answers took too long")
            for connection, answer in _answered(poll, open_ones):
                answers[connection.number] = answer
                left -= 1
                _send_next(connection, requests, waiting)
    finally:
        for connection in open_ones.values():
            connection.socket.close()
        poll.close()
    return [answer for answer in answers if answer is not None]


def _answered(poll: select.epoll, open_ones: Mapping[int, _Connection]) -> Iterator[tuple[_Connection, Answer]]:
    """Wait for whatever comes, and give each answer that is whole with its connection."""
    for descriptor, _ in poll.poll(5):
        answer = _receive(open_ones[descriptor])
        if answer is not None:
            yield open_ones[descriptor], answer


def _send(connection: _Connection, request: bytes, number: int) -> None:
    connection.number, connection.received = number, b""
    connection.began = time.perf_counter()
    connection.socket.sendall(request)


def _send_next(connection: _Connection, requests: Sequence[bytes], waiting: Iterator[int]) -> None:
    for number in itertools.islice(waiting, 1):
        _send(connection, requests[number], number)


def _receive(connection: _Connection) -> Answer | None:
    """Read what is there; return the answer once it is whole."""
    part = connection.socket.recv(READ_BYTES)
    if not part:
        raise RuntimeError("the server closed a connection that was to stay open")
    received = connection.received = connection.received + part
    head, end, body = received.partition(END)
    if not end:
        return None
    status = int(head[9:12])
    found = LENGTH.search(head + b"\r\n")
    if found is None and status not in {204, 304}:
        raise RuntimeError(f"an answer without its length: {head!r}")
    if found is not None and len(body) < int(found.group(1)):
        return None
    return Answer(status, head + b"\r\n", body, time.perf_counter() - connection.began)
