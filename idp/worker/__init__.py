"""JOBS: what runs in the background, and how often. Each job may run twice at once, on two machines, without harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.worker import cleaning, delivery, rotation

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.worker.parts import Parts


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its name in logs and metrics, the seconds between two runs, and what it does."""

    name: str
    every_seconds: float
    run: Callable[[Parts], object]


JOBS: tuple[Job, ...] = (
    Job("rotation", 2, rotation.rotate_keys),
    Job("delivery", 0.5, delivery.deliver),
    Job("outbox", 15, delivery.count_waiting),
    Job("cleaning", 3600, cleaning.clear_expired),
)
