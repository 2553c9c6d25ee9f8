"""`sen db`: brings the database to the schema of this release."""

from __future__ import annotations

import typer

from idp.cli import office
from idp.storage.sql import migrate

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The database's schema."""


@app.command()
def upgrade() -> None:
    """Apply the migrations that the database lacks; safe to run again, and beside running workers."""
    with office.opened() as opened:
        office.make_database_folder(opened.settings)
        applied = migrate.upgrade(opened.database)
    typer.echo(f"Applied: {', '.join(applied)}." if applied else "Nothing to do: the database is up to date.")
