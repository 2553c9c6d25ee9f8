"""The outbox in SQL: implements `idp.outbox.OutboxStore`, and writes rows inside the transactions of changes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import orjson
from sqlalchemy import and_, case, func, insert, or_, select, tuple_, update

from idp import clock, notices
from idp.audit.log import new_id
from idp.outbox import BACKCHANNEL_LOGOUT, ClaimedDelivery, Delivery, DeliveryStanding
from idp.storage.sql.tables import Instant, authorization, outbox, relying_party

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select

    from idp.citizens.citizen import Person
    from idp.outbox import Outcome
    from idp.storage.sql.database import Database
    from keys.sealing import Sealer

LEASE = timedelta(seconds=30)
"""For how long a delivery is the worker's that took it; an attempt has to be over long before."""

SIDE_BY_SIDE = 4
"""How many deliveries of one kind to one receiver are taken at once, as long as it answers."""

LONGEST_ERROR = 200
LEFT = "left_the_portal"
"""Why an authorization ended when the citizen logged out of its relying party alone."""

_WAITING = outbox.c.due_at.is_not(None)


def write_deliveries(connection: Connection, *deliveries: Delivery) -> None:
    """Add deliveries to the transaction that is open; they are due at once."""
    if not deliveries:
        return
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "kind": delivery.kind,
            "target": delivery.target,
            "payload": orjson.dumps(delivery.payload).decode(),
            "created_at": now,
            "due_at": now,
            "attempts": 0,
        }
        for delivery in deliveries
    ]
    connection.execute(insert(outbox), rows)


def tell_former_contacts(
    connection: Connection, changes: Iterable[tuple[str, Person, Person]], *, sealer: Sealer
) -> None:
    """Write to contacts that citizens have no more, where notices are sent; a change is an id, the person before, now.

    Nothing is sealed or written for who can be reached as before.
    """
    if not connection.get_execution_options().get("notices"):
        return
    told = (
        notices.to_former_contacts(citizen_id=citizen_id, before=before.contacts(), after=now.contacts(), sealer=sealer)
        for citizen_id, before, now in changes
    )
    write_deliveries(connection, *(delivery for deliveries in told for delivery in deliveries))


def tell_of_logout(connection: Connection, *which: ColumnElement[bool]) -> None:
    """Write a logout for every relying party that wants to hear of it, of the authorizations that `which` picks.

    One for each login session that it knows, because each has a `sid` of its own. Those that the citizen has left
    before have been told.

    Source: OpenID Connect Back-Channel Logout section 2.
    """
    statement = (
        select(authorization.c.client_id, authorization.c.session_id, authorization.c.subject, relying_party.c.metadata)
        .distinct()
        .join(relying_party, relying_party.c.client_id == authorization.c.client_id)
        .where(
            *which,
            or_(authorization.c.ended_reason.is_(None), authorization.c.ended_reason != LEFT),
            authorization.c.subject.is_not(None),
            relying_party.c.ended_at.is_(None),
        )
        .order_by(authorization.c.client_id, authorization.c.session_id)
    )
    write_deliveries(
        connection,
        *(
            Delivery(
                kind=BACKCHANNEL_LOGOUT,
                target=row.client_id,
                payload={"session_id": row.session_id, "subject": row.subject},
            )
            for row in connection.execute(statement)
            if orjson.loads(row.metadata).get("backchannel_logout_uri")
        ),
    )


