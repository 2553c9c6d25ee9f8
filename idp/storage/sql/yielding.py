"""INSERT that gives way to a row that is there already, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table


def insert_if_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row and say whether it is new; one that has any of its unique values was first otherwise."""
    # The row is asked for again because a driver need not know how many rows an INSERT wrote.
    key = next(iter(table.primary_key))
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table).values(row).on_conflict_do_nothing().returning(key)
        return connection.execute(lite).first() is not None
    post = postgresql.insert(table).values(row).on_conflict_do_nothing().returning(key)
    return connection.execute(post).first() is not None


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in their order, each replacing the one with its primary key; columns that a row has not stay."""
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    changed = [name for name in rows[0] if name not in key]
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table)
        connection.execute(
            lite.on_conflict_do_update(index_elements=key, set_={name: lite.excluded[name] for name in changed}), rows
        )
        return
    post = postgresql.insert(table)
    connection.execute(
        post.on_conflict_do_update(index_elements=key, set_={name: post.excluded[name] for name in changed}), rows
    )
