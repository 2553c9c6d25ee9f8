"""Activation codes in SQL: implements `idp.citizens.store.ActivationCodeStore`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, insert, select, update

from idp import clock
from idp.errors import CodeRefused
from idp.storage.sql.audit import write_events
from idp.storage.sql.people import code_of
from idp.storage.sql.tables import activation_code, citizen_number

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from idp.audit.events import Event
    from idp.citizens.credentials import ActivationCode
    from idp.storage.sql.database import Database


def _good(*, code_hash: bytes, number_hash: bytes) -> ColumnElement[bool]:
    return and_(
        activation_code.c.code_hash == code_hash,
        activation_code.c.number_hash == number_hash,
        activation_code.c.used_at.is_(None),
        activation_code.c.expires_at > clock.now(),
    )


def take_code(connection: Connection, *, code_hash: bytes, number_hash: bytes) -> ActivationCode:
    """Use up a code in the transaction that is open: of any number of takers at once, one gets it.

    Raises:
        CodeRefused: there is no such code, or it is used, too old, or for another number.
    """
    row = (
        connection.execute(
            update(activation_code)
            .where(_good(code_hash=code_hash, number_hash=number_hash))
            .values(used_at=clock.now())
            .returning(activation_code)
        )
        .mappings()
        .first()
    )
    if row is None:
        raise CodeRefused("Number and code do not fit.", detail="no code that is good for this number")
    return code_of(row)


class SqlActivationCodes:
    """One row per code, used ones too."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database

    def issue(self, *, code: ActivationCode, event: Event) -> None:
        """See `ActivationCodeStore.issue`."""
        older = (
            update(activation_code)
            .where(
                activation_code.c.number_hash == code.number_hash,
                activation_code.c.used_at.is_(None),
                activation_code.c.expires_at > code.issued_at,
            )
            .values(expires_at=code.issued_at)
        )
        kept = insert(activation_code).values(
            id=code.id,
            code_hash=code.code_hash,
            number_hash=code.number_hash,
            person_hash=code.person_hash,
            account_level=code.account_level,
            issued_at=code.issued_at,
            expires_at=code.expires_at,
        )

        holder = select(citizen_number.c.citizen_id).where(
            citizen_number.c.number_hash == code.number_hash, citizen_number.c.valid_to.is_(None)
        )

        def work(connection: Connection) -> None:
            connection.execute(older)
            connection.execute(kept)
            write_events(connection, replace(event, citizen_id=connection.execute(holder).scalar()))

        self._database.transact(work)

    def find(self, *, code_hash: bytes, number_hash: bytes) -> ActivationCode | None:
        """See `ActivationCodeStore.find`."""
        statement = select(activation_code).where(_good(code_hash=code_hash, number_hash=number_hash))
        row = self._database.consult(lambda connection: connection.execute(statement).mappings().first())
        return None if row is None else code_of(row)
