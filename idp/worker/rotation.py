"""A job: moves signing keys through their lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import clock
from keys import rotate

if TYPE_CHECKING:
    from idp.worker.parts import Parts
    from keys import Move


def rotate_keys(parts: Parts) -> tuple[Move, ...]:
    """Take every step of a key's life that is due, and return those taken."""
    return rotate(store=parts.key_store, custodians=parts.custodians, settings=parts.ring_settings, now=clock.now)
