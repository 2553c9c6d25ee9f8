"""How a delivery may fail otherwise than by a receiver who is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import NoAnswer, SenError

if TYPE_CHECKING:
    from collections.abc import Container

    from idp.outbox import ClaimedDelivery

BROKEN = 500
"""What a relying party answers that trips over one of its citizens, or over everything."""


class Unwanted(SenError):
    """The receiver says that it will never take this."""


class Undeliverable(SenError):
    """There is nobody any more to deliver it to."""


class Unready(SenError):
    """It fails for what is in this one, and may go later; others for the same receiver need not wait for it."""


def require_received(
    status: int, *, claimed: ClaimedDelivery, what: str, succeeded: Container[int], refused: Container[int], needed: int
) -> None:
    """Return when a relying party has taken a delivery: `what` it is, and which answers say so, or that it never will.

    Raises:
        Unwanted: it never will.
        Unready: this one breaks something there; the first time it may be the relying party that is ill.
        NoAnswer: it answers otherwise.
    """
    if status in refused:
        raise Unwanted(f"It answers with status {status}: it does not accept the {what}.")
    if status == BROKEN and claimed.attempts > 1:
        raise Unready(f"It answers this one with status {status}, and {needed} is needed.")
    if status not in succeeded:
        raise NoAnswer(f"It answers with status {status}, and {needed} is needed.")
