"""What a house stands on: tables and first keys, made once by a worker for all of them, and a memory to trust."""

from __future__ import annotations

import secrets
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from idp import clock
from idp.ephemeral import Claim
from idp.errors import TemporarilyUnavailable
from idp.storage.sql.database import Database
from idp.storage.sql.migrate import upgrade
from keys import Sealer
from keys.custody import SoftwareCustodian

if TYPE_CHECKING:
    from idp.ephemeral import Ephemeral
    from keys.custody import NewKey

BACK_SECONDS = 60


def lay_tables(database: Database) -> None:
    """Bring a database to the schema of this release: a SQLite file that is not there yet becomes a copy of ours."""
    file = Path(database.engine.url.database or "") if database.is_sqlite else None
    if file is None or file.exists():
        upgrade(database)
    else:
        file.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    """Return a SQLite file with every migration applied and nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(url=f"sqlite:///{folder}/sen.db", timeout_seconds=20)
        upgrade(database)
        database.close()
        (file,) = Path(folder).iterdir()  # no journal is left beside it: all is in the file
        return file.read_bytes()


class FirstKeys(SoftwareCustodian):
    """Makes one key of each algorithm and gives it to each house, of which an RSA key takes a third of a second.

    It is for first rotations alone: a ring that asks twice needs another key.
    """

    def __init__(self, *, sealer: Sealer) -> None:
        """Take the sealer that holds the master key."""
        super().__init__(sealer=sealer)
        self._made: dict[str, NewKey] = {}

    def generate(self, *, alg: str) -> NewKey:
        """Give the key for one algorithm."""
        if alg not in self._made:
            self._made[alg] = super().generate(alg=alg)
        return self._made[alg]


@cache
def first_keys(master_key: bytes) -> FirstKeys:
    """Return the custodian of first keys that are sealed under a master key."""
    return FirstKeys(sealer=Sealer(master_key=master_key))


def await_memory(memory: Ephemeral) -> None:
    """Wait until an assertion of now is younger than the epoch that the memory keeps."""
    mark, deadline = Claim(f"test:{secrets.token_hex(8)}", 1), time.monotonic() + BACK_SECONDS
    while True:
        assert time.monotonic() < deadline, "the memory does not come back"
        second = (
            clock.epoch_seconds()
        )  # before the question: who sees a loss first hears an instant after it, not the epoch
        with suppress(TemporarilyUnavailable):  # it may just have been started again
            if memory.wave(mark)[0].since < second:
                return
        time.sleep(0.05)
