"""`sen worker`: the background jobs, in a process of their own."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from idp import logs
from idp import settings as settings_room
from idp.cli import office
from idp.metrics import Metrics
from idp.storage.sql.housekeeping import SqlHousekeeping
from idp.worker import JOBS
from idp.worker.bench import Bench
from idp.worker.loop import run

if TYPE_CHECKING:
    from types import FrameType


def worker() -> None:
    """Run the background jobs until SIGTERM or Ctrl-C; more than one worker at a time does no harm."""
    settings = settings_room.load()
    logs.configure(level=settings.log.level)
    stop = threading.Event()

    def stop_now(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, stop_now)
    signal.signal(signal.SIGINT, stop_now)
    with office.opened(settings) as opened:
        office.require_no_pending(opened.database)
        bench = Bench(
            key_store=opened.signing_keys,
            custodians=opened.custodians,
            ring_settings=opened.ring_settings,
            housekeeping=SqlHousekeeping(opened.database),
        )
        run(jobs=JOBS, bench=bench, metrics=Metrics(folder=Path(settings.metrics.folder)), stop=stop)
