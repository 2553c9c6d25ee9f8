"""One server: the packed steps of a wave go out in one write, and every reply comes back.

Links, the list of idle ones and the wave to a server alone stand in one file: the innermost part of every request.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

import hiredis
from redis._parsers.hiredis import _HiredisParser
from redis.exceptions import ConnectionError as ServerAwayError
from redis.exceptions import InvalidResponse, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as ServerTooSlowError

from idp.storage.redis.breaker import Breaker
from idp.storage.redis.commands import Heard, command
from idp.storage.redis.epochs import introduce

if TYPE_CHECKING:
    from idp.storage.redis.address import Address, Place, RedisConnection, Timeouts
    from idp.storage.redis.commands import Packed

PING = command(("PING",))
IDLE_LINKS = 64
READ_BYTES = 16_384
LOOK = socket.MSG_PEEK | socket.MSG_DONTWAIT
MICRO = 1_000_000
PATIENCE_SECONDS = 0.2

WHOLE_OR_NOTHING_BYTES = 16_384  # leaves in one write: when that fails, nothing was done, and it may be sent again


class Link:
    """A connection that redis-py opened, used without its commands, parsers and pipelines.

    They cost several times the round trip. A plain socket blocks with a time limit that the system itself keeps: one
    call to it where a timeout of Python's makes two.
    """

    __slots__ = ("_buffer", "_connection", "_reader", "_socket", "is_demoted", "run_id")

    def __init__(self, connection: RedisConnection, *, answer_seconds: float) -> None:
        """Take over a connection that is open and has nothing on its way."""
        self._connection = connection
        self._socket: socket.socket = connection._sock  # noqa: SLF001  redis-py has no public way to it
        self._buffer = bytearray(READ_BYTES)
        self._reader = hiredis.Reader(protocolError=InvalidResponse, replyError=_HiredisParser.parse_error)
        self.run_id = b""
        self.is_demoted = False
        if type(self._socket) is socket.socket:
            limit = struct.pack("ll", *divmod(int(answer_seconds * MICRO), MICRO))
            self._socket.settimeout(None)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    @classmethod
    def open(cls, address: Address, timeouts: Timeouts) -> Link:
        """Connect, authenticate and learn which server process answers.

        Raises:
            redis.exceptions.RedisError: it does not answer in time, or not as it should.
        """
        connection: RedisConnection = address.connection(timeouts)
        try:
            connection.connect()
            link = cls(connection, answer_seconds=timeouts.answer)
            link.run_id = introduce(link, server_name=address.name)
        except BaseException:
            _disconnect(connection)
            raise
        return link

    def is_ready(self) -> bool:
        """Whether the connection is still open and nothing unread lies on it; sends nothing."""
        try:
            if type(self._socket) is not socket.socket:  # TLS has no such flags
                return not self._connection.can_read(0)
            self._socket.recv(1, LOOK)
        except BlockingIOError:
            return True
        except (RedisError, OSError):
            return False
        return False

    def send(self, payload: bytes) -> None:
        """Send packed commands."""
        try:
            self._socket.sendall(payload)
        except OSError as broken:
            raise ServerAwayError(f"not written: {broken!r}") from broken

    def read(self, *, replies: int) -> list[Any]:
        """Read so many replies; an error reply stands in the list as an exception, so that none is left unread."""
        gets = self._reader.gets
        found: list[Any] = []
        while len(found) < replies:
            reply = gets()
            if reply is False:
                self._receive()
                continue
            if isinstance(reply, Exception):
                if isinstance(reply, ServerAwayError):  # it is still reading its files, or at its limit of clients
                    raise reply
                self.is_demoted |= isinstance(reply, ReadOnlyError)
            found.append(reply)
        return found

    def ask(self, payload: bytes, *, replies: int) -> list[Any]:
        """Send packed commands and read their replies."""
        self.send(payload)
        return self.read(replies=replies)

    def close(self) -> None:
        """Close; what was sent and not read may or may not have been done."""
        _disconnect(self._connection)

    def _receive(self) -> None:
        """Wait for bytes and hand them to the reader of replies."""
        try:
            count = self._socket.recv_into(self._buffer)
        except (BlockingIOError, TimeoutError) as late:
            raise ServerTooSlowError("no answer in time") from late
        except OSError as broken:
            raise ServerAwayError(f"not read: {broken!r}") from broken
        if not count:
            raise ServerAwayError("closed by the server")
        self._reader.feed(self._buffer, 0, count)  # type: ignore[arg-type]  # its stub knows no buffers


def _disconnect(connection: RedisConnection) -> None:
    with contextlib.suppress(RedisError, OSError):
        connection.disconnect()


def _sent(link: Link, payload: bytes) -> bool:
    """Send on an idle link; False when it broke in the write and nothing of the payload can have been done."""
    try:
        link.send(payload)
    except ServerAwayError:
        if len(payload) > WHOLE_OR_NOTHING_BYTES:
            raise
        return False
    return True


class Node:
    """A server by its address. Used by many threads of one process; the list of idle links is its only pool.

    One thread at a time opens a link; who waited for its turn takes what came back meanwhile.
    """

    __slots__ = ("_breaker", "_idle", "_opening", "_timeouts", "address")

    def __init__(self, address: Address, timeouts: Timeouts) -> None:
        self.address = address
        self._timeouts = timeouts
        self._breaker = Breaker()
        self._idle: list[Link] = []
        self._opening = threading.Lock()

    @property
    def is_calm(self) -> bool:
        """Whether the last thing heard from it was an answer."""
        return not self._breaker.failures

    def send(self, payload: bytes) -> Link:
        """Send packed commands and return the link on which the replies will come: hand it to `read`, or close it.

        Links that broke while idle are thrown away before anything is sent on them. One that breaks in the very
        write is replaced once.

        Raises:
            redis.exceptions.RedisError: the server is away, or rests after failures.
        """
        if self._breaker.failures:
            self._breaker.admit()
        try:
            link = self._idle_link()
            if link is None or not _sent(link, payload):
                link = self._send_on_another(payload)
        except BaseException:
            self._breaker.failed()
            raise
        return link

    def read(self, link: Link, *, replies: int) -> list[Any]:
        """Read the replies and keep the link for the next caller.

        Raises:
            redis.exceptions.RedisError: no answer in time; what was sent may or may not have been done.
        """
        try:
            found = link.read(replies=replies)
        except BaseException:
            link.close()
            self._breaker.failed()
            raise
        if self._breaker.failures:
            self._breaker.answered()
        if link.is_demoted:  # it is a replica by now: connect anew, wherever the address leads today
            link.close()
            self.close()
        else:
            self._keep(link)
        return found

    def ask(self, payload: bytes, *, replies: int) -> list[Any]:
        """Send packed commands and read their replies."""
        return self.read(self.send(payload), replies=replies)

    def renew_epochs(self) -> None:
        """Open one new link, for a new link renews the epochs; if that fails, the next claim notices again."""
        with contextlib.suppress(RedisError, OSError):
            self._keep(Link.open(self.address, self._timeouts))

    def close(self) -> None:
        """Close every idle link."""
        while self._idle:
            self._idle.pop().close()

    def _send_on_another(self, payload: bytes) -> Link:
        """Send on a link that came back while others opened theirs, or on a new one.

        Waiting has no end of its own, for whoever opens has one: time that passes while the server answers the
        others says nothing against it. Only who has waited long, and then sees that the server failed, gives up.
        """
        began, failures = monotonic(), self._breaker.failures
        with self._opening:
            link = self._idle_link()
            if link is None:
                if self._breaker.failures > failures and monotonic() - began > PATIENCE_SECONDS:
                    raise ServerAwayError("not asked: it did not answer those who were before")
                link = Link.open(self.address, self._timeouts)
        link.send(payload)
        return link

    def _idle_link(self) -> Link | None:
        """Return an idle link that is still good."""
        while True:
            try:
                link = self._idle.pop()
            except IndexError:
                return None
            if link.is_ready():
                return link
            link.close()

    def _keep(self, link: Link) -> None:
        """Keep a link for the next caller, unless there are many already."""
        if len(self._idle) < IDLE_LINKS:
            self._idle.append(link)
        else:
            link.close()


class Alone:
    """The one server of an address."""

    __slots__ = ("_node",)

    def __init__(self, place: Place, timeouts: Timeouts) -> None:
        self._node = Node(place.addresses[0], timeouts)

    def run(self, packed: list[Packed]) -> list[Heard]:
        """Send all commands, read all replies, and return them step by step.

        Raises:
            redis.exceptions.RedisError: no answer in time.
        """
        commands = [command for step in packed for command in step.commands]
        link = self._node.send(b"".join(commands))
        replies = self._node.read(link, replies=len(commands))
        heard = []
        start = 0
        for step in packed:
            end = start + len(step.commands)
            heard.append(Heard(replies[start:end], link.run_id))
            start = end
        return heard

    def renew_epochs(self, _key: str) -> None:
        """Renew the epochs of the server."""
        self._node.renew_epochs()

    def ping(self) -> None:
        """Raise `redis.exceptions.RedisError` unless the server answers."""
        (reply,) = self._node.ask(PING, replies=1)
        if reply != b"PONG":
            raise ServerAwayError(f"PING was answered with {reply!r:.80}")

    def close(self) -> None:
        """Close every idle link."""
        self._node.close()
