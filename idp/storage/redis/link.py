"""One open connection to one server: bytes out, replies in."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from idp.storage.redis.epochs import introduce

if TYPE_CHECKING:
    from idp.storage.redis.address import Address, Timeouts


class RedisConnection(Protocol):
    """What we use of redis-py's connections, most of which it leaves untyped."""

    def connect(self) -> None:
        """Connect and authenticate."""

    def can_read(self, timeout: float) -> bool:
        """Whether anything lies there to be read; raises when the connection is closed."""

    def send_packed_command(self, command: tuple[bytes, ...], *, check_health: bool) -> None:
        """Send bytes."""

    def read_response(self) -> Any:
        """Read one reply; raises it when it is an error."""

    def disconnect(self) -> None:
        """Close."""


class Link:
    """A connection of redis-py, used without its commands and pipelines, which cost several times the round trip."""

    __slots__ = ("_connection", "is_demoted", "run_id")

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self.run_id = b""
        self.is_demoted = False

    @classmethod
    def open(cls, address: Address, timeouts: Timeouts) -> Link:
        """Connect, authenticate and learn which server process answers.

        Raises:
            redis.exceptions.RedisError: it does not answer in time, or not as it should.
        """
        link = cls(address.connection(timeouts))
        try:
            link._connection.connect()
            link.run_id = introduce(link, server_name=address.name)
        except BaseException:
            link.close()
            raise
        return link

    def is_ready(self) -> bool:
        """Whether the connection is still open and nothing unread lies on it; sends nothing."""
        try:
            return not self._connection.can_read(0)
        except (RedisError, OSError):
            return False

    def send(self, payload: bytes) -> None:
        """Send packed commands."""
        self._connection.send_packed_command((payload,), check_health=False)

    def read(self, *, replies: int) -> list[Any]:
        """Read so many replies; an error reply stands in the list as an exception, so that none is left unread."""
        read_response = self._connection.read_response
        found: list[Any] = []
        for _ in range(replies):
            try:
                found.append(read_response())
            except ResponseError as refusal:
                found.append(refusal)
                self.is_demoted |= isinstance(refusal, ReadOnlyError)
        return found

    def ask(self, payload: bytes, *, replies: int) -> list[Any]:
        """Send packed commands and read their replies."""
        self.send(payload)
        return self.read(replies=replies)

    def close(self) -> None:
        """Close; what was sent and not read may or may not have been done."""
        with contextlib.suppress(RedisError, OSError):
            self._connection.disconnect()
