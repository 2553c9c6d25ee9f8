"""The courier: its patience grows, is never the same and has an end; its hands are shared out."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from idp import clock
from idp.errors import NoAnswer, TemporarilyUnavailable
from idp.outbox import ClaimedDelivery, Delivery
from idp.storage.sql.outbox import SqlOutbox, write_deliveries
from idp.storage.sql.tables import outbox
from idp.wiring import build_services, open_database
from idp.worker import courier
from idp.worker.answers import Undeliverable, Unready, Unwanted
from idp.worker.courier import LEAST_ATTEMPTS, LONGEST_PAUSE, LONGEST_WAIT, MOST_ATTEMPTS, Courier, pause_after
from keys import SealBroken
from tests.support.ground import lay_tables
from tests.support.house import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from idp.outbox import OutboxStore
    from idp.services import Services


class Shelf:
    """Holds one delivery and notes what becomes of it."""

    def __init__(self, claimed: ClaimedDelivery) -> None:
        self.waiting = [claimed]
        self.ends: list[tuple[str, str | None]] = []
        self.pauses: list[timedelta] = []
        self.takes_along: timedelta | None = None
        self.holds_others = False

    def claim(self, *, most: int, **_: object) -> tuple[ClaimedDelivery, ...]:
        """Hand out what lies there."""
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        return tuple(taken)

    def settle(
        self, _claimed: ClaimedDelivery, *, outcome: str, error: str | None = None,
        with_those_until: datetime | None = None,
    ) -> int:  # fmt: skip
        """Note an end, and how long those have waited that go with it."""
        self.ends.append((outcome, error))
        self.takes_along = None if with_those_until is None else clock.now() - with_those_until
        return 1

    def postpone(self, _claimed: ClaimedDelivery, *, until: datetime, error: str | None) -> None:
        """Note a pause, and whether it holds back others."""
        self.holds_others = error is not None
        self.pauses.append(until - clock.now())


class Doorway(Shelf):
    """A shelf that notes whether two hands reach for it at the same moment."""

    def __init__(self, *waiting: ClaimedDelivery) -> None:
        super().__init__(waiting[0])
        self.waiting = list(waiting)
        self.doorway, self.met = threading.Lock(), threading.Event()

    def claim(self, *, most: int, **_: object) -> tuple[ClaimedDelivery, ...]:
        """Hand out what lies there, when another has had the time to come."""
        if not self.doorway.acquire(blocking=False):
            self.met.set()
            return ()
        self.met.wait(0.1)
        self.doorway.release()
        return super().claim(most=most)


def a_delivery(*, attempts: int = 1, age: timedelta = timedelta(0)) -> ClaimedDelivery:
    """Return one that has been tried and has waited."""
    return ClaimedDelivery(
        id="1", kind="letter", target="a", payload={}, attempts=attempts, created_at=clock.now() - age
    )


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Give what sending needs."""
    built = build_services(settings_for(folder=tmp_path, redis_url="unix:///nowhere/valkey.sock"))
    yield built
    built.close()


