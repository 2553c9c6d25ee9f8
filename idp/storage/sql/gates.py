"""The hot statements: what is given out is given by a statement that selects on every gate itself.

The gates: citizen active; passkey not ended; login session not ended (an offline authorization outlives an ordinary
logout, nothing else); consent not withdrawn and not expired; relying party approved; authorization not ended.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Insert,
    Select,
    Update,
    and_,
    bindparam,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from idp.storage.sql.consents import NOT_SUPERSEDED, STANDING_COLUMNS, in_force
from idp.storage.sql.tables import (
    audit_event,
    authorization,
    citizen,
    citizen_number,
    consent,
    consent_withdrawal,
    consent_wording,
    login_session,
    passkey,
    relying_party,
)

LOGOUT = "logout"

LIVE_COLUMNS = (
    "id", "client_id", "citizen_id", "session_id", "scope", "claims", "resource", "subject", "acr", "amr",
    "account_level", "auth_time", "dpop_jkt", "certificate_x5t", "authorization_details",
)  # fmt: skip

NEW_COLUMNS = (
    *LIVE_COLUMNS, "grant_type", "passkey_id", "consent_id", "code_hash", "refresh_hash", "refresh_expires_at",
    "offline",
)  # fmt: skip


def typed(name: str, column: str | None = None) -> ColumnElement[Any]:
    """Return a parameter that knows its column's type: in the list of a SELECT, PostgreSQL cannot guess it."""
    return cast(bindparam(name), authorization.c[column or name].type).label(column or name)


_OPEN = (
    citizen.c.status == "active",
    passkey.c.ended_at.is_(None),
    relying_party.c.status == "approved",
    relying_party.c.ended_at.is_(None),
)

# The session's row is locked for as long as the row is being made, so that an end that comes at the same moment either
# refuses it or finds it, and tells its relying party.
CREATE = insert(authorization).from_select(
    [*NEW_COLUMNS, "created_at", "last_used_at"],
    select(
        *(typed(name) for name in NEW_COLUMNS),
        typed("at", "created_at"),
        typed("at", "last_used_at"),
    )
    .select_from(citizen.join(login_session, true()).join(passkey, true()).join(relying_party, true()))
    .where(
        citizen.c.id == bindparam("citizen_id"),
        login_session.c.id == bindparam("session_id"),
        login_session.c.citizen_id == citizen.c.id,
        login_session.c.ended_at.is_(None),
        passkey.c.id == bindparam("passkey_id"),
        passkey.c.citizen_id == citizen.c.id,
        relying_party.c.client_id == bindparam("client_id"),
        *_OPEN,
        in_force(consent_id=bindparam("consent_id"), at=bindparam("at")),
    )
    .with_for_update(read=True, of=login_session),
    include_defaults=False,
)


def with_event(change: Insert | Update, *, told_of: tuple[str, ...] = ()) -> Select[Any]:
    """Return a change of an authorization and its event as one statement, which gives the row that was changed.

    Where no row is, no event is written. `told_of` are the columns of the event that are that row's own; the event's
    id is the parameter `event_id`. For PostgreSQL, which alone knows changes inside a SELECT.
    """
    changed = change.returning(*(authorization.c[name] for name in LIVE_COLUMNS)).cte("changed")
    of_row = {"citizen_id": changed.c.citizen_id, "object": changed.c.id}
    given = {
        column.name: cast(bindparam("event_id" if column.name == "id" else column.name), column.type)
        for column in audit_event.c
    }
    values = {**given, **{name: of_row[name] for name in told_of}}
    event = insert(audit_event).from_select(
        [*values], select(*values.values()).select_from(changed), include_defaults=False
    )
    return select(*(changed.c[name] for name in LIVE_COLUMNS)).add_cte(event.cte("told"))


_ALIVE = and_(
    authorization.c.ended_at.is_(None),
    or_(
        login_session.c.ended_at.is_(None),
        and_(authorization.c.offline, login_session.c.ended_reason == LOGOUT),
    ),
    *_OPEN,
    in_force(consent_id=authorization.c.consent_id, at=bindparam("at")),
)

_BEHIND = and_(
    citizen.c.id == authorization.c.citizen_id,
    login_session.c.id == authorization.c.session_id,
    passkey.c.id == authorization.c.passkey_id,
    relying_party.c.client_id == authorization.c.client_id,
)

_MAY_REFRESH = and_(
    authorization.c.client_id == bindparam("client_id"),
    authorization.c.refresh_expires_at > bindparam("at"),
    exists().where(_BEHIND, _ALIVE).correlate(authorization),
)
_LIVE = tuple(authorization.c[name] for name in LIVE_COLUMNS)

