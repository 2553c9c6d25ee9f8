"""What every backend of `Ephemeral` does, on a Valkey alone and on a cluster of three nodes."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

from idp import clock
from idp.ephemeral import Claim, Count, Drop, Read, Replace, Take, Write
from idp.errors import SettingsError, TemporarilyUnavailable
from idp.storage.redis import RedisEphemeral
from idp.storage.redis.address import read_address
from idp.storage.redis.node import Link
from tests.support.valkey import ValkeyServer
from tests.support.wiretap import Wiretap

if TYPE_CHECKING:
    from idp.ephemeral import Ephemeral
    from idp.storage.redis.address import Address, Timeouts
    from tests.support.valkey import ValkeyCluster

THREADS = 50


@pytest.fixture
def key() -> str:
    """Give a key that no other test uses."""
    return f"test:{token_hex(8)}"


def test_redis_ephemeral_is_the_port(ephemeral: RedisEphemeral) -> None:
    port: Ephemeral = ephemeral
    assert port.wave() == []


def test_a_written_value_can_be_read_and_a_missing_one_is_none(ephemeral: RedisEphemeral, key: str) -> None:
    binary = bytes(range(256))
    assert ephemeral.wave(Write(key, binary, 60), Read(key), Read(f"{key}:missing")) == [None, binary, None]


def test_a_value_is_taken_once(ephemeral: RedisEphemeral, key: str) -> None:
    ephemeral.wave(Write(key, b"code", 60))
    assert ephemeral.wave(Take(key), Take(key), Read(key)) == [b"code", None, None]


def test_of_fifty_threads_one_takes_the_value(ephemeral: RedisEphemeral, key: str) -> None:
    ephemeral.wave(Write(key, b"code", 60))
    with ThreadPoolExecutor(THREADS) as threads:
        taken = list(threads.map(lambda _: ephemeral.wave(Take(key))[0], range(THREADS)))
    assert (taken.count(b"code"), taken.count(None)) == (1, THREADS - 1)


def test_of_fifty_threads_one_is_first_to_claim(ephemeral: RedisEphemeral, key: str) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        claimed = list(threads.map(lambda _: ephemeral.wave(Claim(key, 60))[0], range(THREADS)))
    assert [answer.first for answer in claimed].count(True) == 1


def test_fifty_threads_never_read_one_anothers_answers(ephemeral: RedisEphemeral, key: str) -> None:
    def write_and_read(number: int) -> bool:
        mine = f"{key}:{number}"
        return bool(ephemeral.wave(Write(mine, mine.encode(), 60), Read(mine))[1] == mine.encode())

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(write_and_read, range(THREADS * 10)))


def test_one_thread_at_a_time_opens_a_link_and_the_others_take_what_came_back(
    ephemeral: RedisEphemeral, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_link = Link.open
    knocking: list[Address] = []
    together: list[int] = []

    def open_slowly(address: Address, timeouts: Timeouts) -> Link:
        knocking.append(address)
        together.append(knocking.count(address))
        time.sleep(0.01)
        try:
            return open_link(address, timeouts)
        finally:
            knocking.remove(address)

    monkeypatch.setattr(Link, "open", open_slowly)
    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(lambda _: ephemeral.wave(Read(key)), range(THREADS))) == [[None]] * THREADS
    assert max(together) == 1
    assert len(together) < THREADS


def test_a_value_lives_as_long_as_it_was_given(ephemeral: RedisEphemeral, key: str) -> None:
    ephemeral.wave(Write(key, b"x", 1), Write(f"{key}:longer", b"y", 60))
    time.sleep(1.1)
    assert ephemeral.wave(Read(key), Read(f"{key}:longer")) == [None, b"y"]


def test_what_was_ended_is_not_replaced_and_what_lives_is(ephemeral: RedisEphemeral, key: str) -> None:
    ephemeral.wave(Write(key, b"old", 60))
    assert ephemeral.wave(Replace(key, b"new", 60), Read(key)) == [True, b"new"]
    ephemeral.wave(Drop(key))
    assert ephemeral.wave(Replace(key, b"newer", 60), Read(key)) == [False, None]


def test_dropping_says_whether_something_was_there(ephemeral: RedisEphemeral, key: str) -> None:
    ephemeral.wave(Write(key, b"x", 60))
    assert ephemeral.wave(Drop(key), Drop(key), Read(key)) == [True, False, None]


def test_a_counter_counts_within_its_window_and_later_counts_do_not_prolong_it(
    ephemeral: RedisEphemeral, key: str
) -> None:
    assert ephemeral.wave(Count(key, 1), Count(key, 60), Count(key, 60)) == [1, 2, 3]
    time.sleep(1.1)
    assert ephemeral.wave(Count(key, 60)) == [1]


def test_a_counter_that_lost_its_end_gets_one_at_the_next_count(lone_valkey: ValkeyServer, key: str) -> None:
    port = RedisEphemeral(lone_valkey.url)
    lone_valkey.ask("SET", key, "7")
    assert lone_valkey.ask("TTL", key) == -1
    assert port.wave(Count(key, 60)) == [8]
    assert 0 < lone_valkey.ask("TTL", key) <= 60
    port.close()


def test_a_mark_is_first_once_and_again_when_its_time_is_over(ephemeral: RedisEphemeral, key: str) -> None:
    first, second = ephemeral.wave(Claim(key, 1), Claim(key, 1))
    assert (first.first, second.first) == (True, False)
    time.sleep(1.1)
    assert ephemeral.wave(Claim(key, 60))[0].first


def test_marks_are_whole_since_an_instant_before_the_claim_that_stays(ephemeral: RedisEphemeral, key: str) -> None:
    ephemeral.ping()
    before = clock.now().timestamp()
    sinces = [ephemeral.wave(Claim(key, 60))[0].since for _ in range(3)]
    ephemeral.close()
    sinces.append(ephemeral.wave(Claim(key, 60))[0].since)
    assert len(set(sinces)) == 1
    assert sinces[0] <= before


def test_marks_and_values_of_one_name_do_not_meet(ephemeral: RedisEphemeral, key: str) -> None:
    answers = ephemeral.wave(Claim(key, 60), Read(key), Drop(key), Write(key, b"x", 60), Claim(key, 60))
    assert [answers[1], answers[2], answers[4].first] == [None, False, False]


def test_answers_come_in_the_order_of_the_steps(ephemeral: RedisEphemeral, key: str) -> None:
    steps = [Write(f"{key}:{number}", b"%d" % number, 60) for number in range(30)]
    reads = [Read(f"{key}:{number}") for number in range(30)]
    assert ephemeral.wave(*steps, *reads)[30:] == [b"%d" % number for number in range(30)]


def test_a_large_value_passes(ephemeral: RedisEphemeral, key: str) -> None:
    value = os.urandom(1_000_000)
    assert ephemeral.wave(Write(key, value, 60), Take(key)) == [None, value]


def test_a_lifetime_of_nothing_is_the_callers_mistake(ephemeral: RedisEphemeral, key: str) -> None:
    with pytest.raises(ValueError, match="at least one second"):
        ephemeral.wave(Write(key, b"x", 0))
    assert ephemeral.wave(Write(key, b"x", 1)) == [None]


def test_a_key_of_the_wrong_type_fails_closed_and_leaves_no_answer_behind(lone_valkey: ValkeyServer, key: str) -> None:
    port = RedisEphemeral(lone_valkey.url)
    lone_valkey.ask("LPUSH", key, "not", "a", "string")
    with pytest.raises(TemporarilyUnavailable) as refused:
        port.wave(Write(f"{key}:1", b"x", 60), Take(key), Count(key, 60))
    assert "WRONGTYPE" in refused.value.detail
    assert key not in refused.value.detail
    assert port.wave(Read(f"{key}:1"), Read(f"{key}:2")) == [b"x", None]
    port.close()


def test_a_wave_of_every_step_is_one_round_trip(lone_valkey: ValkeyServer, key: str) -> None:
    steps = (Read(key), Take(key), Write(key, b"x", 60), Replace(key, b"y", 60), Drop(key))
    with Wiretap(lone_valkey.folder / "s") as wire:
        port = RedisEphemeral(wire.url)
        port.ping()
        before = wire.round_trips
        port.wave(*steps, Count(f"{key}:count", 60), Claim(key, 60))
        assert (wire.round_trips - before, wire.connections) == (1, 1)
        port.wave(Read(key))
        assert (wire.round_trips - before, wire.connections) == (2, 1)
        port.close()


def test_nothing_is_connected_before_the_first_wave(lone_valkey: ValkeyServer) -> None:
    with Wiretap(lone_valkey.folder / "s") as wire:
        port = RedisEphemeral(wire.url)
        assert wire.connections == 0
        port.ping()
        assert wire.connections == 1
        port.close()


def test_a_forked_process_has_connections_of_its_own(ephemeral: RedisEphemeral, key: str) -> None:
    ephemeral.wave(Write(key, b"before", 60))
    child = os.fork()
    if child == 0:
        is_right = False
        try:
            is_right = ephemeral.wave(Read(key)) == [b"before"] and ephemeral.wave(Count(f"{key}:c", 60)) == [1]
        finally:  # whatever happened: nobody else may go on with the tests
            os._exit(0 if is_right else 1)
    for _ in range(20):
        assert ephemeral.wave(Read(key)) == [b"before"]
    assert os.waitpid(child, 0)[1] == 0
    assert ephemeral.wave(Count(f"{key}:c", 60)) == [2]


def test_a_server_with_a_password_lets_in_who_knows_it() -> None:
    server = ValkeyServer.on_port(requirepass="")
    server.ask("CONFIG", "SET", "requirepass", "right")
    host = server.url.removeprefix("redis://")
    knows = RedisEphemeral(f"redis://:right@{host}")
    guesses = RedisEphemeral(f"redis://:wrong@{host}")
    knows.ping()
    with pytest.raises(TemporarilyUnavailable) as refused:
        guesses.ping()
    assert "wrong" not in refused.value.detail
    knows.close()
    server.stop()


@pytest.mark.parametrize(
    ("url", "names", "is_cluster"),
    [
        ("unix:///run/sen/a%20b.sock", ["/run/sen/a b.sock"], False),
        ("redis://localhost", ["localhost:6379"], False),
        ("rediss://:p%40ss@redis.internal:7000/2", ["redis.internal:7000"], False),
        ("redis+cluster://u:p@10.0.0.1:7000,10.0.0.2:7001", ["10.0.0.1:7000", "10.0.0.2:7001"], True),
        ("rediss+cluster://one:7000,two:7000?ssl_ca_certs=/ca.pem", ["one:7000", "two:7000"], True),
    ],
)
def test_an_address_names_its_servers(url: str, names: list[str], is_cluster: bool) -> None:  # noqa: FBT001 - a column
    place = read_address(url)
    assert ([address.name for address in place.addresses], place.is_cluster) == (names, is_cluster)


@pytest.mark.parametrize(
    "url", ["", "http://:secret@host", "unix://", "redis+cluster://", "redis://:secret@host:port", "redis"]
)
def test_an_address_that_is_none_gets_one_sentence_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_address(url)
    (sentence,) = refused.value.reasons
    assert "secret" not in sentence


def test_a_cluster_is_ready_when_all_nodes_answer(valkey_cluster: ValkeyCluster) -> None:
    port = RedisEphemeral(valkey_cluster.url)
    port.ping()
    port.close()
