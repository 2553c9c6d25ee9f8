"""`sen serve`: the workers that answer requests, under Granian; nothing else of Sen runs in them."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from idp import logs, metrics
from idp import settings as settings_room
from idp.app import create_app
from idp.cli import office
from idp.storage.embedded import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.app import Application
    from idp.settings import Settings

BACKLOG = 1024


def serve() -> None:
    """Answer requests until SIGTERM or Ctrl-C; what is in flight then is finished within [server] drain_seconds.

    Refuses to start when a setting is broken or a migration is pending. Run `sen worker` beside it.
    """
    settings = settings_room.load()
    with office.opened(settings) as opened:
        office.require_no_pending(opened.database)
    logs.configure(level=settings.log.level)
    folder = Path(settings.metrics.folder)
    metrics.forget_former_processes(folder)
    server = Server(
        "sen",
        address=settings.server.bind,
        port=settings.server.port,
        interface=Interfaces.WSGI,
        workers=settings.server.workers,
        blocking_threads=settings.server.threads,
        backlog=BACKLOG,
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=logs.stdlib_config(level=settings.log.level),
        respawn_failed_workers=True,
        workers_kill_timeout=settings.server.drain_seconds,
    )
    load = partial(_load, settings, end_with_parent(signal.SIGTERM))
    server.serve(target_loader=load, wrap_loader=False)


def _load(settings: Settings, end_with_parent_now: Callable[[], None] | None) -> Application:
    """Make the application in a worker that has just been started.

    A worker that outlives the process that started it would hold the port and obey nobody.
    """
    # Until Granian's own handler is there, the copy of its parent's would swallow a SIGTERM.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if end_with_parent_now is not None:
        end_with_parent_now()
    return create_app(settings)
