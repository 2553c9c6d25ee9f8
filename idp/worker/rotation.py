"""A job: moves signing keys through their lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import clock
from keys import rotate

if TYPE_CHECKING:
    from idp.worker.bench import Bench
    from keys import Move


def rotate_keys(bench: Bench) -> tuple[Move, ...]:
    """Take every step of a key's life that is due, and return those taken."""
    return rotate(store=bench.key_store, custodians=bench.custodians, settings=bench.ring_settings, now=clock.now)
