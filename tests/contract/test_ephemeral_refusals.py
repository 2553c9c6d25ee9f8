"""Servers that answer with a no, with somebody else's certificate or not at all: waves fail closed, and come back."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

from idp.ephemeral import Count, Read, Write
from idp.errors import TemporarilyUnavailable
from idp.storage.redis import RedisEphemeral, cluster, slots
from idp.storage.redis.inspection import inspect
from idp.storage.redis.node import WHOLE_OR_NOTHING_BYTES, Link
from idp.storage.redis.slots import slot_of
from tests.contract.test_ephemeral_cluster import a_key_on_each, wave_when_ready
from tests.support.demo import until
from tests.support.foreign.authority import TestAuthority
from tests.support.login.stopwatch import took

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.valkey import ValkeyCluster, ValkeyServer

LONGEST_SECONDS = 1.0


def refused(port: RedisEphemeral, key: str = "c") -> str:
    """Return for what reason a wave fails closed."""
    with pytest.raises(TemporarilyUnavailable) as why:
        port.wave(Count(key, 60))
    return why.value.detail


# --------------------------------------------------------------------------------------------------- TLS


@contextmanager
def behind_tls(server: ValkeyServer, tls: ssl.SSLContext) -> Iterator[tuple[int, list[asyncio.StreamWriter]]]:
    """Speak TLS in front of a server that was built without; give the port, and a list of who has come."""
    came: list[asyncio.StreamWriter] = []
    ready: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def passes_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        finally:
            writer.close()

    async def comes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        from_server, to_server = await asyncio.open_unix_connection(server.options["unixsocket"])
        await asyncio.gather(passes_on(reader, to_server), passes_on(from_server, writer), return_exceptions=True)

    async def serves() -> None:
        serving, over = await asyncio.start_server(comes, "127.0.0.1", 0, ssl=tls), asyncio.Event()
        ready.set_result((serving.sockets[0].getsockname()[1], asyncio.get_running_loop(), over))
        await over.wait()
        serving.close()

    thread = threading.Thread(target=asyncio.run, args=[serves()])
    thread.start()
    number, loop, over = ready.result()
    try:
        yield number, came
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


@pytest.mark.spec("F01", "F05")
def test_over_tls_a_link_is_used_again_and_one_that_was_closed_is_not_noticed(
    server: ValkeyServer, tmp_path: Path
) -> None:
    ours, theirs = TestAuthority.make(tmp_path / "ours"), TestAuthority.make(tmp_path / "theirs")
    large = token_hex(50_000).encode()
    with behind_tls(server, ours.serves("localhost")) as (number, came):
        port = RedisEphemeral(f"rediss://localhost:{number}?ssl_ca_certs={ours.ca_file}")
        stranger = RedisEphemeral(f"rediss://localhost:{number}?ssl_ca_certs={theirs.ca_file}")
        assert "CERTIFICATE_VERIFY_FAILED" in refused(stranger)
        assert [port.wave(Write("k", large, 60), Read("k")) for _ in range(5)] == [[None, large]] * 5
        assert len(came) == 1, "the stranger did not come to the server"
        server.kill()
        server.start()
        assert port.wave(Read("k")) == [large]
        came[-1].get_extra_info("socket").shutdown(socket.SHUT_RDWR)  # without a word of TLS
        assert port.wave(Read("k")) == [large]
        assert len(came) == 3
        server.hang()
        assert took(lambda: refused(port)) < LONGEST_SECONDS
        server.go_on()
        port.close()


# ------------------------------------------------------------------------------------------------- a server


@pytest.mark.parametrize(
    ("denied", "works", "is_ready"), [("+ping", True, True), ("-ping", True, False), ("-info", False, False)]
)
def test_a_server_that_denies_what_is_needed_is_not_ready(
    server: ValkeyServer, denied: str, *, works: bool, is_ready: bool
) -> None:
    server.ask("ACL", "SETUSER", "default", denied, "-config")
    port = RedisEphemeral(server.url)
    if works:
        assert port.wave(Count("c", 60)) == [1]
    else:
        assert "does not say who it is" in refused(port)
    assert (not _is_away(port)) == is_ready
    (state,) = inspect(server.url)
    assert (state.policy, state.append_only) == (None, None)
    port.close()


@pytest.mark.spec("F01")
def test_a_server_that_still_reads_its_file_is_away_until_it_has(server: ValkeyServer) -> None:
    with server.client.pipeline(transaction=False) as many:
        for number in range(5000):
            many.set(f"k{number}", "x")
        many.execute()
    server.kill()
    server.options["key-load-delay"] = "200"  # microseconds for each
    port = RedisEphemeral(server.url, connect_seconds=20, answer_seconds=20)
    with ThreadPoolExecutor(1) as hand:
        loading = hand.submit(
            until, lambda: "BusyLoadingError: Valkey is loading the dataset in memory" in _is_away(port)
        )
        server.start()
        assert loading.result()
    assert until(lambda: not _is_away(port))
    assert port.wave(Read("k4999")) == [b"x"]
    port.close()


def test_what_breaks_in_the_very_write_is_sent_again_where_nothing_of_it_can_have_been_done(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Link, "is_ready", lambda _: True)
    port = RedisEphemeral(server.url, connect_seconds=20, answer_seconds=20)
    for size, is_sent_again in ((10, True), (WHOLE_OR_NOTHING_BYTES, False)):
        port.wave(Count("c", 60))
        server.kill()
        server.start()
        if is_sent_again:
            assert port.wave(Write("k", b"x" * size, 60), Read("k")) == [None, b"x" * size]
        else:
            with pytest.raises(TemporarilyUnavailable) as why:
                port.wave(Write("k", b"x" * size, 60))
            assert "not written" in why.value.detail
    port.close()


def test_a_server_that_dies_over_a_wave_is_away_at_once(server: ValkeyServer) -> None:
    port = RedisEphemeral(server.url, connect_seconds=20, answer_seconds=20)
    port.ping()
    server.hang()
    with ThreadPoolExecutor(1) as hand:
        why = hand.submit(refused, port)
        time.sleep(0.2)
        server.kill()
        assert took(why.result) < LONGEST_SECONDS
    assert "not read" in why.result()
    port.close()


def _is_away(port: RedisEphemeral) -> set[str]:
    """Return the reason why it is not ready, if it is not."""
    try:
        port.ping()
    except TemporarilyUnavailable as why:
        return {why.detail}
    return set()


# ------------------------------------------------------------------------------------------------ a cluster


def test_a_slot_that_nobody_holds_is_refused_until_somebody_does(
    valkey_cluster: ValkeyCluster, port: RedisEphemeral
) -> None:
    key, other, _ = a_key_on_each(valkey_cluster)
    for node in valkey_cluster.nodes:
        node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
        node.ask("CLUSTER", "DELSLOTS", slot_of(key))
    assert "ClusterDownError" in refused(port, key)
    time.sleep(slots.PAUSE_SECONDS)
    assert "no node holds slot" in refused(port, key)
    assert port.wave(Count(other, 60)) == [1]
    valkey_cluster.nodes[0].ask("CLUSTER", "ADDSLOTS", slot_of(key))
    assert wave_when_ready(port, Count(key, 60)) == [1]


def test_a_cluster_of_which_one_node_does_not_answer_or_denies_it_is_not_ready(valkey_cluster: ValkeyCluster) -> None:
    port, node = RedisEphemeral(valkey_cluster.url), valkey_cluster.nodes[1]
    port.ping()
    node.hang()
    assert _is_away(port)
    node.go_on()
    assert until(lambda: not _is_away(port))
    node.ask("ACL", "SETUSER", "default", "-ping")
    assert _is_away(port)
    node.ask("ACL", "SETUSER", "default", "+ping")
    assert until(lambda: not _is_away(port))
    port.close()


def test_time_that_all_nodes_have_together_is_over_when_nothing_lies_there(
    valkey_cluster: ValkeyCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "BUDGET_SECONDS", -20.0)
    port = RedisEphemeral(valkey_cluster.url, connect_seconds=20, answer_seconds=20)
    port.ping()
    node, key = valkey_cluster.nodes[0], a_key_on_each(valkey_cluster)[0]
    node.hang()
    with ThreadPoolExecutor(1) as hand:
        why = hand.submit(refused, port, key)
        is_over = until(why.done, seconds=5)
        node.go_on()
    assert (is_over, why.result()) == (True, "ConnectionError: the nodes of the cluster did not answer in time")
    port.close()


def test_while_one_asks_for_the_map_the_others_go_on_with_what_is_known(port: RedisEphemeral) -> None:
    known = port._servers()._map  # type: ignore[union-attr]  # of a cluster
    known.doubt()
    known._next_look = 0.0
    with known._asking:
        assert port.wave(Count(token_hex(8), 60)) == [1]


def test_who_waits_for_a_map_that_nobody_gives_shares_what_the_first_one_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SEARCH_SECONDS", 1.5)
    with ExitStack() as silent:
        nodes = [silent.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64)) for _ in range(6)]
        places = ",".join(f"127.0.0.1:{node.getsockname()[1]}" for node in nodes)
        port = RedisEphemeral(f"redis+cluster://{places}", connect_seconds=1, answer_seconds=1)
        with ThreadPoolExecutor(8) as hands:
            assert set(hands.map(refused, [port] * 8)) == {f"ConnectionError: {slots.NO_MAP}"}
        port.close()
        asked = 0
        for node in nodes:
            while select.select([node], [], [], 0)[0]:
                node.accept()[0].close()
                asked += 1
        assert asked == 2
