"""People who agree and withdraw, and the smallest ledger's memory that keeps its promises: a list that only grows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from consent import (
    Asked,
    Circumstances,
    Consent,
    Decision,
    Demand,
    Ledger,
    NotThere,
    Outdated,
    Standing,
    Withdrawal,
    Wording,
    answer,
    decide,
)

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
LAW = "Nghị định 69/2024/NĐ-CP, Điều 9"
AGREEMENT = "Luật 91/2025/QH15, Điều 9"
PORTAL = "portal"
DRIVING = "driving-licence"


def required(claim: str) -> Asked:
    """Return an item that the service needs."""
    return Asked(claim=claim, required=True, basis="consent", legal_basis=AGREEMENT)


def optional(claim: str) -> Asked:
    """Return an item that the citizen may leave out."""
    return Asked(claim=claim, required=False, basis="consent", legal_basis=AGREEMENT)


def lacking(claim: str) -> Asked:
    """Return an item that the citizen may leave out, and that there is no value of."""
    return replace(optional(claim), held=False)


def by_law(claim: str) -> Asked:
    """Return an item that the citizen is told of and not asked."""
    return Asked(claim=claim, required=True, basis="law", legal_basis=LAW)


def a_demand(*items: Asked, purpose: str = DRIVING, version: int = 1, days: float = 365) -> Demand:
    """Return what the portal asks; purpose and wording share one version here."""
    return Demand(
        recipient=PORTAL,
        purpose=purpose,
        purpose_version=version,
        wording_version=version,
        items=items,
        lifetime=timedelta(days=days),
    )


def a_wording(version: int = 1) -> Wording:
    """Return a page's text."""
    return Wording(language="vi", version=version, text="Cổng dịch vụ công muốn biết họ tên của bạn.")


class Ids:
    """Ids that sort by the order of their making."""

    def __init__(self) -> None:
        """Count from one."""
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        """Return the next id."""
        return f"id-{next(self._numbers):06d}"


class GrowingList:
    """Implements `consent.ConsentStore` over two lists that only grow; for one thread, so nothing to lock."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.consents: list[Consent] = []
        self.withdrawals: list[Withdrawal] = []
        self.locked: list[str] = []

    def lock(self, *, subject: str) -> None:
        """Remember that somebody asked."""
        self.locked.append(subject)

    def append(self, given: Consent) -> None:
        """Add a consent to the end of its line."""
        line = self.line(subject=given.subject, recipient=given.recipient, purpose=given.purpose)
        if given.supersedes in {standing.consent.supersedes for standing in line}:
            raise Outdated("another record already follows")
        self.consents.append(given)

    def end(self, withdrawal: Withdrawal) -> None:
        """Add a withdrawal, the first for each consent."""
        found = self.by_id(withdrawal.ends)
        if found is None or found.consent.subject != withdrawal.subject:
            raise NotThere("no such consent of this citizen")
        if found.withdrawal is None:
            self.withdrawals.append(withdrawal)

    def by_id(self, consent_id: str) -> Standing | None:
        """Return one consent with its withdrawal."""
        return next((standing for standing in self._all() if standing.consent.id == consent_id), None)

    def head(self, *, subject: str, recipient: str, purpose: str) -> Standing | None:
        """Return the end of the line."""
        line = self.line(subject=subject, recipient=recipient, purpose=purpose)
        superseded = {standing.consent.supersedes for standing in line}
        heads = [standing for standing in line if standing.consent.id not in superseded]
        assert len(heads) <= 1
        return heads[0] if heads else None

    def line(self, *, subject: str, recipient: str, purpose: str) -> tuple[Standing, ...]:
        """Return every record of one purpose."""
        wanted = (subject, recipient, purpose)
        return tuple(
            standing
            for standing in self._all()
            if (standing.consent.subject, standing.consent.recipient, standing.consent.purpose) == wanted
        )

    def of_subject(self, subject: str) -> tuple[Standing, ...]:
        """Return every record of one citizen."""
        return tuple(standing for standing in self._all() if standing.consent.subject == subject)

    def _all(self) -> tuple[Standing, ...]:
        ends = {withdrawal.ends: withdrawal for withdrawal in self.withdrawals}
        return tuple(Standing(given, ends.get(given.id)) for given in self.consents)


@dataclass
class Person:
    """A citizen at the consent page, whose clock moves only when told."""

    ledger: Ledger
    subject: str = "citizen-an"
    clock: datetime = MIDNIGHT
    given: list[Consent] = field(default_factory=list)

    def waits(self, *, days: float) -> None:
        """Let time pass."""
        self.clock += timedelta(days=days)

    def is_asked(self, demand: Demand) -> Decision:
        """Return what the page would show."""
        newest = self.ledger.newest(subject=self.subject, recipient=demand.recipient, purpose=demand.purpose)
        return decide(demand=demand, standing=newest, now=self.clock)

    def agrees(self, demand: Demand, *ticked: str) -> Consent:
        """Read the page, tick, and press the button that agrees."""
        return self.answers(self.is_asked(demand), *ticked)

    def answers(self, decision: Decision, *ticked: str) -> Consent:
        """Agree on a page that may have been open for a while."""
        given = self.ledger.give(
            subject=self.subject,
            decision=decision,
            items=answer(decision=decision, ticked=frozenset(ticked), agreed=True),
            wording=a_wording(decision.demand.wording_version),
            circumstances=Circumstances(at=self.clock, session_id="session-1", acr="2"),
        )
        self.given.append(given)
        return given

    def withdraws(self, given: Consent) -> tuple[Withdrawal, ...]:
        """Withdraw the whole purpose by one of its records."""
        return self.ledger.withdraw(
            consent_id=given.id, subject=self.subject, by="citizen", reason="changed_my_mind", now=self.clock
        )

    def kept(self) -> tuple[Standing, ...]:
        """Return everything that was ever agreed, with what was withdrawn of it."""
        return self.ledger.store.of_subject(self.subject)

    def may_share(self, *claims: str, purpose: str = DRIVING) -> bool:
        """Tell whether the portal may have claims now."""
        in_force = self.ledger.current(subject=self.subject, recipient=PORTAL, purpose=purpose, now=self.clock)
        return in_force is not None and in_force.granted_claims.issuperset(claims)


def a_person() -> Person:
    """Return a citizen with an empty ledger in memory."""
    return Person(ledger=Ledger(store=GrowingList(), new_id=Ids()))
