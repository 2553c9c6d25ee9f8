"""Tells whether two kinds of request can be told apart by the clock, on a machine that is busy with other things.

The kinds take turns, in a new order each round, so that whatever slows the machine slows all of them. What counts is
in how many rounds one kind was slower than the other: that does not care for outliers, and half of the rounds is what
chance gives. The bound lies five standard deviations from there, which chance alone does not reach in the life of this
suite, while a p-value would fail once in so many runs by its very meaning. More rounds make the bound narrower.
"""

from __future__ import annotations

import secrets
from time import perf_counter
from typing import TYPE_CHECKING

from tests.support.office import meanwhile

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

FAIR = 0.5
DEVIATIONS = 5
NAP_SECONDS = 0.01
MEASURED = "measured"
"""The property of a test that says in words what it measured; the summary of a run prints it."""


def took(act: Callable[[], object]) -> float:
    """Return how many seconds an act takes, without those in which this machine lets nobody here run.

    A nap beside it that lasts longer than it should tells of them.
    """
    overslept = 0.0

    def naps(over: threading.Event) -> None:
        nonlocal overslept
        lies_down = perf_counter()
        while not over.wait(NAP_SECONDS):
            overslept += max(0.0, perf_counter() - lies_down - 2 * NAP_SECONDS)
            lies_down = perf_counter()

    with meanwhile(naps):
        began = perf_counter()
        act()
        whole = perf_counter() - began
    return whole - overslept


def times_of(kinds: Mapping[str, Callable[[int], object]], *, rounds: int) -> dict[str, list[float]]:
    """Run each kind once a round, in random order, and return the seconds of each; a kind gets the round's number."""
    found: dict[str, list[float]] = {name: [] for name in kinds}
    order = list(kinds.items())
    for number in range(-2, rounds):
        secrets.SystemRandom().shuffle(order)
        for name, run in order:
            began = perf_counter()
            run(max(number, 0))
            took = perf_counter() - began
            if number >= 0:  # the first ones make templates and connections
                found[name].append(took)
    return found


def share_slower(one: list[float], other: list[float]) -> float:
    """Return in which share of the rounds `one` took longer than `other`."""
    return sum(a > b for a, b in zip(one, other, strict=True)) / len(one)


def told_apart(times: Mapping[str, list[float]]) -> dict[tuple[str, str], float]:
    """Return the pairs of kinds that the clock tells apart, with the share of rounds in which the first was slower."""
    names = sorted(times)
    shares = {
        (one, other): share_slower(times[one], times[other])
        for index, one in enumerate(names)
        for other in names[index + 1 :]
    }
    noticeable = DEVIATIONS * FAIR / len(times[names[0]]) ** 0.5
    return {pair: share for pair, share in shares.items() if abs(share - FAIR) > noticeable}
