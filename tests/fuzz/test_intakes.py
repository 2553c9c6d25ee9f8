"""Whatever a stranger sends: nothing but our own errors comes of it, and twice as much costs twice as much."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.endpoints._http import read_parameters
from idp.errors import InvalidRequest
from tests.fuzz.corpus import TEXTS, WHOLE
from tests.fuzz.intakes import INTAKES, Seat
from tests.fuzz.whole_requests import requests
from tests.support.house import House, house

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["house"]

FEW_CALLS = 2000
"""Calls that any intake may make, however little it is sent."""

MOST_MILLISECONDS = 50
"""What an answer may take of a processor; what is written in C makes no calls, and is found by this alone."""

TRIES = 5  # a processor that is shared with others may be slow for a moment

LETTERS = st.characters() | st.sampled_from('{}[]":,.=&%+/-_~#?;\\\x00\ud800ệAa0\n')
WORDS = st.text(LETTERS, max_size=40)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4))


def as_json(value: Any) -> str:
    """Return a value as lenient writers would write it, surrogates and NaN included."""
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture(scope="module")
def seat(house: House) -> Seat:
    return Seat(house, house.registers_portal(token_endpoint_auth_method="client_secret_basic"))


def count_calls(run: Callable[[], object]) -> int:
    """Return how many calls are made, of Python's functions and of those in C."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    former = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(former)
    return calls


@pytest.mark.spec("HT-05")
@pytest.mark.parametrize("intake", INTAKES)
def test_hostile_texts_are_read_or_refused_and_twice_as_much_costs_twice_as_much(seat: Seat, intake: str) -> None:
    read = INTAKES[intake]
    read(seat, "")  # whatever is made at its first use
    for name, make in TEXTS.items():
        half, whole = (count_calls(partial(read, seat, make(size))) for size in (WHOLE // 8, WHOLE // 4))
        assert whole <= 2.2 * half + FEW_CALLS, name


@pytest.mark.parametrize("intake", INTAKES)
def test_any_text_is_read_or_refused(seat: Seat, intake: str) -> None:
    @given(text=WORDS | VALUES.map(as_json))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def check(text: str) -> None:
        INTAKES[intake](seat, text)

    check()


def cost(run: Callable[[], object]) -> float:
    """Return what an answer costs of this thread's processor, in milliseconds: the least of some tries."""
    least = float("inf")
    for _ in range(TRIES):
        began = time.thread_time()
        run()
        least = min(least, (time.thread_time() - began) * 1000)
        if least <= MOST_MILLISECONDS:
            break
    return least


@pytest.mark.spec("HT-10", "HT-05")
@pytest.mark.parametrize("text", TEXTS)
def test_a_request_that_carries_it_anywhere_is_answered_at_once_and_nothing_breaks(seat: Seat, text: str) -> None:
    costs = {name: cost(run) for name, run in requests(seat, TEXTS[text](WHOLE))}
    assert len(costs) > 50
    assert {name: spent for name, spent in costs.items() if spent > MOST_MILLISECONDS} == {}
    assert seat.sends("GET", "/jwks") == 200


@pytest.mark.spec("HT-10")
@pytest.mark.parametrize("path", ["/", "/help", "/login", "/logout", "/authorize", "/nowhere"])
@pytest.mark.parametrize("query", ["\xe1", "tx=\xff&client_id=\xc3", "\x80=%ff"])
def test_a_query_in_letters_that_are_not_encoded_is_answered_as_none(seat: Seat, path: str, query: str) -> None:
    assert seat.sends("GET", path, QUERY_STRING=query) == seat.sends("GET", path)


@pytest.mark.spec("HT-05")
@pytest.mark.parametrize("path", ["/help", "/logout", "/authorize", "/jwks"])
def test_a_query_longer_than_any_honest_one_is_refused_unread(seat: Seat, path: str) -> None:
    assert seat.sends("GET", path, QUERY_STRING="a=" + "%ff" * 8000) == 413
    assert seat.sends("GET", path, QUERY_STRING="a=" + "%20" * 100) in {200, 400}


@pytest.mark.spec("HT-05")
def test_more_escapes_than_a_text_can_hold_are_refused_before_they_are_undone() -> None:
    with pytest.raises(InvalidRequest):
        read_parameters("%" * WHOLE)
    assert read_parameters("a=" + "%25" * 100) == {"a": "%" * 100}
    assert read_parameters("a=100%") == {"a": "100%"}