_TOUCHED = (
    update(authorization)
    .where(authorization.c.refresh_hash == bindparam("used_hash"), _MAY_REFRESH)
    .values(last_used_at=bindparam("at"))
)
REFRESH = _TOUCHED.returning(*_LIVE)

_TOUCH_AT_ONCE = _TOUCHED.where(
    or_(
        cast(bindparam("accepts_bound"), Boolean),
        and_(authorization.c.dpop_jkt.is_(None), authorization.c.certificate_x5t.is_(None)),
    )
)
REFRESH_AND_TELL = with_event(_TOUCH_AT_ONCE, told_of=("citizen_id", "object"))
"""`REFRESH` and its event, where nothing but the gates and one word about keys has to be looked at."""

ROTATE = (
    update(authorization)
    .where(authorization.c.refresh_hash == bindparam("used_hash"), _MAY_REFRESH)
    .values(
        last_used_at=bindparam("at"),
        refresh_hash=bindparam("next_hash"),
        refresh_previous_hash=authorization.c.refresh_hash,
        refresh_rotated_at=bindparam("at"),
    )
    .returning(*_LIVE)
)

AGAIN = (
    update(authorization)
    .where(
        authorization.c.refresh_previous_hash == bindparam("used_hash"),
        authorization.c.refresh_hash == bindparam("next_hash"),
        authorization.c.refresh_rotated_at > bindparam("since"),
        _MAY_REFRESH,
    )
    .values(last_used_at=bindparam("at"))
    .returning(*_LIVE)
)

REUSED = "refresh token reused"
END_REUSED = (
    update(authorization)
    .where(
        authorization.c.id == bindparam("authorization_id"),
        authorization.c.client_id == bindparam("client_id"),
        authorization.c.refresh_hash != bindparam("used_hash"),
        authorization.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("at"), ended_reason=REUSED)
    .returning(authorization.c.citizen_id)
)

_NUMBER = (
    select(citizen_number.c.sealed)
    .where(
        citizen_number.c.citizen_id == citizen.c.id,
        citizen_number.c.kind == "personal",
        citizen_number.c.valid_to.is_(None),
    )
    .limit(1)
    .scalar_subquery()
)

LIVE = select(
    *(authorization.c[name] for name in LIVE_COLUMNS),
    citizen.c.person,
    _NUMBER.label("number"),
    citizen.c.account_level.label("current_account_level"),
).where(authorization.c.id == bindparam("id"), _BEHIND, _ALIVE)

OF_CITIZEN = (
    select(
        authorization.c.id,
        authorization.c.client_id,
        authorization.c.scope,
        authorization.c.created_at,
        func.count().over().label("all_of_them"),
    )
    .where(authorization.c.citizen_id == bindparam("citizen_id"), _BEHIND, _ALIVE)
    .order_by(authorization.c.id.desc())
    .limit(bindparam("limit"))
)
"""The newest live authorizations of one citizen, and beside each how many there are."""

KNOWN = select(citizen.c.person, _NUMBER.label("number"), citizen.c.account_level).where(
    citizen.c.id == bindparam("citizen_id")
)

GATES: Select[Any] = (
    select(
        citizen.c.status.label("citizen_status"),
        citizen.c.account_level,
        citizen.c.id.label("session_citizen_id"),
        citizen.c.person,
        login_session.c.ended_at.label("session_ended_at"),
        passkey.c.ended_at.label("passkey_ended_at"),
        relying_party.c.status.label("client_status"),
        relying_party.c.ended_at.label("client_ended_at"),
        *STANDING_COLUMNS,
    )
    .select_from(
        login_session.join(citizen, citizen.c.id == login_session.c.citizen_id)
        .join(passkey, passkey.c.id == login_session.c.passkey_id)
        .join(relying_party, relying_party.c.client_id == bindparam("client_id"))
        .outerjoin(
            consent,
            and_(
                consent.c.citizen_id == citizen.c.id,
                consent.c.client_id == relying_party.c.client_id,
                consent.c.purpose == bindparam("purpose"),
                NOT_SUPERSEDED,
            ),
        )
        .outerjoin(consent_wording, consent_wording.c.sha256 == consent.c.wording_sha256)
        .outerjoin(consent_withdrawal, consent_withdrawal.c.consent_id == consent.c.id)
    )
    .where(login_session.c.id == bindparam("session_id"))
)