def carried(claimed: ClaimedDelivery, *, folder: Path, send: Callable[..., None]) -> Shelf:
    """Let a courier try a delivery once."""
    shelf = Shelf(claimed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(courier.SENDERS, "letter", send)
        services = build_services(settings_for(folder=folder, redis_url="unix:///nowhere/valkey.sock"))
        carrier = Courier(outbox=cast("OutboxStore", shelf), services=services, hands=2)
        assert carrier.send_out() == 1
        carrier.rest()
        carrier.close()
        assert carrier.send_out() == 0
        services.close()
    return shelf


def raises(error: Exception) -> Callable[..., None]:
    """Return a way of sending that ends in an error."""

    def send(*_: object, **__: object) -> None:
        raise error

    return send


@pytest.mark.spec("LO-06")
def test_pauses_double_up_to_an_hour_and_are_never_the_same() -> None:
    longest = [max(pause_after(attempts) for _ in range(50)) for attempts in range(1, 40)]
    for attempts, pause in enumerate(longest, start=1):
        full = min(timedelta(seconds=5) * 2 ** (attempts - 1), LONGEST_PAUSE)
        assert full / 2 <= pause <= full
    assert len({pause_after(3) for _ in range(20)}) > 10


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Unwanted("It says no."), "refused"), (Undeliverable("It is gone."), "given_up"), (None, "delivered")],
)
@pytest.mark.spec("LO-06")
def test_an_answer_is_final(tmp_path: Path, error: Exception | None, outcome: str) -> None:
    send = raises(error) if error is not None else lambda *_, **__: None
    shelf = carried(a_delivery(), folder=tmp_path, send=send)
    assert shelf.ends == [(outcome, str(error) if error else None)]
    assert shelf.pauses == []
    assert shelf.takes_along is None, "what is over for this one says nothing of another"


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (NoAnswer("It answers too slowly."), "everything"),
        (Unready("It fails for this one."), "itself"),
        (SealBroken("no master key opens this"), "itself"),
        (RuntimeError("a secret of ours"), "itself"),
    ],
    ids=["away", "this one alone", "no key for this one", "broken here"],
)
@pytest.mark.spec("LO-06")
def test_what_fails_comes_again_until_a_day_is_over_and_holds_others_back_only_where_nobody_answers(
    tmp_path: Path, error: Exception, waits: str
) -> None:
    days = 3 * LONGEST_WAIT
    for early in (a_delivery(attempts=MOST_ATTEMPTS - 1), a_delivery(attempts=LEAST_ATTEMPTS - 1, age=days)):
        again = carried(early, folder=tmp_path, send=raises(error))
        assert len(again.pauses) == 1, "nor after days in which no worker was there"
        assert again.holds_others is (waits == "everything")
        assert again.ends == []
    for last in (a_delivery(attempts=MOST_ATTEMPTS), a_delivery(attempts=LEAST_ATTEMPTS, age=days)):
        shelf = carried(last, folder=tmp_path, send=raises(error))
        ((outcome, reason),) = shelf.ends
        assert outcome == "given_up"
        if waits == "everything":
            assert shelf.takes_along is not None
            assert shelf.takes_along < LONGEST_WAIT + timedelta(minutes=1)
        else:
            assert shelf.takes_along is None
        assert "secret" not in str(reason)


@pytest.mark.parametrize(
    ("error", "said"),
    [(TemporarilyUnavailable("The database is away."), "delivery_not_marked"), (TypeError(), "delivery_broken")],
)
def test_what_cannot_be_marked_is_said_and_leaves_its_hand_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(Shelf, "settle", raises(error))
    with capture_logs() as logged:
        carried(a_delivery(), folder=tmp_path, send=lambda *_, **__: None)
    assert [line["event"] for line in logged] == [said]


@pytest.mark.spec("LO-06")
def test_receivers_that_are_slow_leave_a_hand_for_another(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(services.provider.settings)
    lay_tables(database)
    go_on, reached = threading.Event(), threading.Event()

    def send(claimed: ClaimedDelivery, **_: object) -> None:
        if claimed.target == "other":
            reached.set()
        else:
            go_on.wait(30)

    def writes(*targets: str) -> None:
        letters = [Delivery(kind="letter", target=target, payload={}) for target in targets]
        database.transact(lambda connection: write_deliveries(connection, *letters))

    monkeypatch.setitem(courier.SENDERS, "letter", send)
    carrier = Courier(outbox=SqlOutbox(database), services=services, hands=8)
    writes(*["slow"] * 10, *["slower"] * 10)
    while carrier.send_out():
        pass
    writes("other")
    assert carrier.send_out() == 1
    assert reached.wait(30)
    go_on.set()
    carrier.rest()
    assert carrier.outbox.waiting() == 0, "each hand goes on by itself"
    carrier.close()
    database.close()


def test_everything_that_is_given_up_is_counted(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(services.provider.settings)
    lay_tables(database)
    letters = [Delivery(kind="letter", target="away", payload={})] * 5
    database.transact(lambda connection: write_deliveries(connection, *letters))
    long_ago = clock.now() - 3 * LONGEST_WAIT
    waited = update(outbox).values(created_at=long_ago, attempts=LEAST_ATTEMPTS)
    database.transact(lambda connection: connection.execute(waited))
    monkeypatch.setitem(courier.SENDERS, "letter", raises(NoAnswer("It answers too slowly.")))
    carrier = Courier(outbox=SqlOutbox(database), services=services, hands=2)
    assert carrier.send_out() == 1
    carrier.rest()
    counted = services.metrics.render().decode()
    assert 'sen_deliveries_total{kind="letter",outcome="given_up"} 5.0' in counted
    carrier.close()
    database.close()


def test_hands_that_are_free_at_the_same_moment_look_one_after_the_other(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)
    monkeypatch.setitem(courier.SENDERS, "letter", lambda *_, **__: together.wait(30))
    shelf = Doorway(a_delivery(), replace(a_delivery(), id="2"))
    carrier = Courier(outbox=cast("OutboxStore", shelf), services=services, hands=2)
    assert carrier.send_out() == 2
    carrier.rest()
    carrier.close()
    assert len(shelf.ends) == 2
    assert not shelf.met.is_set()
