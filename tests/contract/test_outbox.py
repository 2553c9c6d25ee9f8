"""The outbox on every database: taken by one worker at a time, tried again, held for whoever is away, never lost."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from sqlalchemy import event, update

from idp import clock
from idp.outbox import Delivery, Receiver
from idp.storage.sql.database import Database
from idp.storage.sql.outbox import LEASE, SIDE_BY_SIDE, SqlOutbox, write_deliveries
from idp.storage.sql.tables import METADATA, outbox
from tests.support.office import at_once, empty_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from idp.outbox import ClaimedDelivery

MINUTE = timedelta(minutes=1)


class Post:
    """An outbox that letters are put into."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = SqlOutbox(database)

    def writes(self, *targets: str, kind: str = "letter") -> None:
        """Write one letter to each, in one transaction."""
        letters = [Delivery(kind=kind, target=target, payload={"to": target}) for target in targets]
        self.database.transact(lambda connection: write_deliveries(connection, *letters))

    def takes(self, most: int = 100, under_way: Mapping[Receiver, int] | None = None) -> tuple[ClaimedDelivery, ...]:
        """Take what is due, as a worker does."""
        return self.outbox.claim(most=most, under_way=under_way or {})

    def fails(self, claimed: ClaimedDelivery, *, after: timedelta = MINUTE, error: str = "It does not answer.") -> None:
        """Note that it was tried in vain."""
        self.outbox.postpone(claimed, until=clock.now() + after, error=error)


@pytest.fixture(params=["sqlite", "postgresql"])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    """Give an empty outbox of either kind."""
    database = Database(url=empty_database(request, tmp_path), timeout_seconds=20)
    METADATA.create_all(database.engine)
    yield Post(database)
    database.close()


def targets(taken: Sequence[ClaimedDelivery]) -> list[str]:
    return [claimed.target for claimed in taken]


def test_what_is_written_is_taken_once_and_settled_for_good(post: Post) -> None:
    assert post.takes() == ()
    post.writes("a")
    (claimed,) = post.takes()
    assert (claimed.kind, claimed.target, claimed.payload, claimed.attempts) == ("letter", "a", {"to": "a"}, 1)
    assert post.takes() == ()
    assert post.outbox.waiting() == 1
    post.outbox.settle(claimed, outcome="delivered")
    with time_machine.travel(clock.now() + 10 * LEASE):
        assert post.takes() == ()
    assert post.outbox.waiting() == 0


def test_a_worker_whose_hands_are_full_asks_for_nothing(post: Post) -> None:
    asked: list[object] = []
    post.writes("a")
    event.listen(post.database.engine, "before_cursor_execute", lambda *said: asked.append(said))
    assert (post.takes(most=0), asked) == ((), [])
    assert targets(post.takes(most=1)) == ["a"]


def test_nothing_is_written_where_the_change_is_not(post: Post) -> None:
    def changes_its_mind(connection: object) -> None:
        write_deliveries(connection, Delivery(kind="letter", target="a", payload={}))  # type: ignore[arg-type]
        raise RuntimeError("no change after all")

    with pytest.raises(RuntimeError):
        post.database.transact(changes_its_mind)
    assert post.takes() == ()


def test_of_workers_that_reach_at_the_same_moment_one_gets_each_delivery(post: Post) -> None:
    post.writes(*(f"portal-{number}" for number in range(40)))

    def worker() -> list[ClaimedDelivery]:
        return [claimed for _ in range(12) for claimed in post.takes(5)]

    taken = [claimed for part in at_once(*[worker] * 4) for claimed in part]
    assert sorted(targets(taken)) == sorted(f"portal-{number}" for number in range(40))


def test_what_a_worker_took_and_never_marked_is_taken_again(post: Post) -> None:
    post.writes("a")
    (dead,) = post.takes()
    with time_machine.travel(clock.now() + LEASE / 2):
        assert post.takes() == ()
    with time_machine.travel(clock.now() + LEASE + timedelta(seconds=1)):
        (again,) = post.takes()
        assert (again.id, again.attempts) == (dead.id, 2)
        post.fails(dead)
        assert post.outbox.standing()[0].last_error is None, "who was too slow has no say"
        post.outbox.settle(again, outcome="delivered")
    assert post.outbox.standing()[0].delivered == 1


