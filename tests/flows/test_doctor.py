"""`sen doctor`: one line for each thing that must hold, and what to do about each that does not."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from idp import clock
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.postgres import Postgres
    from tests.support.valkey import ValkeyServer

PROBLEM = re.compile(r"^problem  ([a-z ]+):", re.MULTILINE)


def test_the_doctor_finds_a_healthy_house_healthy(terminal: Terminal, own_valkey: ValkeyServer) -> None:
    terminal.types("keys", "rotate")
    healthy = Terminal(terminal.folder, redis_url=own_valkey.url)
    said = healthy.types("doctor")
    assert "problem" not in said.out
    assert said.status == 0
    for word in ("settings", "storage", "migrations", "redis", "keys", "clock", "file rights", "data", "notices"):
        assert re.search(rf"^ok +{word}", said.out, re.MULTILINE), word


def test_the_doctor_examines_postgresql(bare: Terminal, own_valkey: ValkeyServer, postgres: Postgres) -> None:
    url = postgres.create_database(f"doctor_{secrets.token_hex(6)}")
    terminal = Terminal(bare.folder, redis_url=own_valkey.url, environ={"SEN_STORAGE__DATABASE_URL": url})
    assert "migrations: 0001" in terminal.types("doctor").out
    terminal.types("db", "upgrade")
    terminal.types("keys", "rotate")
    said = terminal.types("doctor")
    assert said.status == 0, said.out
    assert "ok       clock: ours and that of the database agree" in said.out


def test_the_doctor_says_what_to_do_about_each_problem(terminal: Terminal) -> None:
    (terminal.folder / "var" / "sen.db").chmod(0o644)
    said = terminal.types("doctor")
    assert said.status == 1
    assert "see that Redis or Valkey runs" in said.out
    assert "start `sen worker`" in said.out
    assert f"chmod go= {terminal.folder / 'var' / 'sen.db'}" in said.out
    lines = said.out.splitlines()
    problems = [index for index, line in enumerate(lines) if line.startswith("problem")]
    assert problems
    assert all(lines[index + 1].startswith("         ") and lines[index + 1].strip() for index in problems)


def test_the_doctor_sees_a_redis_that_forgets(terminal: Terminal, own_valkey: ValkeyServer) -> None:
    own_valkey.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    own_valkey.ask("CONFIG", "SET", "appendonly", "no")
    said = Terminal(terminal.folder, redis_url=own_valkey.url).types("doctor")
    assert said.status == 1
    assert "noeviction" in said.out
    assert "appendonly yes" in said.out


def test_the_doctor_sees_keys_of_another_master_key(terminal: Terminal) -> None:
    terminal.types("keys", "rotate")
    other = Terminal(terminal.folder, environ={"SEN_SECRETS__MASTER_KEY": "A" * 43 + "="})
    said = other.types("doctor")
    assert said.status == 1
    assert "master key under which the signing keys were sealed" in said.out


def test_the_doctor_tells_how_to_make_a_master_key(bare: Terminal) -> None:
    said = Terminal(bare.folder, environ={"SEN_SECRETS__MASTER_KEY": ""}).types("doctor")
    assert said.status == 1
    assert "head -c 32 /dev/urandom | base64" in said.out


def test_the_doctor_knows_when_nobody_serves(bare: Terminal) -> None:
    said = Terminal(bare.folder, environ={"SEN_SERVER__PORT": "1"}).types("doctor", "--live")
    assert said.status == 1
    assert len(said.err.splitlines()) == 1


def test_the_doctor_says_how_a_database_is_brought_up_to_date(bare: Terminal) -> None:
    (bare.folder / "var").mkdir(mode=0o700)
    said = bare.types("doctor")
    assert said.status == 1
    assert "migrations: 0001" in said.out
    assert "run `sen db upgrade`" in said.out
    assert PROBLEM.findall(said.out) == ["migrations", "redis"], "what cannot be known yet is left out"


def _is_missing(_file: Path) -> None:
    """Leave the folder of the database away."""


def _is_no_database(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_bytes(secrets.token_bytes(8192))


def _is_damaged(file: Path) -> None:
    assert Terminal(file.parents[1]).types("db", "upgrade").status == 0
    with file.open("r+b") as whole:
        whole.seek(100)
        whole.write(b"\xff" * 20_000)


@pytest.mark.parametrize("befalls", [_is_missing, _is_no_database, _is_damaged])
def test_the_doctor_says_once_that_the_database_is_not_there_or_is_broken(
    bare: Terminal, befalls: Callable[[Path], None]
) -> None:
    befalls(bare.folder / "var" / "sen.db")
    said = bare.types("doctor")
    assert said.status == 1
    assert "see that the database runs and that [storage] database_url is right" in said.out
    broken = PROBLEM.findall(said.out)
    assert len([what for what in broken if what not in {"redis", "file rights"}]) == 1, said.out
    assert "Traceback" not in said.err


def test_the_doctor_compares_its_clock_with_each_store(terminal: Terminal, own_valkey: ValkeyServer) -> None:
    terminal.types("keys", "rotate")
    with time_machine.travel(clock.now() + timedelta(seconds=10), tick=True):
        said = Terminal(terminal.folder, redis_url=own_valkey.url).types("doctor")
    assert said.status == 1
    for whose in ("the database", "redis"):
        assert re.search(rf"^problem  clock: ours and that of {whose}.* differ by (9|10)\.", said.out, re.MULTILINE)
    assert said.out.count("synchronise both machines (NTP)") == 2
