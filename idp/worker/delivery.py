"""Two jobs: send out what is due in the outbox, and count what waits there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.worker.bench import Bench


def deliver(bench: Bench) -> int:
    """Send out what is due; return how many were started. Nothing is waited for."""
    return bench.courier.send_out()


def count_waiting(bench: Bench) -> None:
    """Tell the counters how many deliveries wait."""
    bench.courier.measure()
