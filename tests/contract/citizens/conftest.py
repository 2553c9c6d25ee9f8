"""An office over an empty database of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.storage.sql.database import Database
from idp.storage.sql.tables import METADATA
from tests.support.office import Office, empty_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """Open an office over an empty database of either kind."""
    database = Database(url=empty_database(request, tmp_path), timeout_seconds=20)
    METADATA.create_all(database.engine)
    yield Office(database)
    database.close()
