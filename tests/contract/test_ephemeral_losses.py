"""What a wave does when its server is killed, hung, full, flushed or restored from an older file."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from idp import clock
from idp.ephemeral import Claim, Count, Drop, Read, Take, Write
from idp.errors import TemporarilyUnavailable
from idp.storage.redis import RedisEphemeral
from tests.support.demo import until
from tests.support.login.stopwatch import took
from tests.support.valkey import ValkeyServer
from tests.support.wiretap import Wiretap

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_SECONDS = 1.0
ANSWER_SECONDS = 0.4


@pytest.fixture
def port(server: ValkeyServer) -> Iterator[RedisEphemeral]:
    """Give the port to that Valkey, already used once."""
    port = RedisEphemeral(server.url)
    port.ping()
    yield port
    port.close()


def seconds_until_refused(port: RedisEphemeral) -> float:
    """Return how long a wave takes to fail closed."""

    def fails() -> None:
        with pytest.raises(TemporarilyUnavailable):
            port.wave(Count("c", 60))

    return took(fails)


def wait_until_back(port: RedisEphemeral) -> float:
    """Return how long it takes until waves work again."""

    def comes_back() -> bool:
        try:
            port.ping()
        except TemporarilyUnavailable:
            return False
        return True

    return took(lambda: until(comes_back))


@pytest.mark.spec("F01")
def test_a_dead_server_costs_less_than_a_second_and_comes_back(server: ValkeyServer, port: RedisEphemeral) -> None:
    port.wave(Write("k", b"kept", 60))
    server.kill()
    assert max(seconds_until_refused(port) for _ in range(5)) < LONGEST_SECONDS
    server.start()
    assert wait_until_back(port) < LONGEST_SECONDS
    assert port.wave(Read("k")) == [b"kept"]


@pytest.mark.spec("F01")
def test_a_server_that_was_restarted_between_two_waves_is_not_noticed() -> None:
    for server in (ValkeyServer.alone(), ValkeyServer.on_port()):
        port = RedisEphemeral(server.url)
        port.wave(Write("k", b"kept", 60))
        server.kill()
        server.start()
        assert port.wave(Take("k"), Take("k")) == [b"kept", None]
        port.close()
        server.stop()


def test_a_server_that_is_not_there_costs_less_than_a_second() -> None:
    for url in ("unix:///nowhere/at/all", "redis://127.0.0.1:1", "redis://192.0.2.1", "redis+cluster://192.0.2.1:1"):
        assert seconds_until_refused(RedisEphemeral(url)) < LONGEST_SECONDS


@pytest.mark.spec("F05")
def test_a_hung_server_costs_less_than_a_second_and_recovers(server: ValkeyServer, port: RedisEphemeral) -> None:
    server.hang()
    assert max(seconds_until_refused(port) for _ in range(5)) < LONGEST_SECONDS
    server.go_on()
    assert wait_until_back(port) < LONGEST_SECONDS
    assert port.wave(Write("k", b"x", 60), Read("k")) == [None, b"x"]


@pytest.mark.spec("F05")
def test_a_server_that_hangs_before_the_first_connection_costs_less_than_a_second(server: ValkeyServer) -> None:
    port = RedisEphemeral(server.url)
    server.hang()
    assert seconds_until_refused(port) < LONGEST_SECONDS
    server.go_on()
    assert wait_until_back(port) < LONGEST_SECONDS
    port.close()


@pytest.mark.spec("F05")
def test_a_hung_server_does_not_pile_up_threads(server: ValkeyServer, port: RedisEphemeral) -> None:
    server.hang()
    with ThreadPoolExecutor(20) as threads:
        first = max(threads.map(lambda _: seconds_until_refused(port), range(20)))
    with ThreadPoolExecutor(20) as threads:
        waits = sorted(threads.map(lambda _: seconds_until_refused(port), range(400)))
    assert first < LONGEST_SECONDS
    assert waits[380] < ANSWER_SECONDS  # so many were turned away without asking it
    server.go_on()
    assert wait_until_back(port) < LONGEST_SECONDS


@pytest.mark.spec("F04")
def test_a_full_server_refuses_to_write_and_still_reads_and_removes(server: ValkeyServer, port: RedisEphemeral) -> None:
    port.wave(Write("session", b"s", 60), Write("code", b"c", 60))
    server.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(TemporarilyUnavailable) as refused:
        port.wave(Write("new", b"n", 60))
    assert "OutOfMemory" in refused.value.detail
    with pytest.raises(TemporarilyUnavailable):
        port.wave(Claim("jti", 60))
    assert port.wave(Read("session"), Take("code"), Drop("session")) == [b"s", b"c", True]
    server.ask("CONFIG", "SET", "maxmemory", "0")
    assert port.wave(Write("new", b"n", 60), Read("new")) == [None, b"n"]


def test_an_answer_that_is_lost_after_the_server_acted_is_never_sent_again(server: ValkeyServer) -> None:
    with Wiretap(server.folder / "s") as wire:
        port = RedisEphemeral(wire.url)
        assert port.wave(Count("c", 60)) == [1]
        wire.swallow_answers = True
        with pytest.raises(TemporarilyUnavailable):
            port.wave(Count("c", 60))
        wire.swallow_answers = False
        assert port.wave(Count("c", 60)) == [3]
        port.close()


def test_a_replica_is_left_for_the_primary_that_the_address_leads_to(
    server: ValkeyServer, port: RedisEphemeral
) -> None:
    port.wave(Write("k", b"x", 60))
    server.ask("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(TemporarilyUnavailable) as refused:
        port.wave(Write("k", b"y", 60))
    assert "replica" in refused.value.detail
    server.ask("REPLICAOF", "NO", "ONE")
    assert port.wave(Write("k", b"y", 60), Read("k")) == [None, b"y"]


@pytest.mark.spec("F02", "CA-04")
def test_after_a_flush_every_mark_is_whole_only_since_the_flush(server: ValkeyServer, port: RedisEphemeral) -> None:
    names = [f"jti-{number}" for number in range(100)]
    assert all(answer.first for answer in port.wave(*(Claim(name, 60) for name in names)))
    flushed = clock.now().timestamp()
    server.ask("FLUSHALL")
    replayed = port.wave(*(Claim(name, 60) for name in names))
    assert all(answer.first and answer.since >= flushed for answer in replayed)


@pytest.mark.spec("F02")
def test_after_a_flush_one_claim_pays_and_the_next_ones_know_an_instant_before_them(
    server: ValkeyServer, port: RedisEphemeral
) -> None:
    port.wave(Claim("one", 60))
    server.ask("FLUSHALL")
    port.wave(Claim("two", 60))
    asked = clock.now().timestamp()
    answers = port.wave(*(Claim(f"jti-{number}", 60) for number in range(100)))
    assert all(answer.first and answer.since <= asked for answer in answers)


@pytest.mark.spec("F02", "CA-04")
def test_a_restart_over_its_own_file_keeps_marks_and_counts_and_moves_the_instant(
    server: ValkeyServer, port: RedisEphemeral
) -> None:
    port.wave(Claim("jti", 60), Count("c", 60))
    server.kill()
    stopped = clock.now().timestamp()
    server.start()
    claimed, count = port.wave(Claim("jti", 60), Count("c", 60))
    assert not claimed.first
    assert claimed.since >= stopped
    assert count == 2


@pytest.mark.spec("F02", "CA-04")
def test_a_restart_over_an_older_file_moves_the_instant_past_the_marks_that_are_gone(
    server: ValkeyServer, port: RedisEphemeral
) -> None:
    port.wave(Claim("old", 60))
    older = shutil.copytree(server.folder / "appendonlydir", server.folder / "older")
    port.wave(Claim("jti", 60))
    marked = clock.now().timestamp()
    server.kill()
    shutil.rmtree(server.folder / "appendonlydir")
    shutil.move(older, server.folder / "appendonlydir")
    server.start()
    old, jti = port.wave(Claim("old", 60), Claim("jti", 60))
    assert (old.first, jti.first) == (False, True)
    assert jti.since >= marked


def test_an_epoch_that_another_server_wrote_is_not_believed(server: ValkeyServer, port: RedisEphemeral) -> None:
    port.wave(Claim("jti", 60))
    began = clock.now().timestamp()
    for bucket in range(16):
        server.ask("SET", f"{{r{bucket}}}:epoch", f"1000.0 {'a' * 40}")
    assert port.wave(Claim("jti", 60))[0].since >= began
    asked = clock.now().timestamp()
    assert began <= port.wave(Claim("jti", 60))[0].since <= asked
