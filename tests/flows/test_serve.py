"""`sen serve`: several workers, one set of counters; a SIGTERM lets requests in flight finish."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.demo import bare_environ, is_alive, sen_of_this_checkout, until
from tests.support.valkey import ValkeyServer, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRAIN_SECONDS = 30


@dataclass
class Served:
    """One `sen serve` on a port of its own."""

    port: int
    process: subprocess.Popen[bytes]
    valkey: ValkeyServer
    log: Path

    def asks(self, path: str) -> http.client.HTTPConnection:
        """Send a request and do not wait for the answer."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        try:
            connection.request("GET", path)
        except OSError:
            connection.close()
            raise
        return connection

    def has_taken(self, connection: http.client.HTTPConnection) -> bool:
        """Tell whether a worker has accepted a connection."""
        mine = connection.sock.getsockname()[1]
        workers = psutil.Process(self.process.pid).children()
        held = [one for worker in workers for one in worker.net_connections(kind="tcp4")]
        return any(one.raddr and one.raddr.port == mine for one in held)

    def status(self, path: str) -> int:
        """Return the status of an answer, or 0 where nobody answers."""
        try:
            connection = self.asks(path)
        except OSError:
            return 0
        try:
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def text(self, path: str) -> str:
        """Return the body of an answer."""
        connection = self.asks(path)
        body = connection.getresponse().read().decode()
        connection.close()
        return body


@pytest.fixture
def served(tmp_path: Path, own_valkey: ValkeyServer) -> Iterator[Served]:
    """Serve from an empty folder."""
    (port,) = free_ports(1)
    environ = bare_environ(
        SEN_ENVIRONMENT="development",
        SEN_SERVER__ISSUER=f"http://localhost:{port}",
        SEN_SERVER__PORT=str(port),
        SEN_SERVER__DRAIN_SECONDS=str(DRAIN_SECONDS),
        SEN_STORAGE__REDIS_URL=own_valkey.url,
    )
    sen, log = sen_of_this_checkout(), tmp_path / "log"
    subprocess.run([*sen, "db", "upgrade"], cwd=tmp_path, env=environ, check=True, capture_output=True)
    with log.open("wb") as out:
        process = subprocess.Popen([*sen, "serve"], cwd=tmp_path, env=environ, stderr=out, stdout=out)
    running = Served(port=port, process=process, valkey=own_valkey, log=log)
    assert until(lambda: running.status("/health/live") == 200, seconds=120), log.read_text()
    yield running
    if process.poll() is None:
        process.kill()
        process.wait()


@pytest.mark.spec("F14")
def test_a_request_in_flight_is_answered_after_sigterm(served: Served) -> None:
    assert served.status("/login") == 303
    served.valkey.hang()
    waiting = served.asks("/login")
    assert until(lambda: served.has_taken(waiting))
    time.sleep(0.1)
    served.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    served.valkey.go_on()
    assert waiting.getresponse().status in {303, 503}  # 503 where this machine was too slow to answer in time
    waiting.close()
    began = time.monotonic()
    assert served.process.wait(DRAIN_SECONDS + 10) == 0
    assert time.monotonic() - began < DRAIN_SECONDS, "the workers had to be killed"
    assert served.status("/health/live") == 0
    assert "refused to gracefully stop" not in served.log.read_text()


def test_all_workers_count_into_one_set(served: Served) -> None:
    asked = 0

    def workers_seen() -> int:
        nonlocal asked
        asked += served.status("/.well-known/openid-configuration") == 200
        return len(list((served.log.parent / "var" / "metrics").glob("counter_*.db")))

    assert until(lambda: workers_seen() >= 2), "two workers answer"
    assert until(lambda: _counted(served.text("/metrics")) == asked), "each writes its counts a moment later"


def test_what_was_answered_last_is_in_the_log_of_a_server_that_was_told_to_end(served: Served) -> None:
    asked = 40
    for _ in range(asked):
        assert served.status("/.well-known/openid-configuration") == 200
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(DRAIN_SECONDS + 10) == 0
    lines = [json.loads(line) for line in served.log.read_text().splitlines() if '"answered"' in line]
    assert sum(line["path"] == "/.well-known/openid-configuration" for line in lines) == asked


def test_no_worker_outlives_a_server_that_is_killed(served: Served) -> None:
    workers = psutil.Process(served.process.pid).children()
    assert len(workers) >= 2
    served.process.kill()
    served.process.wait()
    assert until(lambda: not any(is_alive(worker) for worker in workers))
    assert served.status("/health/live") == 0


def _counted(rendered: str) -> int:
    """Return how often discovery was answered."""
    found = re.search(
        r'sen_requests_total\{endpoint="/.well-known/openid-configuration",status="200"\} ([0-9.]+)', rendered
    )
    return int(float(found[1])) if found else 0
