"""The bundled Valkey: it starts, keeps what it holds, says what is in its way, and never outlives its parent."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from idp.ephemeral import Read, Write
from idp.errors import SettingsError
from idp.storage import embedded
from idp.storage.embedded import EmbeddedValkey
from idp.storage.redis import RedisEphemeral
from tests.support.demo import is_alive, until
from tests.support.valkey import ValkeyServer

REPOSITORY = Path(__file__).parents[2]
A_PARENT = """
import sys, time
from pathlib import Path
from idp.storage.embedded import EmbeddedValkey
print(EmbeddedValkey.start(folder=Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a start not wait for another server to leave."""
    monkeypatch.setattr(embedded, "FAREWELL_SECONDS", 0.1)


def the_sentence(folder: Path) -> str:
    """Return the one line that a start which must fail gives."""
    with pytest.raises(SettingsError) as refused:
        EmbeddedValkey.start(folder=folder)
    (sentence,) = refused.value.reasons
    assert "\n" not in sentence
    return sentence


def wait_until_gone(pid: int) -> bool:
    """Return whether a process ends, and wait for that."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return True
    return until(lambda: not is_alive(process))


def test_it_answers_on_a_socket_for_its_owner_alone_and_nowhere_else(tmp_path: Path) -> None:
    server = EmbeddedValkey.start(folder=tmp_path / "new" / "folder")
    port = RedisEphemeral(server.url)
    port.ping()
    sockets = [place for place in (tmp_path / "new" / "folder").iterdir() if place.is_socket()]
    assert [stat.S_IMODE(place.stat().st_mode) for place in sockets] == [0o700]
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700
    assert psutil.Process(server.pid).net_connections("inet") == []
    port.close()
    server.stop()


def test_a_second_run_finds_what_the_first_one_held(tmp_path: Path) -> None:
    for expected in (None, b"first run"):
        server = EmbeddedValkey.start(folder=tmp_path)
        port = RedisEphemeral(server.url)
        assert port.wave(Read("k"), Write("k", b"first run", 60)) == [expected, None]
        port.close()
        server.stop()
        assert not psutil.pid_exists(server.pid)


@pytest.mark.spec("F01")
def test_the_socket_of_a_killed_server_is_replaced_and_what_is_older_than_a_second_kept(tmp_path: Path) -> None:
    killed = EmbeddedValkey.start(folder=tmp_path)
    port = RedisEphemeral(killed.url)
    port.wave(Write("k", b"kept", 60))
    time.sleep(1.5)
    os.kill(killed.pid, signal.SIGKILL)
    assert wait_until_gone(killed.pid)
    assert (tmp_path / "valkey.sock").exists()
    server = EmbeddedValkey.start(folder=tmp_path)
    assert port.wave(Read("k")) == [b"kept"]
    port.close()
    server.stop()
    killed.stop()


def test_it_never_forgets_on_its_own_to_make_room(tmp_path: Path) -> None:
    server = EmbeddedValkey.start(folder=tmp_path)
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import redis,sys; print(redis.Redis.from_url(sys.argv[1]).config_get('*'))",
            server.url,
        ],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    for setting in ("'maxmemory-policy': 'noeviction'", "'appendonly': 'yes'", "'appendfsync': 'everysec'"):
        assert setting in said
    server.stop()


@pytest.mark.usefixtures("impatient")
def test_a_folder_in_use_is_left_alone_until_it_is_free(tmp_path: Path) -> None:
    first = EmbeddedValkey.start(folder=tmp_path)
    assert str(tmp_path) in the_sentence(tmp_path)
    port = RedisEphemeral(first.url)
    port.ping()
    port.close()
    first.stop()
    EmbeddedValkey.start(folder=tmp_path).stop()


def test_the_socket_that_a_killed_server_left_is_no_hindrance(tmp_path: Path) -> None:
    first = EmbeddedValkey.start(folder=tmp_path)
    os.kill(first.pid, signal.SIGKILL)
    assert (tmp_path / "valkey.sock").exists()
    second = EmbeddedValkey.start(folder=tmp_path)
    first._process.wait()
    second.stop()


def test_a_stale_socket_that_is_not_its_own_gets_one_sentence(tmp_path: Path) -> None:
    EmbeddedValkey.start(folder=tmp_path).stop()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "valkey.sock"))
    assert f"rm {tmp_path / 'valkey.sock'}" in the_sentence(tmp_path)


def test_a_socket_that_a_stranger_listens_on_is_left_alone(tmp_path: Path) -> None:
    stranger = ValkeyServer.alone(unixsocket=str(tmp_path / "valkey.sock"))
    assert "valkey.sock" in the_sentence(tmp_path)
    assert stranger.ask("PING") == b"PONG"
    stranger.stop()


def test_a_socket_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.bind(str(tmp_path / "valkey.sock"))
        assert "valkey.sock" in the_sentence(tmp_path)
        assert (tmp_path / "valkey.sock").is_socket()


def test_where_no_kernel_ends_it_with_its_parent_nothing_is_asked_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert embedded.end_with_parent(signal.SIGTERM) is not None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert embedded.end_with_parent(signal.SIGTERM) is None


@pytest.mark.parametrize("folder", ["/proc/sen", "/dev/null/sen"])
def test_a_folder_that_cannot_be_written_gets_one_sentence_in_both_languages(folder: str) -> None:
    sentence = the_sentence(Path(folder))
    assert "Không ghi được" in sentence
    assert "cannot be written" in sentence
    assert folder in sentence


def test_a_file_that_valkey_cannot_read_gets_one_sentence_that_names_the_log(tmp_path: Path) -> None:
    server = EmbeddedValkey.start(folder=tmp_path)
    server.stop()
    for manifest in (tmp_path / "appendonlydir").glob("*.manifest"):
        manifest.write_text("nonsense\n")
    assert str(tmp_path / "valkey.log") in the_sentence(tmp_path)
    assert (tmp_path / "valkey.log").read_text()


@pytest.mark.usefixtures("impatient")
def test_a_folder_too_deep_for_a_socket_has_its_socket_elsewhere_and_its_file_inside(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    server = EmbeddedValkey.start(folder=folder)
    place = Path(server.url.removeprefix("unix://"))
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert (folder / "appendonlydir").is_dir()
    port = RedisEphemeral(server.url)
    port.ping()
    port.close()
    assert str(folder) in the_sentence(folder)
    server.stop()
    assert not place.parent.exists()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_its_parent(tmp_path: Path, ending: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", A_PARENT, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.send_signal(ending)
        parent.wait()
    assert wait_until_gone(pid)
    EmbeddedValkey.start(folder=tmp_path).stop()


def test_ctrl_c_in_a_terminal_does_not_reach_it(tmp_path: Path) -> None:
    server = EmbeddedValkey.start(folder=tmp_path)
    assert os.getpgid(server.pid) != os.getpgid(0)
    server.stop()


def test_one_that_hangs_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS", 0.2)
    server = EmbeddedValkey.start(folder=tmp_path)
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert not psutil.pid_exists(server.pid)
    server.stop()
