"""One server and our open connections to it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as ServerAwayError
from redis.exceptions import RedisError

from idp.storage.redis.breaker import Breaker
from idp.storage.redis.link import Link

if TYPE_CHECKING:
    from idp.storage.redis.address import Address, Timeouts

IDLE_LINKS = 64

# A payload of this size leaves in one write to the socket, whole or not at all: when that write fails, nothing has
# been done, and it may be sent again. Of a longer one, a part may have arrived and been done.
WHOLE_OR_NOTHING_BYTES = 16_384


class Node:
    """A server by its address. Used by many threads of one process; the list of idle links is its only pool."""

    __slots__ = ("_breaker", "_idle", "_timeouts", "address")

    def __init__(self, address: Address, timeouts: Timeouts) -> None:
        self.address = address
        self._timeouts = timeouts
        self._breaker = Breaker()
        self._idle: list[Link] = []

    @property
    def is_calm(self) -> bool:
        """Whether the last thing heard from it was an answer."""
        return self._breaker.is_calm

    def send(self, payload: bytes) -> Link:
        """Send packed commands and return the link on which the replies will come: hand it to `read` or `abandon`.

        Links that broke while idle are thrown away before anything is sent on them. One that breaks in the very
        write is replaced once.

        Raises:
            redis.exceptions.RedisError: the server is away, or rests after failures.
        """
        self._breaker.admit()
        try:
            link = self._idle_link()
            if link is not None:
                try:
                    link.send(payload)
                except ServerAwayError:
                    if len(payload) > WHOLE_OR_NOTHING_BYTES:
                        raise
                else:
                    return link
            link = Link.open(self.address, self._timeouts)
            link.send(payload)
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
        self._breaker.answered()
        if link.is_demoted:  # it is a replica by now: connect anew, wherever the address leads today
            link.close()
            self.close()
        else:
            self._keep(link)
        return found

    def abandon(self, link: Link) -> None:
        """Close a link whose replies nobody will read."""
        link.close()

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
