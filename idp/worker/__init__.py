"""JOBS: what runs in the background, and how often. Each job may run twice at once, on two machines, without harm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from idp import clock
from keys import rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idp.worker.parts import Parts
    from keys import Move

KEPT = timedelta(days=30)
"""For how long somebody may still ask about what has expired."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its name in logs and metrics, the seconds between two runs, and what it does."""

    name: str
    every_seconds: float
    run: Callable[[Parts], object]


def _rotate_keys(parts: Parts) -> tuple[Move, ...]:
    """Take every step of a signing key's life that is due, and return those taken."""
    return rotate(store=parts.key_store, custodians=parts.custodians, settings=parts.ring_settings, now=clock.now)


def _deliver(parts: Parts) -> int:
    """Send out what is due in the outbox; return how many were started. Nothing is waited for."""
    return parts.courier.send_out()


def _count_waiting(parts: Parts) -> None:
    """Tell the counters how many deliveries wait."""
    parts.courier.measure()


def _clear_expired(parts: Parts) -> Mapping[str, int]:
    """Remove what expired more than `KEPT` ago; return how many rows of which table."""
    return parts.housekeeping.clear_expired(before=clock.now() - KEPT)


JOBS: tuple[Job, ...] = (
    Job("rotation", 2, _rotate_keys),
    Job("delivery", 0.5, _deliver),
    Job("outbox", 15, _count_waiting),
    Job("cleaning", 3600, _clear_expired),
)
