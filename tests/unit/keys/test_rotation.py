"""The rules by which a token-signing key moves on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from keys import Move, RingSettings, UnknownKey, due_moves, revoke, rotate, rotate_now
from tests.support.office import at_once
from tests.unit.keys.shelf import SETTINGS, Shelf, after, at, some_custodians

if TYPE_CHECKING:
    from datetime import datetime

    from keys import Custodian, KeyRecord, SigningKey
    from keys.custody import NewKey

CUSTODIANS = some_custodians()
HEAD_START = SETTINGS.head_start.total_seconds()
AFTERLIFE = SETTINGS.afterlife.total_seconds()


def turn(shelf: Shelf, second: float, settings: RingSettings = SETTINGS) -> list[tuple[str | None, str]]:
    """Let the worker rotate, and return what it moved from where to where."""
    moves = rotate(store=shelf, custodians=CUSTODIANS, settings=settings, now=at(second))
    return [(move.from_state, move.state) for move in moves]


def end(shelf: Shelf, record: KeyRecord, second: float) -> tuple[Move, ...]:
    """Revoke a key."""
    return revoke(
        store=shelf, custodians=CUSTODIANS, settings=SETTINGS, kid=record.kid, reason="stolen", now=at(second)
    )


def states(shelf: Shelf) -> list[str]:
    """Return the states of all keys, oldest key first."""
    return [one.state for one in shelf.records.values()]


def test_at_the_first_start_every_algorithm_signs_at_once() -> None:
    shelf = Shelf()
    every = replace(SETTINGS, algorithms=("ES256", "EdDSA", "PS256", "RS256"))
    assert turn(shelf, 0, every) == [(None, "active")] * 4
    assert {one.alg: one.state for one in shelf.records.values()} == dict.fromkeys(every.algorithms, "active")
    assert turn(shelf, 0, every) == []


@pytest.mark.spec("ID-12")
def test_a_key_lives_from_announced_over_active_and_retiring_to_gone() -> None:
    shelf = Shelf()
    turn(shelf, 0)
    announced_at = SETTINGS.active_seconds - HEAD_START
    assert turn(shelf, announced_at - 1) == []
    assert turn(shelf, announced_at) == [(None, "announced")]
    assert turn(shelf, announced_at + HEAD_START - 1) == []
    assert turn(shelf, SETTINGS.active_seconds) == [("announced", "active")]
    assert states(shelf) == ["retiring", "active"]
    assert turn(shelf, SETTINGS.active_seconds + AFTERLIFE - 1)[:1] != [("retiring", "gone")]
    assert ("retiring", "gone") in turn(shelf, SETTINGS.active_seconds + AFTERLIFE)
    (first, *_) = shelf.records.values()
    assert (first.active_at, first.retiring_at) == (after(0), after(SETTINGS.active_seconds))
    assert first.gone_at == after(SETTINGS.active_seconds + AFTERLIFE)
    assert first.ended_reason == "everything that it signed has expired"


@pytest.mark.spec("ID-11", "ID-12")
def test_the_spans_are_longer_than_any_copy_and_any_token() -> None:
    assert timedelta(seconds=SETTINGS.cache_seconds + SETTINGS.reload_seconds) < SETTINGS.head_start
    assert timedelta(seconds=SETTINGS.longest_token_seconds + SETTINGS.trust_seconds) < SETTINGS.afterlife


def test_a_worker_that_slept_for_a_month_still_gives_every_successor_its_head_start() -> None:
    shelf, month = Shelf(), 30 * 86_400
    turn(shelf, 0)
    assert turn(shelf, month) == [(None, "announced")]
    assert turn(shelf, month + HEAD_START - 1) == []
    assert turn(shelf, month + HEAD_START) == [("announced", "active")]


@dataclass(slots=True)
class SlowHand:
    """A clock, and a custodian that needs `slowness` seconds of it for each key."""

    custodian: Custodian
    slowness: float
    second: float = 0

    def now(self) -> datetime:
        """Tell the time."""
        return after(self.second)

    def generate(self, *, alg: str) -> NewKey:
        """Make a key, slowly."""
        self.second += self.slowness
        return self.custodian.generate(alg=alg)

    def signing_key(self, record: KeyRecord) -> SigningKey:
        """Lend a key, as fast as ever."""
        return self.custodian.signing_key(record)

    def rotates(self, shelf: Shelf, settings: RingSettings) -> list[tuple[str | None, str]]:
        """Do what is due."""
        moves = rotate(store=shelf, custodians={"software": self}, settings=settings, now=self.now)
        return [(move.from_state, move.state) for move in moves]


@pytest.mark.spec("ID-11")
def test_the_head_start_runs_from_when_a_key_is_made_however_long_that_took() -> None:
    shelf, settings = Shelf(), replace(SETTINGS, algorithms=("ES256", "EdDSA"))
    turn(shelf, 0, settings)
    began, slowness = SETTINGS.active_seconds, HEAD_START - 1
    hand = SlowHand(CUSTODIANS["software"], slowness=slowness, second=began)
    assert hand.rotates(shelf, settings) == [(None, "announced")] * 2
    for made in (began + slowness, began + 2 * slowness):
        assert turn(shelf, made + HEAD_START - 1, settings) == []
        assert turn(shelf, made + HEAD_START, settings) == [("announced", "active")]


def test_the_rules_change_nothing_themselves() -> None:
    shelf = Shelf()
    turn(shelf, 0)
    for _ in range(2):
        (move,) = due_moves(shelf.all(), settings=SETTINGS, now=after(SETTINGS.active_seconds))
        assert (move.kid, move.state) == (None, "announced")
    assert states(shelf) == ["active"]


def together(shelf: Shelf, second: float) -> int:
    """Let eight workers rotate in the same instant; return how many moves they took between them."""
    work = partial(rotate, store=shelf, custodians=CUSTODIANS, settings=SETTINGS, now=at(second))
    return sum(len(taken) for taken in at_once(*[work] * 8))


def test_eight_workers_at_once_do_together_what_one_would_have_done() -> None:
    shelf = Shelf()
    assert together(shelf, 0) == 1
    assert together(shelf, SETTINGS.active_seconds) == 1
    assert together(shelf, SETTINGS.active_seconds + HEAD_START) == 1
    assert states(shelf) == ["retiring", "active"]


def test_an_operator_gets_a_successor_announced_now_and_active_when_due() -> None:
    shelf = Shelf()
    turn(shelf, 0)
    asked = rotate_now(store=shelf, custodians=CUSTODIANS, settings=SETTINGS, now=at(1))
    assert [(move.state, move.reason) for move in asked] == [("announced", "an operator asked for it")]
    assert rotate_now(store=shelf, custodians=CUSTODIANS, settings=SETTINGS, now=at(2)) == ()
    assert turn(shelf, HEAD_START) == []
    assert turn(shelf, 1 + HEAD_START) == [("announced", "active")]
    assert states(shelf) == ["retiring", "active"]


@pytest.mark.spec("ID-13")
def test_a_revoked_active_key_is_gone_and_another_one_signs_at_once() -> None:
    shelf = Shelf()
    turn(shelf, 0)
    (stolen,) = shelf.in_state("active")
    assert [(move.from_state, move.state) for move in end(shelf, stolen, 5)] == [("active", "gone"), (None, "active")]
    assert (shelf.records[stolen.kid].gone_at, shelf.records[stolen.kid].ended_reason) == (after(5), "stolen")
    (successor,) = shelf.in_state("active")
    assert successor.kid != stolen.kid


@pytest.mark.spec("ID-13")
def test_a_revoked_key_is_followed_by_the_one_that_was_announced() -> None:
    shelf = Shelf()
    turn(shelf, 0)
    turn(shelf, SETTINGS.active_seconds - HEAD_START)
    (stolen,), (announced,) = shelf.in_state("active"), shelf.in_state("announced")
    end(shelf, stolen, SETTINGS.active_seconds - HEAD_START + 1)
    assert [one.kid for one in shelf.in_state("active")] == [announced.kid]
    assert len(shelf.records) == 2


@pytest.mark.spec("ID-13")
def test_announced_and_retiring_keys_can_be_revoked_and_gone_ones_cannot() -> None:
    shelf = Shelf()
    turn(shelf, 0)
    turn(shelf, SETTINGS.active_seconds)
    turn(shelf, SETTINGS.active_seconds + HEAD_START)
    (retiring,) = shelf.in_state("retiring")
    assert [move.state for move in end(shelf, retiring, 90)] == ["gone"]
    with pytest.raises(UnknownKey):
        end(shelf, retiring, 91)
    with pytest.raises(UnknownKey):
        end(shelf, replace(retiring, kid="never heard of"), 91)
    rotate_now(store=shelf, custodians=CUSTODIANS, settings=SETTINGS, now=at(92))
    (announced,) = shelf.in_state("announced")
    assert end(shelf, announced, 93)[0].from_state == "announced"


def test_an_algorithm_that_is_no_longer_offered_stops_signing_and_lives_out_its_tokens() -> None:
    shelf = Shelf()
    turn(shelf, 0, replace(SETTINGS, algorithms=("ES256", "EdDSA")))
    rotate_now(
        store=shelf,
        custodians=CUSTODIANS,
        settings=replace(SETTINGS, algorithms=("ES256", "EdDSA")),
        now=at(1),
    )
    assert sorted(turn(shelf, 2, SETTINGS)) == [("active", "retiring"), ("announced", "gone")]
    assert {one.state for one in shelf.records.values() if one.alg == "EdDSA"} == {"retiring", "gone"}
    assert ("retiring", "gone") in turn(shelf, 2 + AFTERLIFE, SETTINGS)
