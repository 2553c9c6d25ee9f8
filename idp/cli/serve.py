"""`sen serve`: the workers that answer requests, under Granian; nothing else of Sen runs in them."""

from __future__ import annotations

import ctypes
import gc
import signal
import socket
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from idp import logs, metrics
from idp import settings as settings_room
from idp.app import create_app
from idp.cli import office
from idp.errors import SettingsError
from idp.storage.embedded import end_with_parent
from keys.certificates import Authorities

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.app import Application
    from idp.settings import Settings

BACKLOG = 1024
OBJECTS_BETWEEN_COLLECTIONS = 10_000  # a request leaves next to no cycles behind, and makes a thousand objects
FOR_ITS_GROUP = 0o660  # the front's user is in it
M_ARENA_MAX = -8  # mallopt(3)
ARENAS = 2


def serve() -> None:
    """Answer requests until SIGTERM or Ctrl-C; what is in flight then is finished within [server] drain_seconds.

    Refuses to start when a setting is broken or a migration is pending. Run `sen worker` beside it.
    """
    settings = settings_room.load()
    Authorities.load(settings.front.client_authorities)  # each worker reads them: what cannot be read is said here
    with office.opened(settings) as opened:
        office.require_no_pending(opened.database)
    logs.configure(level=settings.log.level)
    folder = Path(settings.metrics.folder)
    metrics.forget_former_processes(folder)
    server = Server(
        "sen",
        address=settings.server.bind,
        port=settings.server.port,
        uds=own_socket(settings),
        uds_permissions=FOR_ITS_GROUP,
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
    load = partial(_load, settings, end_with_parent(signal.SIGKILL))
    server.serve(target_loader=load, wrap_loader=False)


def own_socket(settings: Settings) -> Path | None:
    """Return the unix socket to listen on, or None; what a killed server left of it is removed.

    Raises:
        SettingsError: somebody listens there already.
    """
    if not settings.front.socket:
        return None
    path = Path(settings.front.socket).absolute()
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError:  # nothing is there, which is as it should be, or what is there is not ours to remove
            pass
        else:
            raise SettingsError((f"[front] socket: another server listens on {path}.",))
    return path


def _load(settings: Settings, end_with_parent_now: Callable[[], None] | None) -> Application:
    """Make the application in a worker that has just been started.

    A worker that outlives the process that started it would hold the port and obey nobody; it is killed, because one
    that is only asked to end may, rarely, wait for ever, and nobody is left to end its patience.
    """
    # Until Granian's own handler is there, the copy of its parent's would swallow a SIGTERM.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if end_with_parent_now is not None:
        end_with_parent_now()
    _share_arenas()
    application = create_app(settings)
    Finalize(None, application.services.close, exitpriority=0)  # a worker ends without atexit
    gc.collect()
    gc.freeze()  # what was made until now lives as long as the worker: no collection need look at it again
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    return application


def _share_arenas() -> None:
    """Let the threads of a worker share two arenas of glibc: one for each, as it would be, keeps 5 MB more."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have no arenas
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)