def test_whoever_is_away_is_tried_with_one_delivery_and_holds_up_nobody_else(post: Post) -> None:
    post.writes(*["away"] * 10, "here")
    taken = post.takes()
    assert sorted(targets(taken)) == ["away"] * SIDE_BY_SIDE + ["here"]
    for claimed in taken:
        if claimed.target == "away":
            post.fails(claimed)
        else:
            post.outbox.settle(claimed, outcome="delivered")
    post.writes("here", "away")
    (here,) = post.takes()
    assert here.target == "here"
    post.outbox.settle(here, outcome="delivered")
    with time_machine.travel(clock.now() + MINUTE + timedelta(seconds=1)):
        (probe,) = post.takes()
        assert (probe.target, probe.attempts) == ("away", 2)
        assert post.takes() == (), "while it is tried, nothing else is"
        post.fails(probe)
        assert post.takes() == ()
    with time_machine.travel(clock.now() + 2 * MINUTE + timedelta(seconds=2)):
        (probe,) = post.takes()
        assert probe.attempts == 3
        post.outbox.settle(probe, outcome="delivered")
        delivered = 1
        while rest := post.takes():
            assert set(targets(rest)) == {"away"}
            delivered += len(rest)
            for claimed in rest:
                post.outbox.settle(claimed, outcome="delivered")
        assert delivered == 11


def test_an_address_that_is_away_holds_up_no_other_address_of_the_same_receiver(post: Post) -> None:
    post.writes(*["a"] * 3)
    for claimed in post.takes():
        post.fails(claimed)
    post.writes(*["a"] * 3, kind="parcel")
    post.writes("a")
    assert [claimed.kind for claimed in post.takes()] == ["parcel"] * 3
    with time_machine.travel(clock.now() + MINUTE + timedelta(seconds=1)):
        assert sorted(claimed.kind for claimed in post.takes()) == ["letter", *["parcel"] * 3]


def test_what_is_over_for_itself_takes_nothing_along(post: Post) -> None:
    post.writes("a")
    post.writes("a")
    first, second = sorted(post.takes(), key=lambda claimed: claimed.id)
    post.fails(first, after=timedelta(0))
    post.outbox.settle(second, outcome="given_up", error="It is over.")
    assert post.outbox.standing()[0].waiting == 1


def test_the_fresh_come_before_those_that_failed(post: Post) -> None:
    post.writes("failed-1", "failed-2")
    for claimed in post.takes():
        post.fails(claimed, after=timedelta(0))
    post.writes("fresh")
    assert targets(post.takes(1)) == ["fresh"]


def test_with_one_that_is_given_up_go_those_that_waited_longer_for_the_same_receiver(post: Post) -> None:
    post.writes("away", "other")
    post.writes("away")
    first, _other, second = sorted(post.takes(), key=lambda claimed: claimed.id)
    post.fails(first, after=timedelta(0))
    post.writes("away")
    until = second.created_at
    post.outbox.settle(second, outcome="given_up", error="It does not answer.", with_those_until=until)
    away = next(each for each in post.outbox.standing() if each.target == "away")
    assert (away.given_up, away.waiting, away.last_error) == (2, 1, "It does not answer.")


def test_what_waits_behind_the_first_of_a_receiver_is_not_looked_at(tmp_path: Path) -> None:
    post = Post(Database(url=f"sqlite:///{tmp_path}/sen.db"))
    METADATA.create_all(post.database.engine)
    steps: list[None] = []

    @event.listens_for(post.database.engine, "checkout")
    def count(connection: Any, *_others: object) -> None:
        connection.set_progress_handler(lambda: steps.append(None), 100)

    def work() -> int:
        """Return how many hundreds of steps SQLite takes for the next deliveries."""
        steps.clear()
        post.takes()
        return len(steps)

    post.writes(*["a"] * 100, *["b"] * 100)
    few = work()
    post.writes(*["a"] * 10_000, *["b"] * 10_000)
    assert work() <= few * 2
    post.writes(*(f"receiver-{number}" for number in range(100)))
    assert work() > few * 2, "the steps are counted"
    post.database.close()