class SqlOutbox:
    """One row per delivery; `due_at` is when to try next, and while one is being tried, when another may."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database

    def claim(self, *, most: int) -> tuple[ClaimedDelivery, ...]:
        """See `OutboxStore.claim`; where nothing is due, nobody waits for the lock of the writers."""
        if most < 1 or not self._database.consult(lambda connection: connection.execute(_due(most=1)).first()):
            return ()

        def work(connection: Connection) -> Sequence[Row[Any]]:
            now = clock.now()
            chosen = (
                select(outbox.c.id)
                .where(outbox.c.id.in_(_due(most=most).subquery().select()), _WAITING, outbox.c.due_at <= now)
                .with_for_update(skip_locked=True)
            )
            ids = connection.execute(chosen).scalars().all()
            taken = (
                update(outbox)
                .where(outbox.c.id.in_(ids))
                .values(due_at=now + LEASE, attempts=outbox.c.attempts + 1)
                .returning(outbox)
            )
            return connection.execute(taken).all() if ids else ()

        rows = sorted(self._database.transact(work), key=lambda row: cast("str", row.id))
        return tuple(
            ClaimedDelivery(
                id=row.id,
                kind=row.kind,
                target=row.target,
                payload=orjson.loads(row.payload),
                attempts=row.attempts,
                created_at=row.created_at,
            )
            for row in rows
        )

    def settle(
        self, claimed: ClaimedDelivery, *, outcome: Outcome, error: str | None = None, with_older: bool = False
    ) -> None:
        """See `OutboxStore.settle`."""
        which = outbox.c.id == claimed.id
        if with_older:
            which = or_(
                which,
                and_(
                    outbox.c.target == claimed.target,
                    outbox.c.kind == claimed.kind,
                    outbox.c.created_at < claimed.created_at,
                    outbox.c.due_at <= clock.now(),
                ),
            )
        statement = (
            update(outbox)
            .where(which, _WAITING)
            .values(due_at=None, done_at=clock.now(), outcome=outcome, last_error=error and error[:LONGEST_ERROR])
        )
        self._database.transact(lambda connection: connection.execute(statement))

    def postpone(self, claimed: ClaimedDelivery, *, until: datetime, error: str | None) -> None:
        """See `OutboxStore.postpone`."""
        statement = (
            update(outbox)
            .where(outbox.c.id == claimed.id, outbox.c.attempts == claimed.attempts, _WAITING)
            .values(due_at=until, last_error=error and error[:LONGEST_ERROR])
        )
        self._database.transact(lambda connection: connection.execute(statement))

    def waiting(self) -> int:
        """See `OutboxStore.waiting`."""
        statement = select(func.count()).select_from(outbox).where(_WAITING)
        return self._database.consult(lambda connection: connection.execute(statement).scalar_one())

    def standing(self) -> tuple[DeliveryStanding, ...]:
        """See `OutboxStore.standing`."""
        rows = self._database.consult(lambda connection: connection.execute(_STANDING).mappings().all())
        return tuple(DeliveryStanding(**row) for row in rows)


def _due(*, most: int) -> Select[Any]:
    """Return which deliveries to take now: fresh ones first, then those that have waited longest.

    A receiver is one target for one kind: each kind has an address of its own, and one that is away says nothing of
    another. 1. nothing of a receiver whose failed delivery is not yet due again, or is being tried; 2. one delivery of
    a receiver that has failed, the one tried most often; 3. few of any receiver at once.
    """
    now, receiver, failed = clock.now(), tuple_(outbox.c.target, outbox.c.kind), outbox.alias("failed")
    # asked once and not of each row: an import may leave a notice for everybody
    failing = select(failed.c.target, failed.c.kind).where(failed.c.last_error.is_not(None))
    held = receiver.in_(failing.where(failed.c.due_at > now))  # 1
    ailing = receiver.in_(failing.where(failed.c.due_at.is_not(None)))
    place = func.row_number().over(
        partition_by=(outbox.c.target, outbox.c.kind), order_by=(outbox.c.attempts.desc(), outbox.c.id)
    )
    due = (
        select(
            outbox.c.id,
            outbox.c.attempts,
            outbox.c.due_at,
            place.label("place"),
            case((ailing, 1), else_=SIDE_BY_SIDE).label("room"),
        )
        .where(_WAITING, outbox.c.due_at <= now, ~held)
        .subquery()
    )
    return (
        select(due.c.id).where(due.c.place <= due.c.room).order_by(due.c.attempts, due.c.due_at).limit(most)  # 2, 3
    )


def _same_receiver(other: FromClause) -> tuple[ColumnElement[bool], ...]:
    return other.c.target == outbox.c.target, other.c.kind == outbox.c.kind


def _count(*which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((and_(*which), 1)))


_other = outbox.alias("other")
_NEWEST_ERROR = (
    select(_other.c.last_error)
    .where(*_same_receiver(_other), _other.c.last_error.is_not(None))
    .order_by(_other.c.id.desc())
    .limit(1)
    .scalar_subquery()
)

_STANDING = (
    select(
        outbox.c.kind,
        outbox.c.target,
        *(_count(outbox.c.outcome == outcome).label(outcome) for outcome in ("delivered", "refused", "given_up")),
        _count(_WAITING).label("waiting"),
        func.min(case((_WAITING, outbox.c.due_at)), type_=Instant).label("next_try"),
        func.max(case((outbox.c.outcome == "delivered", outbox.c.done_at)), type_=Instant).label("last_delivered"),
        _NEWEST_ERROR.label("last_error"),
    )
    .group_by(outbox.c.kind, outbox.c.target)
    .order_by(outbox.c.target, outbox.c.kind)
)
