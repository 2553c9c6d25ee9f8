"""Every step of a wave as commands, and every reply as an answer. Nothing here is younger than Redis 7.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from idp import clock
from idp.ephemeral import Claim, Claimed, Count, Drop, Read, Replace, Step, Take, Write
from idp.storage.redis.commands import command
from idp.storage.redis.epochs import EPOCH_KEYS, bucket_of, epoch_in

if TYPE_CHECKING:
    from collections.abc import Callable


class Packed(NamedTuple):
    """A step ready to be sent: the key that decides the slot, and its commands, packed, all of that slot."""

    key: str
    commands: tuple[bytes, ...]


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
    bucket = bucket_of(step.key)
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


class Heard(NamedTuple):
    """The replies to one step, and the `run_id` of the server that gave them: empty when two servers did."""

    replies: list[Any]
    run_id: bytes
