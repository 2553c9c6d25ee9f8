"""Relying parties that are servers: started beside Sen, with a port of their own, and ended with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from tests.interop.programs import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

READY_SECONDS = 100
STOP_SECONDS = 30
NOBODY_IN_PARTICULAR = "www-data"
"""As whom Apache runs where the suite is run by root."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers on a port, and the folder in which it keeps what it says."""

    url: str
    folder: Path

    def says(self) -> str:
        """Return what it wrote."""
        return "".join(file.read_text(encoding="utf-8", errors="replace") for file in sorted(self.folder.glob("*.log")))


@contextmanager
def started(
    command: Sequence[str], *, port: int, folder: Path, environ: Mapping[str, str], user: str | None = None
) -> Iterator[Server]:
    """Start a server and wait until it listens; what it said is told where a test fails meanwhile."""
    server = Server(f"http://localhost:{port}", folder)
    groups: list[str] | None = None if user is None else []
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            user=user, group=user, extra_groups=groups,
        )  # fmt: skip
    try:
        _await(port, process=process, server=server)
        yield server
    except BaseException as error:
        error.add_note(f"{command[0]} said:\n{server.says()}")
        raise
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(port: int, *, process: subprocess.Popen[bytes], server: Server) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"{server.url} does not answer")


@contextmanager
def apache(*, port: int, values: Mapping[str, str]) -> Iterator[Server]:
    """Start Debian's Apache with mod_auth_openidc, from a folder of its own and as nobody in particular."""
    user = NOBODY_IN_PARTICULAR if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="sen-apache-"))
    try:
        for file in (HERE / "apache").iterdir():
            text = file.read_text(encoding="utf-8")
            whole = text if file.suffix == ".html" else Template(text).substitute(values, folder=folder, port=port)
            (folder / file.name).write_text(whole, encoding="utf-8")
        for name, text in values.items():
            if text.startswith("-----BEGIN"):
                (folder / f"{name}.pem").write_text(text, encoding="utf-8")
        if user is not None:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, user, user)
        command = ["/usr/sbin/apache2", "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"]
        with started(command, port=port, folder=folder, environ={"PATH": os.environ["PATH"]}, user=user) as server:
            yield server
    finally:
        shutil.rmtree(folder)
