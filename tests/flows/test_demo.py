"""`sen demo`: one command, everything runs; it ends, and nothing is left."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import stat
import sys
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.demo import Demo, bare_environ, is_alive, sen_of_this_checkout, until
from tests.support.login.patience import PATIENT
from tests.support.valkey import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FAMILIES = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}
LOCALHOST = sorted(FAMILIES.keys() & {one.address for each in psutil.net_if_addrs().values() for one in each})
"""Where a browser looks for localhost on this machine."""
OF_A_SHELL = ["sh", "-c", '"$@"; exit $?', "sh"]
"""What stands between a terminal and the demo, as make does."""
TOLD_DURING_A_FORK = """
import os, signal, sys
from idp.cli import main

told = []

def tell():
    if not told:
        told.append(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

os.register_at_fork(after_in_parent=tell)
main(sys.argv[1:])
"""
"""The program `sen`, to which Ctrl-C comes when Python ignores whatever is raised: once, at the first fork."""
NUMBERS = ["099305000017", "099090000025", "099185000033"]


@pytest.fixture
def type_demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Give a way to type the command in an empty folder; whatever still runs is ended."""
    typed: list[Demo] = []

    def type_it(*, ports: tuple[int, int] | None = None, environ: dict[str, str] | None = None) -> Demo:
        typed.append(Demo.type_command(tmp_path, ports=ports, environ=environ))
        return typed[-1]

    yield type_it
    for demo in typed:
        demo.end()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run one demo that several tests look at and none ends."""
    demo = Demo.type_command(tmp_path_factory.mktemp("running"))
    demo.read_welcome()
    yield demo
    demo.end()


def test_a_first_run_says_where_to_click_and_a_second_one_finds_everything_again(
    type_demo: Callable[..., Demo], tmp_path: Path
) -> None:
    first = type_demo()
    welcome = first.read_welcome()
    assert "/login?tx=" in first.begins_login(), "who is told to begin may begin at once"
    vietnamese, english = welcome.split("Sen is running")
    for text in (vietnamese, english):
        assert f"http://localhost:{first.portal_port}" in text
        assert f"http://localhost:{first.port}" in text
        assert str(tmp_path / "var") in text
        assert "NGUYỄN THỊ AN" in text
    assert list(first.codes()) == NUMBERS
    assert first.get("/health/ready")[0] == 200
    assert first.send(signal.SIGINT) == 0
    assert first.leaves_nothing()

    second = type_demo(ports=(first.port, first.portal_port))
    second.read_welcome()
    assert second.codes() == first.codes()
    with sqlite3.connect(tmp_path / "var" / "sen.db") as database:
        assert database.execute("SELECT count(*) FROM relying_party").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM register_entry").fetchone() == (3,)
        assert database.execute("SELECT count(*) FROM activation_code").fetchone() == (3,)
    assert second.send(signal.SIGTERM) == 0
    assert second.leaves_nothing()


def test_what_it_keeps_is_its_owners_alone(running: Demo) -> None:
    shared = stat.S_IRWXG | stat.S_IRWXO
    var = running.folder / "var"
    kept = [path for path in var.rglob("*") if not path.is_socket()]
    assert {path.name for path in kept} >= {"sen.db", "sen.log", "demo-portal.json", "demo-codes.json"}
    assert [str(path) for path in [var, *kept] if path.stat().st_mode & shared] == []


def test_codes_that_were_lost_are_issued_anew(type_demo: Callable[..., Demo], tmp_path: Path) -> None:
    first = type_demo()
    first.read_welcome()
    first.send(signal.SIGINT)
    codes = tmp_path / "var" / "demo-codes.json"
    codes.write_text("not what it was", encoding="utf-8")
    second = type_demo()
    second.read_welcome()
    assert list(second.codes()) == NUMBERS
    assert set(second.codes().values()).isdisjoint(first.codes().values())


def test_a_machine_that_stalls_for_a_moment_shows_no_error(type_demo: Callable[..., Demo]) -> None:
    demo = type_demo(environ={name: value for name, value in bare_environ().items() if name not in PATIENT})
    demo.read_welcome()
    memory = next(child for child in demo.family if child.name().startswith("valkey"))
    memory.suspend()
    wakes = threading.Timer(1.5, memory.resume)
    wakes.start()
    began_at = demo.begins_login()
    wakes.join()
    assert "/login?tx=" in began_at


def test_a_demo_that_is_killed_leaves_no_child(type_demo: Callable[..., Demo]) -> None:
    demo = type_demo()
    demo.read_welcome()
    assert len(demo.family) >= 6  # Valkey, the server and its two workers, the background worker, the portal
    assert demo.send(signal.SIGKILL) == -signal.SIGKILL
    assert demo.leaves_nothing()
    assert type_demo(ports=(demo.port, demo.portal_port)).read_welcome()


def test_a_demo_whose_parent_is_killed_leaves_nothing(tmp_path: Path) -> None:
    demo = Demo.type_command(tmp_path, sen=[*OF_A_SHELL, *sen_of_this_checkout()], options=["--end-with-parent"])
    demo.read_welcome()
    assert len(demo.family) >= 7  # the demo itself, and what it started
    assert demo.send(signal.SIGKILL) == -signal.SIGKILL
    gone = demo.leaves_nothing()
    demo.end()
    assert gone


def test_a_signal_that_comes_when_nothing_can_be_interrupted_is_obeyed_afterwards(tmp_path: Path) -> None:
    demo = Demo.type_command(tmp_path, sen=[sys.executable, "-c", TOLD_DURING_A_FORK])
    printed, _nothing = demo.process.communicate(timeout=150)
    assert "Exception ignored" in printed, "it did not come at such a moment"
    assert demo.process.returncode == 0
    assert printed.endswith("Đã dừng. · Stopped.\n")


def test_a_server_that_is_killed_takes_its_workers_with_it_and_ends_the_demo(type_demo: Callable[..., Demo]) -> None:
    demo = type_demo()
    demo.read_welcome()
    server = demo.named("serve")
    workers = server.children()
    assert len(workers) >= 2
    server.kill()
    assert until(lambda: not any(is_alive(worker) for worker in workers))
    assert demo.process.wait(150) == 1
    assert demo.leaves_nothing()


def test_a_worker_that_is_killed_comes_back(running: Demo) -> None:
    server = running.named("serve")
    former = server.children()
    former[0].kill()
    assert until(lambda: not is_alive(former[0]))
    assert until(lambda: len([child for child in server.children() if is_alive(child)]) == len(former))
    assert former[0] not in server.children()
    assert running.get("/health/live")[0] == 200


@pytest.mark.spec("AU-02", "AU-03")
def test_its_log_is_one_json_object_a_line_without_anybodys_number(running: Demo) -> None:
    running.get("/login")
    running.get("/health/ready")
    lines = [json.loads(line) for line in running.log().splitlines()]
    answered = [line for line in lines if line["event"] == "answered"]
    assert answered
    assert all(len(line["correlation"]) == 10 for line in answered)
    assert all(line["at"].endswith("+00:00") for line in lines)
    for number in (*NUMBERS, *running.codes().values()):
        assert number not in running.log()


@pytest.mark.parametrize("address", LOCALHOST)
@pytest.mark.parametrize("which", [0, 1], ids=["provider", "portal"])
def test_a_port_that_is_taken_is_named_in_one_sentence(
    type_demo: Callable[..., Demo], which: int, address: str
) -> None:
    ports = free_ports(2)
    with socket.create_server((address, ports[which]), family=FAMILIES[address]):
        demo = type_demo(ports=(ports[0], ports[1]))
        printed, _nothing = demo.process.communicate(timeout=150)
    assert demo.process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert f"Cổng {ports[which]} đang có chương trình khác dùng" in printed
    assert f"The port {ports[which]} is taken" in printed


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(
    type_demo: Callable[..., Demo], tmp_path: Path
) -> None:
    (tmp_path / "var").write_text("a file stands where the folder should be", encoding="utf-8")
    demo = type_demo()
    printed, _nothing = demo.process.communicate(timeout=150)
    assert demo.process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert f"Không ghi được vào thư mục {tmp_path / 'var'}" in printed
    assert f"The folder {tmp_path / 'var'} cannot be written to" in printed


def test_a_folder_that_another_demo_uses_is_named_in_one_sentence(running: Demo) -> None:
    second = Demo.type_command(running.folder)
    printed, _nothing = second.process.communicate(timeout=150)
    assert second.process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert "Another Valkey is running" in printed
    assert running.get("/health/ready")[0] == 200


def test_a_socket_that_a_living_server_holds_is_named_in_one_sentence(
    type_demo: Callable[..., Demo], tmp_path: Path
) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(tmp_path / "var" / "valkey.sock"))
        foreign.listen()
        demo = type_demo()
        printed, _nothing = demo.process.communicate(timeout=150)
    assert demo.process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert "valkey.sock" in printed


def test_a_stale_socket_gets_one_sentence(type_demo: Callable[..., Demo], tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "var" / "valkey.sock"))
    demo = type_demo()
    printed, _nothing = demo.process.communicate(timeout=150)
    assert demo.process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert f"rm {tmp_path / 'var' / 'valkey.sock'}" in printed
