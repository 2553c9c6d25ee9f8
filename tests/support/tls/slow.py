"""A crowd of clients that hold a front's connections and send it a byte now and then."""

from __future__ import annotations

import resource
import socket
import ssl
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = 4096
PATIENCE_SECONDS = 60
HELLO = b"\x16\x03\x01\x02\x00\x01\x00"  # TLS: the beginning of a first message of 512 bytes
HEAD = b"GET /login HTTP/1.1\r\nHost: "
BODY = b"POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: 60000\r\n\r\n"


@contextmanager
def room_for_many() -> Iterator[None]:
    """Let this process hold a few thousand sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass
class Crowd:
    """Clients of the front on a port of this machine, each kind from an address of its own choice."""

    port: int
    context: ssl.SSLContext
    stack: ExitStack
    held: list[socket.socket] = field(default_factory=list)

    @classmethod
    @contextmanager
    def at(cls, *, port: int, authority: Path) -> Iterator[Crowd]:
        """Give an empty crowd, and send it home."""
        with room_for_many(), ExitStack() as stack:
            yield cls(port, ssl.create_default_context(cafile=authority), stack)

    def is_heard(self) -> bool:
        """Tell whether the front is there, and nobody else."""
        try:
            with self._secured("127.0.0.1"):
                return True
        except OSError:
            return False

    def shakes_hands_halfway(self, many: int, *, address: str) -> None:
        """Begin that many TLS handshakes."""
        for _ in range(many):
            connection = self._connects(address)
            connection.sendall(HELLO)
            self.held.append(connection)

    def begins_requests(self, many: int, *, address: str) -> None:
        """Begin that many heads of requests."""
        self._speaks(HEAD, many, address=address)

    def begins_bodies(self, many: int, *, address: str) -> None:
        """Send that many heads, each of which promises a body."""
        self._speaks(BODY % f"localhost:{self.port}".encode(), many, address=address)

    def goes_on(self) -> None:
        """Let each send one byte more; who was sent away by then stays away."""
        for connection in self.held:
            with suppress(OSError):
                connection.sendall(b"a")

    def asks(self, text: bytes, *, address: str) -> bytes:
        """Send whole requests at once on a new connection, the last of which closes it; return all the answers.

        What comes before the front hangs up counts, though it may hang up before everything was sent.
        """
        received = b""
        with self._secured(address) as connection:
            with suppress(OSError):
                connection.sendall(text)
            with suppress(OSError):
                while more := connection.recv(1 << 16):
                    received += more
        return received

    def _speaks(self, text: bytes, many: int, *, address: str) -> None:
        for _ in range(many):
            connection = self.stack.enter_context(self._secured(address))
            connection.sendall(text)
            self.held.append(connection)

    def _connects(self, address: str) -> socket.socket:
        front = ("127.0.0.1", self.port)
        return self.stack.enter_context(socket.create_connection(front, PATIENCE_SECONDS, (address, 0)))

    def _secured(self, address: str) -> ssl.SSLSocket:
        return self.context.wrap_socket(self._connects(address), server_hostname="localhost")
