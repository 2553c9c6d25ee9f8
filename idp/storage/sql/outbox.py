"""The outbox in SQL: implements `idp.outbox.OutboxStore`, and writes rows inside the transactions of changes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import orjson
from sqlalchemy import and_, bindparam, case, func, insert, or_, select, update

from idp import clock, notices
from idp.audit.log import new_id
from idp.outbox import BACKCHANNEL_LOGOUT, ClaimedDelivery, Delivery, DeliveryStanding
from idp.storage.sql.housekeeping import in_portions
from idp.storage.sql.tables import Instant, authorization, outbox, relying_party

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from idp.citizens.citizen import Person
    from idp.outbox import Outcome, Receiver
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

    def claim(self, *, most: int, under_way: Mapping[Receiver, int]) -> tuple[ClaimedDelivery, ...]:
        """See `OutboxStore.claim`; where nothing is due, nobody waits for the lock of the writers."""
        if not most:
            return ()
        found = self._database.consult(lambda connection: _due(connection, most=most, under_way=under_way))
        if not found:
            return ()

        def work(connection: Connection) -> Sequence[Row[Any]]:
            now = clock.now()
            chosen = select(outbox.c.id).where(outbox.c.id.in_(found), _WAITING, outbox.c.due_at <= now)
            ids = connection.execute(chosen.with_for_update(skip_locked=True)).scalars().all()
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
        self,
        claimed: ClaimedDelivery,
        *,
        outcome: Outcome,
        error: str | None = None,
        with_those_until: datetime | None = None,
    ) -> int:
        """See `OutboxStore.settle`; this one ends last, and holds back what else waits for its receiver until then."""
        now = clock.now()
        ends = update(outbox).values(
            due_at=None, done_at=now, outcome=outcome, last_error=error and error[:LONGEST_ERROR]
        )
        others = 0
        if with_those_until is not None:
            others = in_portions(
                self._database,
                ends,
                outbox.c.target == claimed.target,
                outbox.c.kind == claimed.kind,
                outbox.c.due_at <= now,
                outbox.c.created_at <= with_those_until,
            )
        statement = ends.where(outbox.c.id == claimed.id, _WAITING)
        return others + self._database.transact(lambda connection: connection.execute(statement).rowcount)

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


def _due(connection: Connection, *, most: int, under_way: Mapping[Receiver, int]) -> list[str]:
    """Return the ids of the deliveries to take now: fresh ones first, then those that have waited longest.

    A receiver is one target for one kind: each kind has an address of its own, and one that is away says nothing of
    another. 1. of one that has failed, one delivery, the one tried most often, and none while a failed one is not yet
    due again, or is being tried; 2. few of any receiver at once; 3. never more for one than hands are left for others.
    What waits behind these is not looked at: after a change of many people's records it may be a million.
    """
    now = clock.now()
    failing: dict[Receiver, Row[Any]] = {}
    held = {receiver for receiver, hands in under_way.items() if hands >= most}
    for row in connection.execute(_FAILING):  # 1
        receiver = (row.target, row.kind)
        failing.setdefault(receiver, row)
        if row.due_at > now:
            held.add(receiver)
    chosen = [row for receiver, row in failing.items() if receiver not in held]
    held.update(failing)
    ids = [each for each in connection.execute(_FIRSTS).scalars() if each is not None]
    firsts = connection.execute(select(*_COLUMNS).where(outbox.c.id.in_(ids), _WAITING))  # they may be settled by now
    fresh = [row for row in firsts if (row.target, row.kind) not in held and row.due_at <= now]
    for first in sorted(fresh, key=_turn)[:most]:  # 2
        chosen += connection.execute(_OLDEST, {"target": first.target, "kind": first.kind, "now": now}).all()
    hands = Counter(under_way)
    due: list[str] = []
    for row in sorted(chosen, key=_turn):  # 3
        if hands[row.target, row.kind] < most - len(due):
            hands[row.target, row.kind] += 1
            due.append(row.id)
    return due


def _turn(row: Row[Any]) -> tuple[int, datetime]:
    return row.attempts, row.due_at


def _firsts() -> Select[Any]:
    """Return the id of what has waited longest for each receiver, found by stepping from receiver to receiver."""
    seen, beyond = outbox.alias("seen"), outbox.alias("beyond")
    by = (beyond.c.target, beyond.c.kind, beyond.c.due_at, beyond.c.id)
    waiting = select(beyond.c.id).where(beyond.c.due_at.is_not(None)).order_by(*by).limit(1)
    receivers = select(waiting.scalar_subquery().label("id")).cte("receivers", recursive=True)
    # in two steps, each of which is a place in the index: SQLite would walk there for a comparison of pairs
    same_target = waiting.where(beyond.c.target == seen.c.target, beyond.c.kind > seen.c.kind).scalar_subquery()
    other_target = waiting.where(beyond.c.target > seen.c.target).scalar_subquery()
    # for each receiver by itself: PostgreSQL would read a small table whole for a join, and again for each
    following = select(func.coalesce(same_target, other_target)).where(seen.c.id == receivers.c.id).scalar_subquery()
    return select(receivers.union_all(select(following).where(receivers.c.id.is_not(None))).c.id)


_COLUMNS: tuple[Any, ...] = (outbox.c.id, outbox.c.target, outbox.c.kind, outbox.c.attempts, outbox.c.due_at)
_FIRSTS = _firsts()
_FAILING: Select[Any] = (
    select(*_COLUMNS).where(outbox.c.last_error.is_not(None), _WAITING).order_by(outbox.c.attempts.desc(), outbox.c.id)
)
_OLDEST: Select[Any] = (
    select(*_COLUMNS)
    .where(
        outbox.c.target == bindparam("target"), outbox.c.kind == bindparam("kind"), outbox.c.due_at <= bindparam("now")
    )
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(SIDE_BY_SIDE)
)


def _count(*which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((and_(*which), 1)))


_other = outbox.alias("other")
_NEWEST_ERROR = (
    select(_other.c.last_error)
    .where(_other.c.target == outbox.c.target, _other.c.kind == outbox.c.kind, _other.c.last_error.is_not(None))
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
