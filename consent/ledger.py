"""Append, current, withdraw; nothing is ever changed."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003  dataclass fields are read at run time
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  dataclass fields are read at run time
from typing import TYPE_CHECKING

from consent.errors import NotThere, Outdated
from consent.policy import Decision, decide
from consent.record import By, Consent, ConsentItem, Standing, Withdrawal, Wording
from consent.store import ConsentStore  # noqa: TC001  dataclass fields are read at run time

if TYPE_CHECKING:
    from collections.abc import Iterable

REFUSED_LATER = "refused_later"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When the citizen agreed, in which login session, and at which level of authentication."""

    at: datetime
    session_id: str
    acr: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The consents of all citizens; `new_id` makes UUIDv7 text.

    A ledger works inside one transaction of its store; whoever opened that transaction commits it, and nothing is
    acknowledged to the citizen before that.
    """

    store: ConsentStore
    new_id: Callable[[], str]

    def newest(self, *, subject: str, recipient: str, purpose: str) -> Standing | None:
        """Return the newest record, in force or not: what `decide` asks for."""
        return self.store.head(subject=subject, recipient=recipient, purpose=purpose)

    def current(self, *, subject: str, recipient: str, purpose: str, now: datetime) -> Consent | None:
        """Return the consent in force, or None."""
        newest = self.newest(subject=subject, recipient=recipient, purpose=purpose)
        return newest.consent if newest is not None and newest.state(at=now) == "in_force" else None

    def all_current(self, *, subject: str, now: datetime) -> tuple[Consent, ...]:
        """Return a citizen's consents in force, one for each recipient and purpose, newest first."""
        newest = self.all_newest(subject=subject)
        return tuple(standing.consent for standing in newest if standing.state(at=now) == "in_force")

    def all_newest(self, *, subject: str) -> tuple[Standing, ...]:
        """Return the newest record of each recipient and purpose of a citizen, in force or not, newest first."""
        standings = self.store.of_subject(subject)
        superseded = {standing.consent.supersedes for standing in standings}
        heads = (standing for standing in standings if standing.consent.id not in superseded)
        return tuple(sorted(heads, key=lambda standing: _when(standing.consent), reverse=True))

    def standing(self, *, consent_id: str, subject: str) -> Standing:
        """Return one consent of a citizen and how it stands.

        Raises:
            NotThere: no such consent of this subject.
        """
        found = self.store.by_id(consent_id)
        if found is None or found.consent.subject != subject:
            raise NotThere("no such consent of this citizen")
        return found

    def give(
        self,
        *,
        subject: str,
        decision: Decision,
        items: tuple[ConsentItem, ...],
        wording: Wording,
        circumstances: Circumstances,
    ) -> Consent:
        """Record what a citizen has agreed to; `items` is what `answer` made of the decision.

        Where the decision had nothing to ask (a relying party wanted the page all the same), nothing is recorded and
        the record in force is returned.

        1. Nobody else changes this citizen's consents until the transaction ends.
        2. The decision is made again: where it comes out differently, the page that was answered is out of date.
        3. The new record stands for the whole and lasts no longer than anything that it builds upon.
        4. Earlier records that grant what is asked and not granted now are ended, so no token lives on by them.

        Raises:
            Outdated: the ledger has moved on since the decision.
            ValueError: the wording is not the version that was decided upon.
        """
        demand = decision.demand
        if wording.version != demand.wording_version:
            raise ValueError("the wording is not the version that was decided upon")
        self.store.lock(subject=subject)  # 1
        newest = self.newest(subject=subject, recipient=demand.recipient, purpose=demand.purpose)
        if decide(demand=demand, standing=newest, now=circumstances.at) != decision:  # 2
            raise Outdated("the ledger has moved on since the page was made")
        if decision.reason is None and newest is not None:
            return newest.consent
        consent = Consent(
            id=self.new_id(),
            subject=subject,
            recipient=demand.recipient,
            purpose=demand.purpose,
            purpose_version=demand.purpose_version,
            items=items,
            wording=wording,
            given_at=circumstances.at,
            expires_at=_end_of(decision=decision, at=circumstances.at),  # 3
            session_id=circumstances.session_id,
            acr=circumstances.acr,
            supersedes=newest.consent.id if newest else None,
        )
        asked = {item.claim for item in decision.new_items} | {item.claim for item in items}
        refused = asked - consent.granted_claims
        outgrown = (  # 4
            standing for standing in self._line_of(consent) if standing.consent.granted_claims & refused
        )
        self._end(outgrown, by="citizen", reason=REFUSED_LATER, at=circumstances.at)
        self.store.append(consent)
        return consent

    def withdraw(self, *, consent_id: str, subject: str, by: By, reason: str, now: datetime) -> tuple[Withdrawal, ...]:
        """End everything that a citizen has agreed to for the recipient and purpose of one consent.

        Every record of the purpose is ended, the superseded ones too, because tokens may rest on them; any of their
        ids will do, so a page left open still works. Doing it twice does no more: the second time returns ().

        Raises:
            NotThere: no such consent of this subject.
        """
        self.store.lock(subject=subject)
        standing = self.standing(consent_id=consent_id, subject=subject)
        return self._end(self._line_of(standing.consent), by=by, reason=reason, at=now)

    def _line_of(self, consent: Consent) -> tuple[Standing, ...]:
        """Return every record of the same subject, recipient and purpose."""
        return self.store.line(subject=consent.subject, recipient=consent.recipient, purpose=consent.purpose)

    def _end(self, standings: Iterable[Standing], *, by: By, reason: str, at: datetime) -> tuple[Withdrawal, ...]:
        """End those of the records that nothing has ended yet."""
        withdrawals = tuple(
            Withdrawal(
                id=self.new_id(),
                ends=standing.consent.id,
                subject=standing.consent.subject,
                at=at,
                by=by,
                reason=reason,
            )
            for standing in standings
            if standing.withdrawal is None
        )
        for withdrawal in withdrawals:
            self.store.end(withdrawal)
        return withdrawals


def _end_of(*, decision: Decision, at: datetime) -> datetime:
    """Return when the next record ends: items that are carried over do not live longer by it."""
    end = at + decision.demand.lifetime
    if decision.carried and decision.standing is not None:
        return min(end, decision.standing.consent.expires_at)
    return end


def _when(given: Consent) -> tuple[datetime, str]:
    """Order consents by their time, and by id within the same instant."""
    return (given.given_at, given.id)
