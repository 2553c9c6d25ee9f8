"""A house whose door is the real server: `sen serve` with two workers, as a process of its own over the same stores."""

from __future__ import annotations

import http.client
import subprocess
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import psutil

from tests.support.demo import bare_environ, sen_of_this_checkout, until
from tests.support.house import ISSUER, House
from tests.support.login.log_watch import private_in
from tests.support.valkey import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from idp.services import Services

HOST = ISSUER.removeprefix("http://")
START_SECONDS = 120
ANSWER_SECONDS = 60
STOP_SECONDS = 60
WORKERS = 2


@dataclass
class Wire:
    """A WSGI application that hands every request to the server, so that all actors may speak to it.

    Each thread keeps a connection of its own, and a connection stays with the worker that accepted it.
    """

    port: int
    services: Services

    def __post_init__(self) -> None:
        """Make room for each thread's connection."""
        self._kept = threading.local()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Forward one request and return its answer."""
        path = environ["PATH_INFO"].encode("latin-1").decode()
        query = environ.get("QUERY_STRING", "")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        headers = {
            name[5:].replace("_", "-").title(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        headers["Host"] = HOST
        if length:
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        answer, body = self.send(
            environ["REQUEST_METHOD"],
            path + (f"?{query}" if query else ""),
            headers=headers,
            body=environ["wsgi.input"].read(length) if length else None,
        )
        start_response(f"{answer.status} {answer.reason}", answer.getheaders())
        return [body]

    def send(
        self, method: str, target: str, *, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send a request on this thread's connection; open it anew where the server has closed it meanwhile."""
        for is_last in (False, True):
            connection = self.connection()
            try:
                connection.request(method, target, body=body, headers=headers)
                answer = connection.getresponse()
                return answer, answer.read()
            except (OSError, http.client.HTTPException):
                self.forget()
                if is_last:
                    raise
        raise AssertionError("unreachable")

    def connection(self) -> http.client.HTTPConnection:
        """Return this thread's connection."""
        if getattr(self._kept, "connection", None) is None:
            self._kept.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        found: http.client.HTTPConnection = self._kept.connection
        return found

    def forget(self) -> None:
        """Close this thread's connection."""
        self.connection().close()
        self._kept.connection = None


@dataclass
class ServedHouse:
    """The server, and the house that speaks to it."""

    house: House
    process: subprocess.Popen[bytes]
    log: Path
    wire: Wire
    environ: dict[str, str]

    @classmethod
    def start(
        cls,
        *,
        folder: Path,
        redis_url: str,
        database_url: str | None = None,
        sen: Sequence[str] = (),
        **changes: str,
    ) -> Self:
        """Make the stores and start the server; return when it answers.

        `sen` is the program, that of this checkout unless another is named; `changes` are environment variables.
        """
        house = House.build(folder=folder, redis_url=redis_url, database_url=database_url, **changes)
        (port,) = free_ports(1)
        environ = bare_environ(
            SEN_ENVIRONMENT="development",
            SEN_SERVER__PORT=str(port),
            SEN_SERVER__WORKERS=str(WORKERS),
            SEN_STORAGE__DATABASE_URL=house.settings.storage.database_url,
            SEN_STORAGE__REDIS_URL=redis_url,
            SEN_METRICS__FOLDER=str(folder / "served"),
            SEN_LIMITS__REQUESTS_PER_PREFIX="100000",
            SEN_LIMITS__PER_PREFIX="100000",
            **changes,
        )
        log, wire = folder / "log", Wire(port, house.services)
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*(sen or sen_of_this_checkout()), "serve"], cwd=folder, env=environ, stdout=out, stderr=out
            )
        served = cls(replace(house, app=wire), process, log, wire, environ)  # type: ignore[arg-type]
        try:
            assert until(served.answers, seconds=START_SECONDS), log.read_text()
        except BaseException:
            served.stop()
            raise
        return served

    def answers(self) -> bool:
        """Tell whether the server is there."""
        try:
            return self.get("/health/live") == 200
        except OSError:
            return False

    def get(self, path: str) -> int:
        """Return the status of a page."""
        return self.wire.send("GET", path, headers={"Host": HOST})[0].status

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        return sorted(child.pid for child in psutil.Process(self.process.pid).children())

    def stays_with(self, worker: int) -> None:
        """Let this thread's connection be one that a certain worker has accepted."""

        def is_there() -> bool:
            self.wire.forget()
            assert self.get("/health/live") == 200
            mine = self.wire.connection().sock.getsockname()[1]
            held = psutil.Process(worker).net_connections(kind="tcp4")
            return any(connection.raddr and connection.raddr.port == mine for connection in held)

        assert until(is_there), f"worker {worker} accepts nothing"

    def types(self, *arguments: str) -> None:
        """Run a command of the operator, in a process of its own."""
        command = [*sen_of_this_checkout(), *arguments]
        subprocess.run(command, env=self.environ, cwd=self.log.parent, check=True, capture_output=True)

    def stop(self) -> int:
        """End the server and return its exit status."""
        self.wire.forget()
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.house.close()
        assert private_in(self.log.read_text(encoding="utf-8", errors="replace")) == []
        return status
