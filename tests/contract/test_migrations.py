"""The schema that migrations make is the schema that the code expects, on every database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from idp.errors import NotKnown, TemporarilyUnavailable
from idp.storage.sql.database import Database
from idp.storage.sql.migrate import SCRIPTS, pending, upgrade
from idp.storage.sql.tables import METADATA
from tests.support.office import at_once, empty_database

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Open an empty database of either kind."""
    opened = Database(url=empty_database(request, tmp_path), timeout_seconds=60)
    yield opened
    opened.close()


def differences(database: Database) -> list[object]:
    """Return what would have to change for the database to be what tables.py says."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))


def shape(database: Database) -> dict[str, object]:
    """Return everything that the database itself says of its tables, whatever the order."""
    inspector = inspect(database.engine)
    return {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            ],
            "key": inspector.get_pk_constraint(table),
            "unique": sorted(map(repr, inspector.get_unique_constraints(table))),
            "foreign": sorted(map(repr, inspector.get_foreign_keys(table))),
            "indexes": sorted(
                repr((index, *map(str, index.pop("dialect_options", {}).values())))
                for index in inspector.get_indexes(table)
            ),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_the_migrated_schema_is_the_one_that_the_code_expects(database: Database) -> None:
    upgrade(database)
    assert differences(database) == []
    migrated = shape(database)
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    METADATA.drop_all(database.engine)
    METADATA.create_all(database.engine)
    assert migrated == shape(database)
    assert set(migrated) == set(METADATA.tables)


def test_a_schema_that_lacks_something_is_seen_to_differ(database: Database) -> None:
    upgrade(database)
    with database.engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_outbox_error"))
        connection.execute(text("ALTER TABLE outbox DROP COLUMN done_at"))
    assert len(differences(database)) == 2


def test_an_empty_database_lacks_every_revision_and_an_upgraded_one_none(database: Database) -> None:
    revisions = pending(database)
    assert revisions
    assert upgrade(database) == revisions
    assert pending(database) == upgrade(database) == ()


def test_of_many_that_upgrade_at_the_same_moment_one_does_the_work(database: Database) -> None:
    done = sorted(at_once(*[lambda: upgrade(database)] * 4))
    assert done[:3] == [(), (), ()]
    assert done[3] != ()
    assert pending(database) == ()


def test_a_database_of_a_newer_release_is_left_alone(database: Database) -> None:
    upgrade(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    for act in (pending, upgrade):
        with pytest.raises(NotKnown, match="newer release"):
            act(database)


def test_an_upgrade_that_breaks_leaves_nothing_behind(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE outbox (id TEXT)"))
    before = inspect(database.engine).get_table_names()
    with pytest.raises((DBAPIError, TemporarilyUnavailable)):
        upgrade(database)
    assert inspect(database.engine).get_table_names() == before == ["outbox"]


def test_a_database_that_is_away_is_named_as_such(tmp_path: Path) -> None:
    away = Database(url=f"sqlite:///{tmp_path}/no/such/folder/sen.db")
    with pytest.raises(TemporarilyUnavailable):
        pending(away)


def test_revisions_run_from_a_folder_with_an_awkward_name(tmp_path: Path) -> None:
    target = tmp_path / "100% đầy đủ" / "idp"
    target.parent.mkdir()
    subprocess.run(["cp", "-r", str(ROOT / "idp"), str(target)], check=True)
    script = (
        "from idp.storage.sql.database import Database; from idp.storage.sql.migrate import upgrade;"
        f"print(upgrade(Database(url='sqlite:///{tmp_path}/sen.db')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=target.parent, capture_output=True, text=True, check=True, timeout=150
    )
    assert done.stdout.startswith("('0001'")
    assert SCRIPTS.parent.parent.parent == ROOT / "idp"
