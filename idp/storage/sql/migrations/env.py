"""Run by Alembic: applies revisions on the connection, and in the transaction, that `migrate.upgrade` has opened."""

from __future__ import annotations

from alembic import context

from idp.storage.sql.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    compare_type=True,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
