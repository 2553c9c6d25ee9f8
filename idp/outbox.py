"""The outbox: what has to be delivered outside, written with the change that causes it, delivered by the worker.

Delivered at least once: whoever receives must bear to receive twice. A receiver is a relying party's address for one
kind of delivery, or the operator's gateway; one that is away or slow holds up nobody else, nor its other addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  dataclass fields are read at run time
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BACKCHANNEL_LOGOUT = "backchannel_logout"
CIBA_PING = "ciba_ping"
NOTICE = "notice"
FORMER_CONTACT_NOTICE = "former_contact_notice"
"""Of a kind of its own: a change of many people's records makes no other notice wait behind theirs."""

Receiver = tuple[str, str]
"""A target and a kind."""

Outcome = Literal["delivered", "refused", "given_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is to be delivered: `kind` is a key of the worker's SENDERS, `payload` is for its sender.

    `target` is a relying party's client_id, or `gateway`.
    `payload` holds neither secrets nor tokens: what is signed is made when it is sent. What is personal is sealed.
    """

    kind: str
    target: str
    payload: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery(Delivery):
    """A delivery that one worker has taken; `attempts` counts this one, too."""

    id: str
    attempts: int
    created_at: datetime

    @property
    def receiver(self) -> Receiver:
        """Whom it is for."""
        return self.target, self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStanding:
    """Where deliveries of one kind to one receiver stand; the errors are words of ours."""

    kind: str
    target: str
    delivered: int
    waiting: int
    refused: int
    given_up: int
    next_try: datetime | None
    last_delivered: datetime | None
    last_error: str | None


class OutboxStore(Protocol):
    """What the worker needs of the outbox; rows are written by the stores whose changes cause them."""

    def claim(self, *, most: int, under_way: Mapping[Receiver, int]) -> Sequence[ClaimedDelivery]:
        """Take deliveries that are due, so that no other worker tries them within `LEASE`.

        `most` is how many hands are free, `under_way` how many each receiver has. None gets more than it leaves free.
        A receiver whose last attempt failed is tried with one delivery at a time; until that is due, with none.
        """
        ...

    def settle(
        self,
        claimed: ClaimedDelivery,
        *,
        outcome: Outcome,
        error: str | None = None,
        with_those_until: datetime | None = None,
    ) -> int:
        """Say how it ended; so did what was written for the same receiver until an instant, and nobody is trying.

        Returns how many ended by this.
        """
        ...

    def postpone(self, claimed: ClaimedDelivery, *, until: datetime, error: str | None) -> None:
        """Try again later; nothing changes where another worker has taken it meanwhile.

        An error says that the receiver is away, and holds back what else waits for it; without one nothing does.
        """
        ...

    def waiting(self) -> int:
        """Return how many deliveries are not done."""
        ...

    def standing(self) -> Sequence[DeliveryStanding]:
        """Return where every kind and receiver stands, in the order of their names."""
        ...
