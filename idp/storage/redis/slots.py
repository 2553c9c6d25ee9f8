"""The map of a cluster: which node holds which slot."""

from __future__ import annotations

import threading
from binascii import crc_hqx
from time import monotonic
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as ServerAwayError
from redis.exceptions import RedisError, ResponseError

from idp.storage.redis.commands import command
from idp.storage.redis.node import Node

if TYPE_CHECKING:
    from idp.storage.redis.address import Place, Timeouts

SLOTS = 16_384
CLUSTER_SLOTS = command(("CLUSTER", "SLOTS"))
SEARCH_SECONDS = 0.3
PAUSE_SECONDS = 0.2
NO_MAP = "no node of the cluster gives the map of its slots"


def slot_of(key: str) -> int:
    """Return the slot of a key: of what stands between its first braces, if anything does, else of all of it."""
    start = key.find("{")
    if start >= 0:
        end = key.find("}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key.encode(), 0) % SLOTS


class SlotMap:
    """Knows the nodes, asks them for the map, and learns from a node that says MOVED."""

    __slots__ = (
        "_asking",
        "_failed_searches",
        "_is_doubtful",
        "_is_known",
        "_next_look",
        "_nodes",
        "_seeds",
        "_slots",
        "_timeouts",
    )

    def __init__(self, place: Place, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._seeds = tuple(Node(address, timeouts) for address in place.addresses)
        self._nodes = {node.address.name: node for node in self._seeds}
        self._slots: list[Node | None] = [None] * SLOTS
        self._is_known = False
        self._is_doubtful = True
        self._next_look = 0.0
        self._asking = threading.Lock()
        self._failed_searches = 0

    def node_of(self, slot: int) -> Node:
        """Return who holds a slot, as far as is known; where nobody does, the map is looked at again."""
        node = self._slots[slot]
        if node is None:
            self._is_doubtful = True
            raise ServerAwayError(f"no node holds slot {slot}")
        return node

    def node_at(self, host: str, port: int, *, named_by: Node) -> Node:
        """Return the node at an address that another node named; an empty host is that of the node itself."""
        address = named_by.address.elsewhere(host=host, port=port)
        return self._nodes.setdefault(address.name, Node(address, self._timeouts))

    def moved(self, slot: int, node: Node) -> None:
        """Note what a node said about one slot; the rest of the map is looked at again."""
        self._slots[slot] = node
        self._is_doubtful = True

    def doubt(self) -> None:
        """Note that a node did not answer, so that the map is looked at again."""
        self._is_doubtful = True

    def nodes(self) -> list[Node]:
        """Return every node that holds a slot."""
        return [node for node in dict.fromkeys(self._slots) if node is not None]

    def look(self) -> None:
        """Ask for the map again if it is in doubt: one thread does, the others go on with what is known.

        While nothing is known they wait for that thread, as long as it takes, and share what it finds.

        Raises:
            redis.exceptions.ConnectionError: there is no map yet and nobody gives one, or the doubtful one could
                not be confirmed by anybody.
        """
        if self._is_known and (not self._is_doubtful or monotonic() < self._next_look):
            return
        failed_searches = self._failed_searches
        if not self._asking.acquire(blocking=not self._is_known):
            return
        try:
            if not self._is_known and self._failed_searches > failed_searches:
                raise ServerAwayError(NO_MAP)
            if self._is_doubtful or not self._is_known:
                self._search()
        finally:
            self._asking.release()

    def close(self) -> None:
        """Close every idle link to every node."""
        for node in list(self._nodes.values()):
            node.close()

    def _search(self) -> None:
        """Ask one node after the other, those first that answered last, until one gives the map."""
        self._is_doubtful = False
        deadline = monotonic() + SEARCH_SECONDS
        known = dict.fromkeys((*self.nodes(), *self._seeds))
        for node in sorted(known, key=lambda node: not node.is_calm):
            try:
                (ranges,) = node.ask(CLUSTER_SLOTS, replies=1)
            except RedisError:
                ranges = None
            if ranges and not isinstance(ranges, ResponseError):
                self._slots = self._read(ranges, node)
                self._is_known = True
                self._next_look = monotonic() + PAUSE_SECONDS
                return
            if monotonic() > deadline:
                break
        self._is_doubtful = True
        self._failed_searches += 1
        raise ServerAwayError(NO_MAP)

    def _read(self, ranges: list[Any], asked: Node) -> list[Node | None]:
        """Read the reply to CLUSTER SLOTS: first slot, last slot, the node that holds them, its replicas."""
        slots: list[Node | None] = [None] * SLOTS
        for first, last, (host, port, *_), *_ in ranges:
            node = self.node_at((host or b"").decode(), port, named_by=asked)
            slots[first : last + 1] = [node] * (last + 1 - first)
        return slots
