"""Packs commands into bytes as Redis reads them (RESP), and what goes out and comes back for one step of a wave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import hiredis

if TYPE_CHECKING:
    from collections.abc import Callable

# hiredis takes a tuple of any length; its own annotation allows one element alone.
command: Callable[[tuple[str | bytes | int, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]


class Packed(NamedTuple):
    """A step ready to be sent: the key that decides the slot, and its commands, packed, all of that slot."""

    key: str
    commands: tuple[bytes, ...]


class Heard(NamedTuple):
    """The replies to one step, and the `run_id` of the server that gave them: empty when two servers did."""

    replies: list[Any]
    run_id: bytes
