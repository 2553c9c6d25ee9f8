"""The port to what expires by itself, on Redis or Valkey from version 7.0 on; nothing here is younger than that."""

from __future__ import annotations

import os
from binascii import crc_hqx
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import RedisError

from idp import clock
from idp.ephemeral import Claim, Claimed, Count, Drop, Read, Replace, Step, Take, Write
from idp.errors import TemporarilyUnavailable
from idp.storage.redis.address import Timeouts, read_address
from idp.storage.redis.cluster import Cluster
from idp.storage.redis.commands import Packed, command
from idp.storage.redis.epochs import BUCKETS, EPOCH_KEYS
from idp.storage.redis.node import Alone

if TYPE_CHECKING:
    from collections.abc import Callable

AWAY = "A store does not answer; please try again."


def epoch_in(reply: Any, *, run_id: bytes) -> float | None:
    """Return the instant of an epoch as it was read, or None when it is missing or not of the server `run_id`."""
    if run_id and type(reply) is bytes and reply.endswith(run_id):
        return float(reply[: -len(run_id)])
    return None


def _read(step: Read) -> Packed:
    return Packed(step.key, (command(("GET", step.key)),))


def _take(step: Take) -> Packed:
    return Packed(step.key, (command(("GETDEL", step.key)),))


def _write(step: Write) -> Packed:
    lifetime = _lifetime(step.seconds)
    return Packed(step.key, (command(("SET", step.key, step.value, "EX", lifetime)),))


def _replace(step: Replace) -> Packed:
    lifetime = _lifetime(step.seconds)
    return Packed(step.key, (command(("SET", step.key, step.value, "XX", "EX", lifetime)),))


def _drop(step: Drop) -> Packed:
    return Packed(step.key, (command(("DEL", step.key)),))


def _count(step: Count) -> Packed:
    """Count, then start the window where none runs yet.

    A connection lost between the two leaves a counter without an end until the next count, which sets it: the
    window then ends later, never sooner.
    """
    window = ("EXPIRE", step.key, _lifetime(step.seconds), "NX")
    return Packed(step.key, (command(("INCR", step.key)), command(window)))


def _claim(step: Claim) -> Packed:
    """Mark first, then look at the epoch: a flush between the two shows up as a missing epoch."""
    bucket = crc_hqx(step.key.encode(), 0) % BUCKETS
    key = f"{{r{bucket}}}:{step.key}"
    mark = ("SET", key, b"1", "NX", "EX", _lifetime(step.seconds))
    return Packed(key, (command(mark), command(("GET", EPOCH_KEYS[bucket]))))


def _lifetime(seconds: int) -> int:
    """Refuse a lifetime that the server would refuse: it is a mistake of the caller and not the server's absence."""
    if seconds < 1:
        raise ValueError(f"a value must live at least one second, not {seconds}")
    return seconds


def _as_it_is(replies: list[Any], _run_id: bytes) -> bytes | None:
    value: bytes | None = replies[0]
    return value


def _nothing(_replies: list[Any], _run_id: bytes) -> None:
    return None


def _was_set(replies: list[Any], _run_id: bytes) -> bool:
    return replies[0] is not None


def _was_there(replies: list[Any], _run_id: bytes) -> bool:
    return bool(replies[0])


def _counted(replies: list[Any], _run_id: bytes) -> int:
    count: int = replies[0]
    return count


def _claimed(replies: list[Any], run_id: bytes) -> Claimed:
    since = epoch_in(replies[1], run_id=run_id)
    return Claimed(
        first=replies[0] is not None,
        since=clock.now().timestamp() if since is None else since,
    )


class Wire(NamedTuple):
    """How a step is sent and how its replies are read; the second argument of `answer` is the server's `run_id`."""

    pack: Callable[[Any], Packed]
    answer: Callable[[list[Any], bytes], Any]