@pytest.mark.parametrize("post", ["postgresql"], indirect=True)
def test_a_backlog_is_stepped_over_even_by_a_planner_that_has_not_heard_of_it(post: Post) -> None:
    post.writes(*(f"portal-{number % 25}" for number in range(2000)))
    post.database.transact(lambda connection: connection.execute(update(outbox).values(due_at=None)))
    post.writes(*["portal-1", "portal-2", "portal-3", "gateway"] * 2, kind="urgent")
    with post.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE outbox")
    post.writes(*["gateway"] * 5000, kind="bulk")
    asked: list[Any] = []

    @event.listens_for(post.database.engine, "before_cursor_execute")
    def hear(_connection: Any, _cursor: Any, statement: str, parameters: object, *_others: object) -> None:
        if statement.startswith("WITH RECURSIVE"):
            asked.append((statement, parameters))

    post.takes()
    ((statement, parameters),) = asked
    with post.database.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE) {statement}", parameters).scalars().all()
    steps = [line.split(" on outbox")[0] for line in plan if " on outbox" in line]
    assert len(steps) == 4
    assert all(step.endswith(("using ix_outbox_waiting", "using pk_outbox")) for step in steps), plan


def test_what_another_worker_settles_while_one_looks_is_no_fault(post: Post) -> None:
    post.writes("a", "b")
    first, _second = post.takes()
    settled: list[ClaimedDelivery] = []

    @event.listens_for(post.database.engine, "after_cursor_execute")
    def meanwhile(_connection: Any, _cursor: Any, statement: str, *_others: object) -> None:
        if "RECURSIVE" in statement and not settled:
            settled.append(first)
            post.outbox.settle(first, outcome="delivered")

    assert post.takes() == ()
    assert settled == [first]
    assert post.outbox.waiting() == 1


def test_nobody_gets_more_hands_than_are_left_for_others(post: Post) -> None:
    post.writes(*["slow"] * 30)
    hands, free = Counter[Receiver](), 20
    while taken := post.takes(free, under_way=hands):
        hands.update(claimed.receiver for claimed in taken)
        free -= len(taken)
    assert hands == {("slow", "letter"): 10}
    post.writes("slow", kind="parcel")
    post.writes("other")
    assert sorted((claimed.target, claimed.kind) for claimed in post.takes(free, under_way=hands)) == [
        ("other", "letter"),
        ("slow", "parcel"),
    ]


def test_it_is_told_where_everything_stands(post: Post) -> None:
    post.writes("a", "a", "a", "a", "b")
    *taken, other = sorted(post.takes(), key=lambda claimed: claimed.target)
    post.outbox.settle(taken[0], outcome="delivered")
    post.outbox.settle(taken[1], outcome="refused", error="It answers with status 400.")
    post.outbox.settle(other, outcome="delivered")
    post.fails(taken[2], error="It answers with status 500." + "x" * 1000)
    a, b = post.outbox.standing()
    assert (a.target, a.kind, a.delivered, a.refused, a.given_up, a.waiting) == ("a", "letter", 1, 1, 0, 2)
    assert a.last_error is not None
    assert a.last_error.startswith("It answers with status 500.")
    assert len(a.last_error) == 200
    assert a.next_try is not None
    assert a.last_delivered is not None
    assert (b.delivered, b.waiting, b.last_error, b.next_try) == (1, 0, None, None)


def test_the_error_of_one_kind_is_not_told_of_another(post: Post) -> None:
    post.writes("a")
    post.writes("a", kind="parcel")
    letter, parcel = sorted(post.takes(), key=lambda claimed: claimed.kind)
    post.fails(letter, error="It does not answer.")
    post.outbox.settle(parcel, outcome="delivered")
    told = {stands.kind: stands.last_error for stands in post.outbox.standing()}
    assert told == {"letter": "It does not answer.", "parcel": None}
