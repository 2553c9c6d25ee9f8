"""Fixtures: a house on SQLite that tests share (each with portals and citizens of its own), one per database kind."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.house import House
from tests.support.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give the house of this worker, on SQLite and the shared Valkey: register portals and citizens of your own."""
    built = House.build(folder=tmp_path_factory.mktemp("house"), redis_url=lone_valkey.url)
    yield built
    built.services.close()


@pytest.fixture(scope="session")
def postgres_house(
    tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer, postgres: Postgres
) -> Iterator[House]:
    """Give a house of this worker on PostgreSQL."""
    name = f"house_{secrets.token_hex(6)}"
    folder = tmp_path_factory.mktemp("house")
    built = House.build(folder=folder, redis_url=lone_valkey.url, database_url=postgres.create_database(name))
    yield built
    built.services.close()
    built.office.database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_house(request: pytest.FixtureRequest) -> House:
    """Give the house once on SQLite and once on PostgreSQL."""
    found: House = request.getfixturevalue("house" if request.param == "sqlite" else "postgres_house")
    return found


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """Give a Valkey that this test may kill, flush and restore."""
    server = ValkeyServer.alone()
    yield server
    server.stop()
