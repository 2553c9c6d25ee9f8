"""A job: removes what has only expired, after a time in which somebody may still ask about it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from idp import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.worker.parts import Parts

KEPT = timedelta(days=30)


def clear_expired(parts: Parts) -> Mapping[str, int]:
    """Remove what expired more than `KEPT` ago; return how many rows of which table."""
    return parts.housekeeping.clear_expired(before=clock.now() - KEPT)
