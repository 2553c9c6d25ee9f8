"""A server process and its children: where they run, what CPU they have used, how large they were."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil

from idp.storage.embedded import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[-1]
START_SECONDS = 30.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.002
SCHEDULER_CLOCK = 2  # CPUCLOCK_SCHED: user and system time of a whole process, threads that have ended included


@dataclass(slots=True)
class Server:
    """A process that we started on `SERVER_CORE`."""

    process: subprocess.Popen[bytes]
    cold_start_seconds: float

    @classmethod
    def start(cls, *, command: Sequence[str], environ: Mapping[str, str], ready_url: str, log: Path) -> Server:
        """Start it and wait until `ready_url` answers with 200; what it says goes to the end of `log`.

        Raises:
            RuntimeError: it ended, or did not answer within 30 seconds.
        """
        obey = end_with_parent(signal.SIGKILL)

        def prepare() -> None:
            os.sched_setaffinity(0, {SERVER_CORE})
            if obey is not None:
                obey()

        with log.open("ab") as file:
            began = time.perf_counter()
            process = subprocess.Popen(
                command,
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                process_group=0,
                preexec_fn=prepare,  # noqa: PLW1509  two system calls, and no thread of ours holds a lock
            )
        server = cls(process, 0.0)
        try:
            server._wait(ready_url, log=log, until=began + START_SECONDS)
        except BaseException:
            server.stop()
            raise
        server.cold_start_seconds = time.perf_counter() - began
        return server

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def peak_memory_bytes(self) -> int:
        """Return the most memory that the largest of its processes, a worker, has ever had in use."""
        return max(_peak_bytes(pid) for pid in family(self.pid))

    def stop(self) -> None:
        """End it, kindly first."""
        if self.process.poll() is not None:
            return
        children = family(self.pid)[1:]
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in children:
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGKILL)

    def _wait(self, url: str, *, log: Path, until: float) -> None:
        while not _answers(url):
            if self.process.poll() is not None or time.perf_counter() > until:
                raise RuntimeError(f"{self.process.args!r} did not start; the end of {log} says why")
            time.sleep(LOOK_SECONDS)


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time, user and system, that these processes and their children have used, to the nanosecond.

    The clock of a process by its id is what clock_getcpuclockid(3) computes; Python has it for threads alone.
    """
    return sum(time.clock_gettime((~pid << 3) | SCHEDULER_CLOCK) for first in pids for pid in family(first))


def _peak_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123  a file of the kernel
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = HTTPConnection("127.0.0.1", parts.port or 80, timeout=1)
    try:
        connection.request("GET", parts.path, headers={"Host": parts.netloc})
        return connection.getresponse().status == 200  # noqa: PLR2004  OK
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()
