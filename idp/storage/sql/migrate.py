"""Bringing a database to the schema of this release, from a checkout or from an installed package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from idp.errors import NotKnown

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from idp.storage.sql.database import Database

SCRIPTS = Path(__file__).parent / "migrations"
LOCK = 0x53656E  # any constant number will do, as long as every release has the same
STATEMENT_SECONDS = 600


def upgrade(database: Database) -> tuple[str, ...]:
    """Apply what is missing, in one transaction, and return the revisions that were applied, oldest first.

    Two that upgrade at once wait for each other, and the second one finds nothing to do.

    Raises:
        NotKnown: the database was made by a newer release.
        TemporarilyUnavailable: the database is away.
    """

    def work(connection: Connection) -> tuple[str, ...]:
        if not database.is_sqlite:
            connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        missing = _missing(connection)
        if missing:
            from alembic import command  # noqa: PLC0415  as in `_missing`

            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return missing

    return database.transact(work)


def pending(database: Database) -> tuple[str, ...]:
    """Return the revisions that the database lacks, oldest first.

    Raises:
        NotKnown: the database was made by a newer release.
        TemporarilyUnavailable: the database is away.
    """
    return () if database.consult(_is_newest) else database.consult(_missing)


def _is_newest(connection: Connection) -> bool:
    """Tell whether the database says that it is at the newest revision; the files' names are theirs, in order."""
    newest = max(path.name for path in (SCRIPTS / "versions").glob("r[0-9]*_*.py"))
    if not inspect(connection).has_table("alembic_version"):
        return False
    at = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return at == [newest.removeprefix("r").partition("_")[0]]


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415  as in `_missing`

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _missing(connection: Connection) -> tuple[str, ...]:
    # Alembic is 11 MB and 75 ms that a process which answers requests has no use for.
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415  as said above
    from alembic.script import ScriptDirectory  # noqa: PLC0415  as said above
    from alembic.script.revision import RevisionError  # noqa: PLC0415  as said above
    from alembic.util import CommandError  # noqa: PLC0415  as said above

    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_heads()
    try:
        between = list(scripts.iterate_revisions("heads", current or "base"))
    except (CommandError, RevisionError) as error:
        raise NotKnown("The database was made by a newer release of Sen.", detail=str(error)) from error
    return tuple(script.revision for script in reversed(between))
