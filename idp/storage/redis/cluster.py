"""A wave to a cluster: all nodes are written to before any answer is read, and what moved is sent after."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import AskError, ClusterDownError, MovedError, ReadOnlyError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as ServerAwayError

from idp.storage.redis.commands import Heard, Packed, command
from idp.storage.redis.node import PING
from idp.storage.redis.slots import SlotMap, slot_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from idp.storage.redis.address import Place, Timeouts
    from idp.storage.redis.node import Link, Node

ASKING = command(("ASKING",))
ROUNDS = 4
BUDGET_SECONDS = 0.1


class Order(NamedTuple):
    """One command of a wave: which step and which of its commands, and whether it follows an ASK."""

    step: int
    command: int
    payload: bytes
    is_asking: bool = False


class Cluster:
    """The nodes of a cluster. A command that was answered MOVED or ASK was not done, and only it is sent again."""

    __slots__ = ("_budget", "_map")

    def __init__(self, place: Place, timeouts: Timeouts) -> None:
        self._map = SlotMap(place, timeouts)
        self._budget = timeouts.answer + BUDGET_SECONDS

    def run(self, packed: list[Packed]) -> list[Heard]:
        """Send every command to the node of its slot, read all replies, and return them step by step.

        Raises:
            redis.exceptions.RedisError: some node gave no answer in time; others may have done their part.
        """
        self._map.look()
        replies: list[list[Any]] = [[None] * len(step.commands) for step in packed]
        run_ids: list[set[bytes]] = [set() for _ in packed]
        orders = self._first_orders(packed)
        for _ in range(ROUNDS):
            links = self._write_to_all(orders)
            again: dict[Node, list[Order]] = {}
            deadline = monotonic() + self._budget
            for node, link, order, reply in self._read_from_all(orders, links, deadline=deadline):
                if isinstance(reply, AskError):  # MovedError is one too
                    self._redirect(again, order, reply, node=node)
                else:
                    replies[order.step][order.command] = reply
                    run_ids[order.step].add(link.run_id)
            if not again:
                return [
                    Heard(reply, next(iter(ids)) if len(ids) == 1 else b"")
                    for reply, ids in zip(replies, run_ids, strict=True)
                ]
            orders = again
        raise ServerAwayError("the nodes of the cluster do not agree on who holds a slot")

    def renew_epochs(self, key: str) -> None:
        """Renew the epochs of the node that holds a key."""
        self._map.node_of(slot_of(key)).renew_epochs()

    def ping(self) -> None:
        """Raise `redis.exceptions.RedisError` unless every node that holds slots answers."""
        self._map.look()
        for node in self._map.nodes():
            try:
                (reply,) = node.ask(PING, replies=1)
            except RedisError:
                self._map.doubt()
                raise
            if reply != b"PONG":
                raise ServerAwayError(f"PING was answered with {reply!r:.80}")

    def close(self) -> None:
        """Close every idle link to every node."""
        self._map.close()

    def _first_orders(self, packed: list[Packed]) -> dict[Node, list[Order]]:
        """Sort the commands by the node that holds their slot."""
        orders: dict[Node, list[Order]] = {}
        for index, step in enumerate(packed):
            for_node = orders.setdefault(self._map.node_of(slot_of(step.key)), [])
            for_node.extend(Order(index, number, command) for number, command in enumerate(step.commands))
        return orders

    def _write_to_all(self, orders: dict[Node, list[Order]]) -> dict[Node, Link]:
        """Write to every node, and read nothing yet."""
        links: dict[Node, Link] = {}
        try:
            for node, for_node in orders.items():
                pieces = [ASKING + order.payload if order.is_asking else order.payload for order in for_node]
                links[node] = node.send(b"".join(pieces))
        except BaseException:
            self._give_up(links)
            raise
        return links

    def _read_from_all(
        self, orders: dict[Node, list[Order]], links: dict[Node, Link], *, deadline: float
    ) -> Iterable[tuple[Node, Link, Order, Any]]:
        """Read every reply of every node, and return each with what it answers."""
        found: list[tuple[Node, Link, Order, Any]] = []
        try:
            for node in list(links):
                _require_time(deadline, links[node])
                link = links.pop(node)
                expected = [order for order in orders[node] for _ in range(1 + order.is_asking)]
                replies = node.read(link, replies=len(expected))
                # Of two replies to one order, the first is the answer to ASKING: the later one counts.
                found.extend((node, link, *pair) for pair in dict(zip(expected, replies, strict=True)).items())
        except BaseException:
            self._give_up(links)
            raise
        if any(isinstance(reply, ClusterDownError | ReadOnlyError | TryAgainError) for *_, reply in found):
            self._map.doubt()
        return found

    def _give_up(self, links: dict[Node, Link]) -> None:
        """Close what was written to and not read: its answers must never be taken for those of another wave."""
        self._map.doubt()
        for link in links.values():
            link.close()

    def _redirect(self, again: dict[Node, list[Order]], order: Order, reply: AskError, *, node: Node) -> None:
        """Put a command on the list of the node that the answer names."""
        target = self._map.node_at(reply.host, int(reply.port), named_by=node)
        is_moved = isinstance(reply, MovedError)
        if is_moved:
            self._map.moved(int(reply.slot_id), target)
        redirected = Order(order.step, order.command, order.payload, is_asking=not is_moved)
        again.setdefault(target, []).append(redirected)


def _require_time(deadline: float, link: Link) -> None:
    """Raise when the time of all nodes together is over: each may be slow, but not one after the other.

    It runs from the last write on, and an answer that lies there came in time: only we were slow to look.
    """
    if monotonic() > deadline and link.is_ready():
        raise ServerAwayError("the nodes of the cluster did not answer in time")
