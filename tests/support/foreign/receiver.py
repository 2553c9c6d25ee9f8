"""A server of somebody else on this machine: answers by path as it is told, well or badly, and keeps what came in."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import orjson

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    Behaviour = Callable[[socket.socket], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def says(
    body: bytes, *, status: str = "200 OK", kind: str = "application/json", headers: tuple[str, ...] = ()
) -> Behaviour:
    """Answer well: a body of a kind, with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return lambda connection: connection.sendall("\r\n".join(lines).encode() + body)


def says_json(value: object, *headers: str) -> Behaviour:
    """Answer well with JSON."""
    return says(orjson.dumps(value), headers=headers)


class Receiver:
    """Listens on 127.0.0.1; `answers` maps a path to what is done with the connection, changed at any time."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, **answers: Behaviour) -> None:
        self.answers: dict[str, Behaviour] = {f"/{name}": answer for name, answer in answers.items()}
        self.asked: list[Asked] = []
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        """Return the address of a path."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def drips(self, byte: bytes, *, after: bytes = b"") -> Behaviour:
        """Send one byte after the other for ever, slowly."""

        def drip(connection: socket.socket) -> None:
            connection.sendall(after)
            while not self._closing.wait(0.02):
                connection.sendall(byte)

        return drip

    def pours(self, head: bytes, piece: bytes) -> Behaviour:
        """Send a head, and then the same piece for ever, as fast as it is taken."""

        def pour(connection: socket.socket) -> None:
            connection.sendall(head)
            while not self._closing.is_set():
                connection.sendall(piece)

        return pour

    def is_silent(self) -> Behaviour:
        """Take the request and say nothing."""

        def wait(_: socket.socket) -> None:
            self._closing.wait(30)

        return wait

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), plain:
            plain.settimeout(10)
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                asked = _read(connection)
                self.asked.append(asked)
                self.answers.get(asked.path, says(b"", status="404 Not Found"))(connection)


def _read(connection: socket.socket) -> Asked:
    with connection.makefile("rb") as reading:
        method, path, _ = reading.readline().decode().split()
        headers: dict[str, str] = {}
        while line := reading.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Asked(method, path, headers, reading.read(int(headers.get("content-length", "0"))))
