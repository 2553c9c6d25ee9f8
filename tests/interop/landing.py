"""Where browsers come back to: a server that keeps what they bring, for programs that listen on no port themselves."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

PAGE = b"<!doctype html><title>Back</title><p>You are back at the relying party."
WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of a browser: its whole address, and the form that it posted."""

    method: str
    url: str
    body: str


@dataclass(frozen=True, slots=True)
class Landing:
    """A server on a port of its own."""

    server: ThreadingHTTPServer
    arrivals: queue.Queue[Arrival] = field(default_factory=queue.Queue)

    @classmethod
    def open(cls) -> Self:
        """Listen on a free port."""
        landing = cls(ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler))
        landing.server.RequestHandlerClass = _handler(landing)
        threading.Thread(target=landing.server.serve_forever, daemon=True).start()
        return landing

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://localhost:{self.server.server_address[1]}"

    def forget(self) -> None:
        """Forget whoever came, before somebody new is sent."""
        while not self.arrivals.empty():
            self.arrivals.get_nowait()

    def next(self) -> Arrival:
        """Wait for a browser that comes."""
        return self.arrivals.get(timeout=WAIT_SECONDS)

    def close(self) -> None:
        """Listen no longer."""
        self.server.shutdown()
        self.server.server_close()


def _handler(landing: Landing) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Keeps every request but those for the little picture of the tab."""

        def do_GET(self) -> None:
            self._keep("")

        def do_POST(self) -> None:
            self._keep(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _keep(self, body: str) -> None:
            if self.path != "/favicon.ico":
                landing.arrivals.put(Arrival(str(self.command), f"http://{self.headers['Host']}{self.path}", body))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that it has
            """Say nothing."""

    return Handler
