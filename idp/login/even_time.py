"""Answers that take as long whoever they are about: what is left of a step of time is waited for.

The same work cannot be done for a number that nobody holds: a database finds nothing sooner than something. So the
answer waits for the next full step, and what is shorter than a step is seen by no clock, but where it happens to lie
across the end of one.
"""

from __future__ import annotations

from time import monotonic, sleep

NUMBER_SECONDS = 0.010
"""For looking a number up: a hundred times what the difference is."""
REFUSAL_SECONDS = 0.020
"""For refusing an answer: some of them cost a verified signature, and each of them a line in the audit log."""


def now() -> float:
    """Return the beginning of what is to be evened out."""
    return monotonic()


def even_out(*, began: float, step: float) -> None:
    """Wait until a whole number of steps has passed since `began`; both in seconds.

    Source: Web Authentication Level 3 section 14.6.2.
    """
    sleep(step - (monotonic() - began) % step)
