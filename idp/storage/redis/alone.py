"""A wave to one server: everything in one write, then every reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError as ServerAwayError

from idp.storage.redis.commands import command
from idp.storage.redis.node import Node
from idp.storage.redis.wire import Heard, Packed

if TYPE_CHECKING:
    from idp.storage.redis.address import Place, Timeouts

PING = command(("PING",))


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
