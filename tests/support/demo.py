"""A person at a terminal who types `sen demo`, and looks at what it leaves behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

from tests.support.login.log_watch import private_in
from tests.support.login.patience import PATIENT
from tests.support.valkey import free_ports

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[2]
LAST_LINE = "These people do not exist."
READY_SECONDS = 60
GONE_SECONDS = 60
ANSWER_SECONDS = 60
CODE = re.compile(r"^ +(?P<number>[0-9]{12})   (?P<name>\S.*?)   +(?P<code>\S.*)$", re.MULTILINE)


def sen_of_this_checkout() -> list[str]:
    """Return the command line of `sen` as the tests run it."""
    return [sys.executable, "-m", "idp.cli"]


def bare_environ(**more: str) -> dict[str, str]:
    """Return an environment with no settings of Sen but patience, in which this checkout is found."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SEN_", "PORTAL_", "PYTHON"))}
    return {**own, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **PATIENT, **more}


def until(true: Callable[[], bool], *, seconds: float = GONE_SECONDS) -> bool:
    """Wait until something is so; return whether it became so."""
    deadline = time.monotonic() + seconds
    while not (is_true := true()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return is_true


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process still runs; one that only waits to be buried does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass(slots=True)
class Demo:
    """One `sen demo` in a folder, with ports of its own."""

    folder: Path
    port: int
    portal_port: int
    process: subprocess.Popen[str]
    printed: str = ""
    family: list[psutil.Process] = field(default_factory=list)

    @classmethod
    def type_command(
        cls,
        folder: Path,
        *,
        sen: Sequence[str] = (),
        ports: tuple[int, int] | None = None,
        environ: dict[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> Self:
        """Type the command in a folder; `sen` is the program, that of this checkout unless another is named."""
        port, portal_port = free_ports(2) if ports is None else ports
        command = [*(sen or sen_of_this_checkout()), "demo", "--port", str(port), "--portal-port", str(portal_port)]
        command += options
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=bare_environ() if environ is None else environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return cls(folder=folder, port=port, portal_port=portal_port, process=process)

    def read_welcome(self) -> str:
        """Read what it prints first; raise when it ends instead."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if LAST_LINE in line:
                self.family = psutil.Process(self.process.pid).children(recursive=True)
                return self.printed
        raise AssertionError(f"it ended: {self.printed}{self.log()}")

    def codes(self) -> dict[str, str]:
        """Return the code, or what is said instead, of each number in the English part."""
        english = self.printed[self.printed.index("Sen is running") :]
        return {found["number"]: found["code"] for found in CODE.finditer(english)}

    def named(self, word: str) -> psutil.Process:
        """Return the first child in whose command line a word stands."""
        return next(child for child in self.family if any(part.endswith(word) for part in child.cmdline()))

    def get(self, path: str, *, language: str = "vi") -> tuple[int, str, str]:
        """Return status, content type and text of a page of the provider, as a browser that keeps cookies gets it."""
        request = urllib.request.Request(f"http://localhost:{self.port}{path}", headers={"Accept-Language": language})
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()

    def begins_login(self) -> str:
        """Press the portal's button, and return where that leads."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(f"http://localhost:{self.portal_port}/start/login", timeout=ANSWER_SECONDS) as page:
            return str(page.url)

    def send(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(GONE_SECONDS + 10)

    def leaves_nothing(self) -> bool:
        """Return whether every child ends, and the ports with them."""
        return until(lambda: not any(is_alive(child) for child in self.family))

    def log(self) -> str:
        """Return what its children wrote."""
        log = self.folder / "var" / "sen.log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def end(self) -> None:
        """End it, however it stands."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(GONE_SECONDS + 10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for child in self.family:
            if is_alive(child):
                child.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        assert private_in(self.log()) == []
