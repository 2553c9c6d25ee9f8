"""Actors of the tests of keys: a key store in memory that keeps the store's promises, and a ring around it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from keys import KeyRing, RingSettings, Sealer, open_custodians

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys import Custodian, KeyRecord
    from keys.store import State

START = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
SETTINGS = RingSettings(algorithms=("ES256",), cache_seconds=10, longest_token_seconds=20, active_seconds=60)


def after(seconds: float) -> datetime:
    """Return the instant that lies `seconds` after the tests' beginning."""
    return START + timedelta(seconds=seconds)


def at(seconds: float) -> Callable[[], datetime]:
    """Return a clock that stands at `after(seconds)`."""
    return lambda: after(seconds)


class StoreAway(Exception):
    """The shelf does not answer, as a database that is down."""


class Shelf:
    """Implements `keys.store.KeyStore` in memory. `is_away` makes it break, as a database does."""

    def __init__(self) -> None:
        """Begin empty."""
        self.records: dict[str, KeyRecord] = {}
        self.is_away = False
        self.reads = 0
        self._lock = threading.Lock()

    def all(self) -> tuple[KeyRecord, ...]:
        """Return every key, the gone ones too."""
        if self.is_away:
            raise StoreAway
        with self._lock:
            self.reads += 1
            return tuple(self.records.values())

    def add(self, record: KeyRecord) -> bool:
        """Keep a new key unless its algorithm has one in that state."""
        with self._lock:
            if any(one.alg == record.alg and one.state == record.state for one in self.records.values()):
                return False
            self.records[record.kid] = record
            return True

    def move(self, *, kid: str, expected_state: State, state: State, at: datetime, reason: str) -> bool:
        """Move a key on from the expected state."""
        with self._lock:
            record = self.records[kid]
            if record.state != expected_state:
                return False
            self.records[kid] = _moved(record, state, at, reason)
            return True

    def promote(self, *, kid: str, at: datetime, reason: str) -> bool:
        """Let an announced key take the active one's place."""
        with self._lock:
            record = self.records[kid]
            if record.state != "announced":
                return False
            for one in list(self.records.values()):
                if one.alg == record.alg and one.state == "active":
                    self.records[one.kid] = _moved(one, "retiring", at, reason)
            self.records[kid] = replace(record, state="active", active_at=at)
            return True

    def in_state(self, state: State) -> list[KeyRecord]:
        """Return the keys in one state."""
        return [one for one in self.records.values() if one.state == state]


def _moved(record: KeyRecord, state: State, at: datetime, reason: str) -> KeyRecord:
    if state == "retiring":
        return replace(record, state=state, retiring_at=at, ended_reason=reason)
    return replace(record, state=state, gone_at=at, ended_reason=reason)


def some_custodians() -> dict[str, Custodian]:
    """Return every custodian, under a master key of the tests."""
    return open_custodians(sealer=Sealer(master_key=b"m" * 32))


def a_ring(shelf: Shelf, *, settings: RingSettings = SETTINGS) -> KeyRing:
    """Return one worker's ring around the shelf."""
    return KeyRing(store=shelf, custodians=some_custodians(), settings=settings)
