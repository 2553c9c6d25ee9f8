"""Serves the demo portal in one quiet process that ends with its parent. Yours runs under a real server instead."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from flask import Flask


class Quiet(WSGIRequestHandler):
    """Writes no line for a request: the line of /callback would hold a code."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


def serve(app: Flask, *, default_port: int) -> None:
    """Serve until SIGTERM, Ctrl-C or the death of the parent (its process id may be given in PORTAL_PARENT)."""
    parent = int(os.environ.get("PORTAL_PARENT", os.getppid()))
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host = os.environ.get("PORTAL_BIND", "127.0.0.1")
    port = int(os.environ.get("PORTAL_PORT", default_port))
    server = make_server(host, port, app, threaded=True, request_handler=Quiet)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)