STEPS: dict[type[Step], Wire] = {
    Read: Wire(_read, _as_it_is),
    Take: Wire(_take, _as_it_is),
    Write: Wire(_write, _nothing),
    Replace: Wire(_replace, _was_set),
    Drop: Wire(_drop, _was_there),
    Count: Wire(_count, _counted),
    Claim: Wire(_claim, _claimed),
}


class RedisEphemeral:
    """Runs waves on one server or on a cluster, from any number of threads, and implements `idp.ephemeral.Ephemeral`.

    Takes an address (its forms: `idp/storage/redis/address.py`). Nothing is connected before the first wave, and
    a process that was forked connects anew. The server needs `maxmemory-policy noeviction`.

    A dead or hung server costs less than a second, and after three failures in a row nothing until it is back.
    Only what was certainly not done is ever sent again: on a connection that broke while idle or in the write
    itself, or in a cluster where the answer was MOVED or ASK.

    What is guaranteed when the server forgets:

    - `Claim`: `since` is never earlier than the last loss (`idp/storage/redis/epochs.py`); it may be later.
    - `Count`: a counter survives what the server's append-only file survives (with `everysec`, all but the last
      second) and never ends before its window. After FLUSHALL or a failover it may begin anew. A room to which
      that matters puts a `Claim` into the same wave and treats a `since` younger than its window as a count
      that is not whole; the log says `ephemeral_memory_is_new` once for each server that forgot.
    - Marks live in a namespace of their own: `Read`, `Take`, `Drop` and the others never touch what was claimed.
    """

    __slots__ = ("_connected", "_place", "_timeouts")

    def __init__(self, url: str, *, connect_seconds: float = 0.2, answer_seconds: float = 0.4) -> None:
        self._place = read_address(url)
        self._timeouts = Timeouts(connect=connect_seconds, answer=answer_seconds)
        self._connected: tuple[int, Alone | Cluster] | None = None

    def wave(self, *steps: Step) -> list[Any]:
        """Run all steps in one round trip and return their replies in order.

        Raises:
            TemporarilyUnavailable: no answer in time, or the server refused (out of memory, read-only, a key of
                the wrong type); nothing may be assumed about what was done.
            ValueError: a lifetime shorter than one second; nothing was sent.
        """
        if not steps:
            return []
        packed = [STEPS[type(step)].pack(step) for step in steps]
        servers = self._servers()
        try:
            heard = servers.run(packed)
        except (RedisError, OSError) as broken:
            raise TemporarilyUnavailable(AWAY, detail=f"{type(broken).__name__}: {broken}") from broken
        answers = []
        for step, sent, (replies, run_id) in zip(steps, packed, heard, strict=True):
            _require_no_refusal(step, replies)
            answers.append(STEPS[type(step)].answer(replies, run_id))
            if type(step) is Claim and epoch_in(replies[1], run_id=run_id) is None:
                servers.renew_epochs(sent.key)  # so that only this one claim pays for what was lost
        return answers

    def ping(self) -> None:
        """Return when every server answers.

        Raises:
            TemporarilyUnavailable: one does not.
        """
        try:
            self._servers().ping()
        except (RedisError, OSError) as broken:
            raise TemporarilyUnavailable(AWAY, detail=f"{type(broken).__name__}: {broken}") from broken

    def close(self) -> None:
        """Close the idle connections of this process; a later wave would open new ones."""
        connected, self._connected = self._connected, None
        if connected is not None and connected[0] == os.getpid():
            connected[1].close()

    def _servers(self) -> Alone | Cluster:
        """Return this process's own connections: two processes must never share one."""
        pid = os.getpid()
        connected = self._connected
        if connected is None or connected[0] != pid:
            kind = Cluster if self._place.is_cluster else Alone
            connected = self._connected = (pid, kind(self._place, self._timeouts))
        return connected[1]


def _require_no_refusal(step: Step, replies: list[Any]) -> None:
    """Fail closed on an error reply."""
    for reply in replies:
        if isinstance(reply, RedisError):
            detail = f"{type(step).__name__} was refused: {type(reply).__name__}: {reply}"
            raise TemporarilyUnavailable(AWAY, detail=detail) from reply
