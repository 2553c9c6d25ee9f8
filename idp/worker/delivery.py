"""Two jobs: send out what is due in the outbox, and count what waits there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.worker.parts import Parts


def deliver(parts: Parts) -> int:
    """Send out what is due; return how many were started. Nothing is waited for."""
    return parts.courier.send_out()


def count_waiting(parts: Parts) -> None:
    """Tell the counters how many deliveries wait."""
    parts.courier.measure()
