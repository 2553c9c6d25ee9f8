"""Authorizations between systems in SQL: implements `idp.protocol.store.MachineAuthorizationStore`.

The gates, beyond those of `gates.py`: an exchanged token lives only while everything that it was exchanged from does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, bindparam, cast, exists, false, insert, literal, or_, select

from idp import clock
from idp.audit.log import row_of
from idp.protocol.records import AnyAuthorization
from idp.storage.sql.audit import INSERT
from idp.storage.sql.consents import in_force
from idp.storage.sql.gates import LOGOUT, typed, with_event
from idp.storage.sql.tables import authorization, citizen, login_session, passkey, relying_party, to_micros

if TYPE_CHECKING:
    from sqlalchemy import FromClause

    from idp.audit.events import Event
    from idp.protocol.records import NewMachineAuthorization
    from idp.storage.sql.database import Database, Prepared
    from idp.storage.sql.driver.hot import Change

DEEPEST = 3
"""How many exchanges may stand in a row; deeper than that nothing is found to be alive."""

FOUND = (
    "id", "grant_type", "client_id", "citizen_id", "scope", "claims", "resource", "subject", "acr", "amr",
    "account_level", "auth_time", "dpop_jkt", "certificate_x5t", "authorization_details", "act", "created_at",
    "last_used_at", "refresh_expires_at",
)  # fmt: skip

WRITTEN = (
    "id", "grant_type", "client_id", "scope", "resource", "dpop_jkt", "certificate_x5t", "authorization_details",
    "act", "parent_id",
)  # fmt: skip

INHERITED = (
    "citizen_id", "passkey_id", "session_id", "consent_id", "offline", "subject", "acr", "amr", "account_level",
    "auth_time",
)  # fmt: skip


def _approved(client_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The relying party works."""
    party = relying_party.alias()
    return (
        exists()
        .where(party.c.client_id == client_id, party.c.status == "approved", party.c.ended_at.is_(None))
        .correlate_except(party)
    )


def _person(row: FromClause) -> ColumnElement[bool]:
    """Nobody stands behind a row, or somebody for whom every gate of `gates.py` is open."""
    who, key, login = citizen.alias(), passkey.alias(), login_session.alias()
    alive = (
        exists()
        .where(
            who.c.id == row.c.citizen_id,
            who.c.status == "active",
            key.c.id == row.c.passkey_id,
            key.c.ended_at.is_(None),
            login.c.id == row.c.session_id,
            or_(login.c.ended_at.is_(None), and_(row.c.offline, login.c.ended_reason == LOGOUT)),
        )
        .correlate_except(who, key, login)
    )
    return or_(row.c.citizen_id.is_(None), and_(alive, in_force(consent_id=row.c.consent_id, at=bindparam("at"))))


def _not_ended(row: FromClause, *, depth: int) -> ColumnElement[bool]:
    """A row and everything that it was exchanged from are not ended, and their relying parties work."""
    if depth == 0:
        above: ColumnElement[bool] = row.c.parent_id.is_(None)
    else:
        parent = authorization.alias()
        beyond = exists().where(parent.c.id == row.c.parent_id, _not_ended(parent, depth=depth - 1))
        above = or_(row.c.parent_id.is_(None), beyond.correlate_except(parent))
    return and_(row.c.ended_at.is_(None), _approved(row.c.client_id), above)


def _alive(row: FromClause, *, depth: int = DEEPEST) -> ColumnElement[bool]:
    return and_(_not_ended(row, depth=depth), _person(row))


CREATE = insert(authorization).from_select(
    [*WRITTEN, "subject", "offline", "claims", "created_at", "last_used_at"],
    select(
        *(typed(name) for name in WRITTEN),
        typed("subject"),
        false().label("offline"),
        cast(literal(""), authorization.c.claims.type).label("claims"),
        typed("at", "created_at"),
        typed("at", "last_used_at"),
    ).where(_approved(bindparam("client_id"))),
    include_defaults=False,
)

_parent = authorization.alias("parent")

EXCHANGE = insert(authorization).from_select(
    [*WRITTEN, *INHERITED, "claims", "created_at", "last_used_at"],
    select(
        *(typed(name) for name in WRITTEN),
        *(_parent.c[name] for name in INHERITED),
        cast(literal(""), authorization.c.claims.type).label("claims"),
        typed("at", "created_at"),
        typed("at", "last_used_at"),
    ).where(
        _parent.c.id == bindparam("parent_id"), _alive(_parent, depth=DEEPEST - 1), _approved(bindparam("client_id"))
    ),
    include_defaults=False,
)

FIND = select(*(authorization.c[name] for name in FOUND)).where(
    authorization.c.id == bindparam("id"), _alive(authorization)
)

FIND_BY_REFRESH = select(*(authorization.c[name] for name in FOUND)).where(
    authorization.c.refresh_hash == bindparam("refresh_hash"),
    authorization.c.refresh_expires_at > bindparam("at"),
    _alive(authorization),
)


class SqlMachineAuthorizations:
    """The same table, for relying parties that act by themselves, exchange tokens, or ask what a token is."""

    def __init__(self, database: Database) -> None:
        """Share the process's database; compile the hot statements."""
        self._database = database
        self._create = database.prepare_change(CREATE, event=INSERT, whole=with_event(CREATE))
        self._exchange = database.prepare_change(EXCHANGE, event=INSERT, whole=with_event(EXCHANGE))
        self._find = database.prepare(FIND)
        self._find_by_refresh = database.prepare(FIND_BY_REFRESH)

    def create(self, new: NewMachineAuthorization, *, event: Event) -> bool:
        """See `MachineAuthorizationStore.create`."""
        return self._write(self._create, new, event=event, names=(*WRITTEN, "subject", "at"))

    def exchange(self, new: NewMachineAuthorization, *, event: Event) -> bool:
        """See `MachineAuthorizationStore.exchange`."""
        return self._write(self._exchange, new, event=event, names=(*WRITTEN, "at"))

    def _write(self, change: Change, new: NewMachineAuthorization, *, event: Event, names: tuple[str, ...]) -> bool:
        row = {name: getattr(new, name) for name in names}
        event_row = row_of(event, at=new.at)
        return self._database.hot_change(change, row, event=event_row)

    def find(self, *, authorization_id: str) -> AnyAuthorization | None:
        """See `MachineAuthorizationStore.find`."""
        return self._found(self._find, id=authorization_id)

    def find_by_refresh(self, *, refresh_hash: bytes) -> AnyAuthorization | None:
        """See `MachineAuthorizationStore.find_by_refresh`."""
        return self._found(self._find_by_refresh, refresh_hash=refresh_hash)

    def _found(self, statement: Prepared, **which: Any) -> AnyAuthorization | None:
        row = self._database.look(statement, {**which, "at": to_micros(clock.now())})
        return None if row is None else AnyAuthorization(**dict(zip(FOUND, row, strict=True)))
