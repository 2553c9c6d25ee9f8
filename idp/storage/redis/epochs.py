"""Epochs: from which instant the marks of a server are known to be whole.

A replay mark proves that something was not seen before only as long as no mark was lost. Marks are spread over
`BUCKETS` hash tags, and beside the marks of a bucket, in the same slot and so on the same server, lies its epoch:
an instant and the `run_id` of the server process that held the bucket at that instant.

- After FLUSHALL the epoch is gone with the marks.
- After a restart, a restored older file, a failover to a replica or the migration of a slot, the epoch names another
  `run_id` than the server that answers.

In both cases the instant is no longer good: whoever notices takes its own present instant, later than the loss,
and writes a new epoch for every bucket of that server. Every new connection looks first, so after a restart the
epochs are new before anybody claims anything. What remains, because no epoch can show it: a server that loses
single keys while it runs (eviction, hence `noeviction`; an operator's DEL), and two losses within one round trip.

Clocks of the machines that run Sen must agree as well as token lifetimes need it anyway.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import structlog
from redis.exceptions import AskError
from redis.exceptions import ConnectionError as ServerAwayError

from idp import clock
from idp.storage.redis.commands import command

BUCKETS = 16
EPOCH_KEYS = tuple(f"{{r{bucket}}}:epoch" for bucket in range(BUCKETS))
ASK_EPOCHS = tuple(command(("GET", key)) for key in EPOCH_KEYS)
INTRODUCTION = b"".join((command(("INFO", "server")), *ASK_EPOCHS))
RUN_ID = re.compile(rb"^run_id:([0-9a-f]{40})\r?$", re.MULTILINE)


class Asks(Protocol):
    """A connection, as far as this needs one."""

    def ask(self, packed: bytes, *, replies: int) -> list[Any]:
        """Send commands and return their replies, errors among them."""
        ...


def introduce(link: Asks, *, server_name: str) -> bytes:
    """Learn who answers on a new connection, and renew the epochs there that are missing or another server's.

    Returns the server's `run_id`. Of a cluster's node, the buckets that live elsewhere answer MOVED and are left.
    """
    info, *epochs = link.ask(INTRODUCTION, replies=1 + BUCKETS)
    found = RUN_ID.search(info) if isinstance(info, bytes) else None
    if found is None:
        raise ServerAwayError(f"it does not say who it is: {info!r:.80}")
    run_id = found.group(1)
    here = [
        (key, reply)
        for key, reply in zip(EPOCH_KEYS, epochs, strict=True)
        if not isinstance(reply, AskError) and not (isinstance(reply, bytes) and reply.endswith(run_id))
    ]
    if here:
        _renew(link, here, run_id=run_id)
        structlog.get_logger().warning("ephemeral_memory_is_new", server=server_name, buckets=len(here))
    return run_id


def _renew(link: Asks, here: list[tuple[str, Any]], *, run_id: bytes) -> None:
    """Write new epochs.

    An epoch that names another server is deleted in a round trip of its own: the instant that replaces it must be
    later than the deletion, and SET NX never puts an older instant over a newer one.
    """
    old = [command(("DEL", key)) for key, reply in here if reply is not None]
    if old:
        link.ask(b"".join(old), replies=len(old))
    epoch = b"%.6f %s" % (clock.now().timestamp(), run_id)
    new = [command(("SET", key, epoch, "NX")) for key, _ in here]
    link.ask(b"".join(new), replies=len(new))
