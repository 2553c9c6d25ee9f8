"""What a house asks of its stores: a wire to the memory, which one can cut too, and what SQLite is told."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from sqlalchemy import event

from idp import clock
from tests.support.house import House

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from tests.support.portal import Portal
    from tests.support.valkey import ValkeyServer


@dataclass(slots=True)
class Wire:
    """One connection: whether the last bytes on it went to the server."""

    is_asking: bool = False


class Wiretap:
    """Passes bytes on in both directions and counts round trips.

    A round trip begins where bytes go to the server after bytes came from it, or at the very first ones. With
    `swallow_answers` the server gets everything and its answers are lost, as when a machine dies in between.
    """

    def __init__(self, server: Path) -> None:
        self.round_trips = 0
        self.connections = 0
        self.swallow_answers = False
        self.folder = Path(tempfile.mkdtemp(prefix="sen-wire-"))
        self.url = f"unix://{self.folder / 's'}"
        self._server = server
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = self._owned(socket.socket(socket.AF_UNIX))
        self._listener.bind(str(self.folder / "s"))
        self._listener.listen()
        self._run(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._sockets:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            wire.close()
        for thread in self._threads:
            thread.join(5)
        shutil.rmtree(self.folder)

    def _accept(self) -> None:
        while True:
            try:
                program = self._owned(self._listener.accept()[0])
            except OSError:
                return
            server = self._owned(socket.socket(socket.AF_UNIX))
            server.connect(str(self._server))
            self.connections += 1
            wire = Wire()
            self._run(self._pass_requests, program, server, wire)
            self._run(self._pass_answers, server, program, wire)

    def _pass_requests(self, program: socket.socket, server: socket.socket, wire: Wire) -> None:
        with contextlib.suppress(OSError):
            while data := program.recv(65_536):
                self.round_trips += not wire.is_asking
                wire.is_asking = True
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _pass_answers(self, server: socket.socket, program: socket.socket, wire: Wire) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                wire.is_asking = False
                if self.swallow_answers:
                    break
                program.sendall(data)
            program.shutdown(socket.SHUT_RDWR)

    def _owned(self, wire: socket.socket) -> socket.socket:
        self._sockets.append(wire)
        return wire

    def _run(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


@pytest.fixture(scope="module")
def tapped(lone_valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Wiretap]]:
    """Give a house whose wire to the memory can be listened to."""
    with Wiretap(Path(lone_valkey.url.removeprefix("unix://"))) as wire:
        house = House.build(folder=tmp_path_factory.mktemp("tapped"), redis_url=wire.url)
        yield house, wire
        house.services.close()


def has_at_hand(house: House, portal: Portal) -> None:
    """Let a house read its keys and a relying party right now, for what it has read it reads anew two seconds later."""
    provider: Any = house.services.provider
    provider.ring._tried_at = None
    provider.ring.jwks(now=clock.now())
    provider.directory.forget(portal.client_id)
    provider.directory.find(portal.client_id)


def heard_by_sqlite(house: House, act: Callable[[], int]) -> list[str]:
    """Return what the driver itself was told to execute by this thread while `act` ran, on whichever connection."""
    database = house.services.provider.authorizations._database  # type: ignore[attr-defined]  # the real store
    heard: list[str] = []
    this_thread = threading.get_ident()

    def listens(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_trace_callback(lambda text: heard.append(text) if threading.get_ident() == this_thread else None)

    def is_deaf(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_trace_callback(None)

    event.listen(database.engine, "checkout", listens)
    event.listen(database.engine, "checkin", is_deaf)
    try:
        assert act() == 200
    finally:
        event.remove(database.engine, "checkout", listens)
        event.remove(database.engine, "checkin", is_deaf)
    return heard
