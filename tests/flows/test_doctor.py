"""`sen doctor`: one line for each thing that must hold, and what to do about each that does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from tests.support.valkey import ValkeyServer


def test_the_doctor_finds_a_healthy_house_healthy(terminal: Terminal, own_valkey: ValkeyServer) -> None:
    terminal.types("keys", "rotate")
    healthy = Terminal(terminal.folder, redis_url=own_valkey.url)
    said = healthy.types("doctor")
    assert "problem" not in said.out
    assert said.status == 0
    for word in ("settings", "storage", "migrations", "redis", "keys", "clock", "file rights", "data", "notices"):
        assert re.search(rf"^ok +{word}", said.out, re.MULTILINE), word


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
