"""What expires by itself: the steps of one wave of commands to Redis or Valkey, and the port that runs them.

A room describes what it needs as a sequence of steps; `Ephemeral.wave` sends all of them in one round trip (in a
cluster: writes to every node before it reads any answer) and returns one reply per step, in order.

Keys carry a hash tag where two of them must live together. Values are bytes; what is personal in them is sealed
by the room that writes it. Losing everything here costs citizens a new login and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Read:
    """Look at a value. Reply: `bytes | None`."""

    key: str


@dataclass(frozen=True, slots=True)
class Take:
    """Consume a one-time value atomically (GETDEL). Reply: `bytes | None`."""

    key: str


@dataclass(frozen=True, slots=True)
class Write:
    """Set a value that lives `seconds`. Reply: `None`."""

    key: str
    value: bytes
    seconds: int


@dataclass(frozen=True, slots=True)
class Replace:
    """Set a value only where one still is, so that what was ended stays ended. Reply: `bool`, replaced or not."""

    key: str
    value: bytes
    seconds: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Remove a value. Reply: `bool`, was there or not."""

    key: str


@dataclass(frozen=True, slots=True)
class Count:
    """Add one to a counter whose window of `seconds` starts at its first count. Reply: `int`, the new count."""

    key: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Mark something as used, once (SET NX). Reply: `Claimed`."""

    key: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to a `Claim`.

    `first` says that no mark was there. `since` is the instant (seconds since 1970) from which the memory is known
    to be whole: after a restart, a flush or a restored older file, marks from before are gone, so whoever relies
    on `first` also refuses what was issued at or before `since`.
    """

    first: bool
    since: float


Step = Read | Take | Write | Replace | Drop | Count | Claim


class Ephemeral(Protocol):
    """The port to Redis or Valkey; `idp/storage/redis` implements it."""

    def wave(self, *steps: Step) -> list[Any]:
        """Run all steps in one round trip and return their replies in order.

        Raises:
            TemporarilyUnavailable: no answer in time; nothing may be assumed about what was done.
        """
        ...
