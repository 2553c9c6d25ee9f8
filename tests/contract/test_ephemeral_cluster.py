"""What a wave does on a cluster: all nodes are written to before any is read, and slots may move under it."""

from __future__ import annotations

import time
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import RedisError

from idp import clock
from idp.ephemeral import Claim, Count, Read, Step, Take, Write
from idp.errors import TemporarilyUnavailable
from idp.storage.redis import RedisEphemeral, cluster
from idp.storage.redis.node import Link
from idp.storage.redis.slots import slot_of
from tests.support.login.stopwatch import took
from tests.support.valkey import ValkeyCluster

if TYPE_CHECKING:
    from tests.support.valkey import ValkeyServer

LONGEST_SECONDS = 1.0


def a_key_on_each(cluster: ValkeyCluster) -> list[str]:
    """Return new keys, one for each node, in the order of the nodes."""
    found: dict[int, str] = {}
    while len(found) < len(cluster.nodes):
        key = token_hex(8)
        found.setdefault(cluster.holder_of(slot_of(key)).pid, key)
    return [found[node.pid] for node in cluster.nodes]


def wave_when_ready(port: RedisEphemeral, *steps: Step) -> list[Any]:
    """Run a wave as soon as the cluster takes it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return port.wave(*steps)
        except TemporarilyUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@pytest.mark.parametrize("key", ["a", "{a}b", "x{y}z", "{}a", "a{}b{c}", "{{a}}b", "{a", "a}b{", "ключ", ""])
def test_a_slot_is_the_one_that_the_server_computes(valkey_cluster: ValkeyCluster, key: str) -> None:
    assert slot_of(key) == valkey_cluster.nodes[0].ask("CLUSTER", "KEYSLOT", key)


def test_all_nodes_are_written_to_before_any_is_read(
    valkey_cluster: ValkeyCluster, port: RedisEphemeral, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    send, read = Link.send, Link.read

    def send_aloud(link: Link, payload: bytes) -> None:
        heard.append("write")
        send(link, payload)

    def read_aloud(link: Link, *, replies: int) -> list[Any]:
        heard.append("read")
        return read(link, replies=replies)

    monkeypatch.setattr(Link, "send", send_aloud)
    monkeypatch.setattr(Link, "read", read_aloud)
    keys = a_key_on_each(valkey_cluster)
    assert port.wave(*(Count(key, 60) for key in keys * 2)) == [1, 1, 1, 2, 2, 2]
    assert heard == ["write", "write", "write", "read", "read", "read"]


def test_an_answer_that_lies_there_is_read_however_late_we_look(
    valkey_cluster: ValkeyCluster, port: RedisEphemeral, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_time = cluster._require_time

    def look_late(_deadline: float, link: Link) -> None:
        while link.is_ready():
            time.sleep(0.001)
        require_time(0.0, link)

    monkeypatch.setattr(cluster, "_require_time", look_late)
    assert port.wave(*(Count(key, 60) for key in a_key_on_each(valkey_cluster))) == [1, 1, 1]


@pytest.mark.spec("F05")
@pytest.mark.parametrize("hung", [0, 1, 2])
def test_when_one_node_hangs_the_others_have_got_their_part_and_all_fails_in_time(
    valkey_cluster: ValkeyCluster, port: RedisEphemeral, hung: int
) -> None:
    keys = a_key_on_each(valkey_cluster)
    node = valkey_cluster.nodes[hung]
    hurried = RedisEphemeral(valkey_cluster.url)
    hurried.ping()

    def fails() -> None:
        with pytest.raises(TemporarilyUnavailable):
            hurried.wave(*(Count(key, 60) for key in keys))

    node.hang()
    seconds = took(fails)
    others = [other.ask("GET", key) for other, key in zip(valkey_cluster.nodes, keys, strict=True) if other is not node]
    node.go_on()
    hurried.close()
    assert seconds < LONGEST_SECONDS
    assert others == [b"1", b"1"]
    assert wave_when_ready(port, *(Count(key, 60) for key in keys)) == [2, 2, 2]


def test_a_slot_that_moved_is_followed_and_only_what_moved_is_sent_again(
    valkey_cluster: ValkeyCluster, port: RedisEphemeral
) -> None:
    stays, moves, _ = a_key_on_each(valkey_cluster)
    same_slot = f"{{{moves}}}:count"
    port.wave(Write(moves, b"x", 60), Count(same_slot, 60))
    source, target = valkey_cluster.nodes[1], valkey_cluster.nodes[2]
    move_slot(slot_of(moves), source=source, target=target)
    answers = port.wave(Count(stays, 60), Read(moves), Take(moves), Count(same_slot, 60), Count(stays, 60))
    assert answers == [1, b"x", b"x", 2, 2]
    assert port.wave(Count(stays, 60), Count(same_slot, 60)) == [3, 3]
    assert 0 < target.ask("TTL", same_slot) <= 60


def test_a_slot_that_is_moving_is_asked_for_at_both_nodes(valkey_cluster: ValkeyCluster, port: RedisEphemeral) -> None:
    stays, _, moves = a_key_on_each(valkey_cluster)
    gone = f"{{{moves}}}:gone"
    port.wave(Write(moves, b"here", 60), Write(gone, b"there", 60))
    source, target = valkey_cluster.nodes[2], valkey_cluster.nodes[0]
    begin_move(slot_of(moves), source=source, target=target)
    source.ask("MIGRATE", "127.0.0.1", target.options["port"], gone, 0, 20_000)
    new = f"{{{moves}}}:new"
    answers = port.wave(Count(stays, 60), Take(gone), Read(moves), Count(new, 60), Take(gone))
    assert answers == [1, b"there", b"here", 1, None]
    assert 0 < target.ask("CLUSTER", "COUNTKEYSINSLOT", slot_of(moves)) <= 1
    source.ask("CLUSTER", "SETSLOT", slot_of(moves), "STABLE")
    target.ask("CLUSTER", "SETSLOT", slot_of(moves), "STABLE")


@pytest.mark.spec("F02", "CA-04")
def test_marks_of_a_flushed_node_are_whole_only_since_the_flush_and_those_of_the_others_stay() -> None:
    cluster = ValkeyCluster.start()
    port = RedisEphemeral(cluster.url)
    names = [f"jti-{number}" for number in range(100)]
    before = port.wave(*(Claim(name, 60) for name in names))
    flushed = clock.now().timestamp()
    cluster.nodes[0].ask("FLUSHALL")
    after = port.wave(*(Claim(name, 60) for name in names))
    lost = [answer for answer in after if answer.first]
    assert lost
    assert all(answer.since >= flushed for answer in lost)
    kept = [(one.since, two.since) for one, two in zip(before, after, strict=True) if not two.first]
    assert kept
    assert all(one == two for one, two in kept)
    port.close()
    cluster.stop()


@pytest.mark.spec("F03")
def test_after_a_failover_waves_follow_and_marks_are_whole_only_since_then() -> None:
    cluster = ValkeyCluster.start()
    old = cluster.nodes[0]
    new = cluster.replica(of=old)
    port = RedisEphemeral(cluster.url)
    names = [f"jti-{number}" for number in range(100)]
    port.wave(*(Claim(name, 60) for name in names), Write("k", b"x", 60))
    assert old.ask("WAIT", 1, 20_000) == 1
    before = clock.now().timestamp()
    old.kill()
    force_takeover(new)
    after = wave_when_ready(port, *(Claim(name, 60) for name in names))
    assert not any(answer.first for answer in after)
    moved = [answer for answer in after if answer.since >= before]
    assert 0 < len(moved) < len(after)
    assert wave_when_ready(port, Read("k")) == [b"x"]
    port.close()
    cluster.stop()


def begin_move(slot: int, *, source: ValkeyServer, target: ValkeyServer) -> None:
    """Put a slot into the state between two nodes."""
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.ask("CLUSTER", "MYID"))
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.ask("CLUSTER", "MYID"))


def move_slot(slot: int, *, source: ValkeyServer, target: ValkeyServer) -> None:
    """Move a slot and its keys to another node."""
    begin_move(slot, source=source, target=target)
    for key in source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
        source.ask("MIGRATE", "127.0.0.1", target.options["port"], key, 0, 20_000)
    for node in (target, source):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.ask("CLUSTER", "MYID"))


def force_takeover(replica: ValkeyServer) -> None:
    """Make a replica the primary though its own is dead."""
    replica.ask("CLUSTER", "FAILOVER", "TAKEOVER")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if replica.client.info("replication")["role"] == "master":
                return
        except RedisError:
            pass
        time.sleep(0.02)
    raise RuntimeError("the replica did not take over")
