"""`sen worker`: the background jobs, in a process of their own."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from idp import logs
from idp import settings as settings_room
from idp.cli import office
from idp.storage.sql.housekeeping import SqlHousekeeping
from idp.storage.sql.outbox import SqlOutbox
from idp.wiring import build_services
from idp.worker import JOBS
from idp.worker.courier import Courier
from idp.worker.loop import run
from idp.worker.parts import Parts

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
        services = build_services(settings)
        courier = Courier(outbox=SqlOutbox(opened.database), services=services)
        parts = Parts(
            key_store=opened.signing_keys,
            custodians=opened.custodians,
            ring_settings=opened.ring_settings,
            housekeeping=SqlHousekeeping(opened.database),
            courier=courier,
        )
        run(jobs=JOBS, parts=parts, metrics=services.metrics, stop=stop)
        courier.close()
        services.close()
