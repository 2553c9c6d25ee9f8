"""Which claims must be asked, which the law grants, when to ask again; and what an answer amounts to.

| how things stand                                            | reason      | asked                                  |
|-------------------------------------------------------------|-------------|----------------------------------------|
| no record                                                   | `first`     | everything                             |
| the newest record is withdrawn                              | `withdrawn` | everything                             |
| the newest record is past its date                          | `expired`   | everything                             |
| the purpose or the wording has another version              | `changed`   | everything                             |
| an item is new, rests on another basis, or is required now  | `new`       | those, and optional ones refused before |
| none of these                                               | None        | nothing; refused optional items neither |

An optional item that there is no value of cannot be chosen. It is told where a page is shown anyway, is no reason to
ask, and no answer to it is recorded: it is new once there is a value.

Source: Law 91/2025/QH15 articles 9 and 10, Decree 356/2025/ND-CP.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from consent.errors import NotOffered, Refused
from consent.record import (
    LONGEST,
    Basis,
    ConsentItem,
    Standing,
    check_aware,
    check_distinct,
    check_named,
    check_version,
)

Reason = Literal["first", "new", "expired", "changed", "withdrawn"]

ONE_MATTER = "details:"
"""How the name of an item begins that was agreed to for one matter: it goes into no later record by itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One claim that a relying party asks for, whether the service needs it, and on which basis.

    `held` tells whether there is a value to be sent of this citizen.
    """

    claim: str
    required: bool
    basis: Basis
    legal_basis: str
    held: bool = True

    @property
    def optional(self) -> bool:
        """Tell whether the citizen may leave it out."""
        return self.basis == "consent" and not self.required

    @property
    def offered(self) -> bool:
        """Tell whether the citizen gets a box to tick; it starts unticked."""
        return self.optional and self.held

    @property
    def lacking(self) -> bool:
        """Tell whether it could be left out, and there is nothing to choose."""
        return self.optional and not self.held


@dataclass(frozen=True, slots=True)
class Demand:
    """Everything that one relying party asks for one purpose, in the order in which it is shown.

    Raises:
        ValueError: a claim asked twice, a version below 1, a lifetime over 365 days.
    """

    recipient: str
    purpose: str
    purpose_version: int
    wording_version: int
    items: tuple[Asked, ...]
    lifetime: timedelta = LONGEST

    def __post_init__(self) -> None:
        """Refuse what may not be asked."""
        check_named(recipient=self.recipient, purpose=self.purpose)
        check_version(self.purpose_version)
        check_version(self.wording_version)
        check_distinct(item.claim for item in self.items)
        if not timedelta(0) < self.lifetime <= LONGEST:
            raise ValueError("a consent lasts longer than nothing and at most 365 days")


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a demand.

    `reason` is None where nothing has to be asked. `new_items` are to be answered or, where the law grants them, to
    be told. `known_items` are asked for and already granted: shown, not asked. `carried` is every item of the record
    in force that goes on into the next one, known, refused, or not asked for this time, but for one matter that is not
    asked for now.
    """

    demand: Demand
    standing: Standing | None
    reason: Reason | None
    new_items: tuple[Asked, ...] = ()
    known_items: tuple[ConsentItem, ...] = ()
    carried: tuple[ConsentItem, ...] = ()

    @property
    def offered(self) -> frozenset[str]:
        """The claims that have a box to tick."""
        return frozenset(item.claim for item in self.new_items if item.offered)


def decide(*, demand: Demand, standing: Standing | None, now: datetime) -> Decision:
    """Compare what is asked with how things stand, by the table above.

    `standing` is the newest record of the subject for the demand's recipient and purpose, in force or not.
    """
    check_aware(now)
    reason = _reason_to_ask_everything(demand=demand, standing=standing, now=now)
    if reason is not None or standing is None:
        return Decision(demand=demand, standing=standing, reason=reason, new_items=demand.items)

    record = {item.claim: item for item in standing.consent.items}
    settled = {asked.claim for asked in demand.items if _is_settled(asked=asked, known=record.get(asked.claim))}
    granted = {claim for claim in settled if claim in record and record[claim].granted}
    known = tuple(record[asked.claim] for asked in demand.items if asked.claim in granted)
    if len(settled) == len(demand.items):
        return Decision(
            demand=demand, standing=standing, reason=None, known_items=known, carried=tuple(record.values())
        )

    new = tuple(asked for asked in demand.items if asked.claim not in granted)
    answered = {asked.claim for asked in new if not (asked.lacking and asked.claim in settled)}
    carried = tuple(
        item
        for item in record.values()
        if item.claim not in answered and (item.claim in granted or not item.claim.startswith(ONE_MATTER))
    )
    return Decision(demand=demand, standing=standing, reason="new", new_items=new, known_items=known, carried=carried)


def _reason_to_ask_everything(*, demand: Demand, standing: Standing | None, now: datetime) -> Reason | None:
    """Return why nothing of the record can be built upon, or None."""
    if standing is None:
        return "first"
    state = standing.state(at=now)
    if state != "in_force":
        return state
    agreed = (standing.consent.purpose_version, standing.consent.wording.version)
    if agreed != (demand.purpose_version, demand.wording_version):
        return "changed"
    return None


def _is_settled(*, asked: Asked, known: ConsentItem | None) -> bool:
    """Tell whether the record answers an item: granted, or refused where it still may be, on the same basis.

    Where there is nothing to choose, there is nothing to ask, unless it was granted on another basis.
    """
    if known is None:
        return asked.lacking
    if (known.basis, known.legal_basis) != (asked.basis, asked.legal_basis):
        return asked.lacking and not known.granted
    return known.granted or asked.optional


def answer(*, decision: Decision, ticked: frozenset[str], agreed: bool) -> tuple[ConsentItem, ...]:
    """Turn what the citizen pressed and ticked into the items of the next record; what had no box has no answer.

    `agreed` is True only where the citizen pressed the button that agrees. Agreeing grants what is required; an
    optional item is granted only where it is ticked.

    Raises:
        Refused: the citizen did not agree; the relying party gets nothing at all.
        NotOffered: something is ticked that had no box on the page.
    """
    surplus = ticked - decision.offered
    if surplus:
        raise NotOffered(surplus)
    if not agreed:
        raise Refused("the citizen did not agree")
    return decision.carried + tuple(
        ConsentItem(
            claim=item.claim,
            required=item.required,
            granted=not item.optional or item.claim in ticked,
            basis=item.basis,
            legal_basis=item.legal_basis,
        )
        for item in decision.new_items
        if not item.lacking
    )
