"""Whatever a citizen and a portal do, in any order: the ledger against a model that fits on one screen."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consent import Asked, Consent, Demand, Ledger
from tests.support.consent.people import (
    DRIVING,
    PORTAL,
    GrowingList,
    Ids,
    Person,
    a_demand,
    by_law,
    lacking,
    optional,
    required,
)

ITEMS = (
    required("name"),
    by_law("name"),
    required("birthdate"),
    optional("phone_number"),
    required("phone_number"),
    optional("address"),
    lacking("address"),
)
CLAIMS = tuple(sorted({item.claim for item in ITEMS}))
YEAR = timedelta(days=365)


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    """Draw what a portal may ask: some claims, each in some way, for a purpose of some version and lifetime."""
    items: list[Asked] = draw(st.lists(st.sampled_from(ITEMS), min_size=1, unique_by=lambda item: item.claim))
    return a_demand(*items, version=draw(st.sampled_from([1, 1, 1, 2])), days=draw(st.sampled_from([30, 365, 365])))


class CitizenAndPortal(RuleBasedStateMachine):
    """The model: for each claim the instant at which the citizen last said yes to it, forgotten when they say no."""

    def __init__(self) -> None:
        """Begin with an empty ledger and an empty model."""
        super().__init__()
        self.store = GrowingList()
        self.an = Person(ledger=Ledger(store=self.store, new_id=Ids()))
        self.yes: dict[str, datetime] = {}
        self.seen: list[object] = []

    @rule(demand=demands(), ticks=st.sets(st.sampled_from(CLAIMS)))
    def agrees_where_asked(self, demand: Demand, ticks: set[str]) -> None:
        """Show the page if there is one, tick some of the boxes, agree."""
        decision = self.an.is_asked(demand)
        if decision.reason is None:
            assert all(self.an.may_share(item.claim) for item in demand.items if item.required)
            return
        kept = set(self.covered()) if decision.reason == "new" else set()
        ticked = ticks & decision.offered
        said_yes = {item.claim for item in decision.new_items if not item.optional} | ticked

        given = self.an.answers(decision, *ticked)

        assert given.granted_claims >= kept - decision.offered, "supersede keeps what was granted"
        assert given.granted_claims == (kept - decision.offered) | said_yes
        self.yes = {claim: at for claim, at in self.yes.items() if claim in given.granted_claims}
        self.yes.update(dict.fromkeys(said_yes, self.an.clock))

    @rule(more=st.sampled_from(ITEMS), halfway=st.booleans())
    def is_asked_for_one_thing_more(self, more: Asked, *, halfway: bool) -> None:
        """The portal grows: it builds on what holds, perhaps when the year is more than half over."""
        if halfway:
            self.time_passes(days=200)
        self.agrees_where_asked(demand=a_demand(more), ticks={more.claim})

    @rule(demand=demands())
    def closes_the_page(self, demand: Demand) -> None:
        """Silence: the page is shown and nothing comes back."""
        before = self.covered()
        self.an.is_asked(demand)
        assert self.covered() == before

    @precondition(lambda self: self.an.given)
    @rule(data=st.data())
    def withdraws(self, data: st.DataObject) -> None:
        """Withdraw by any record, the newest or one long superseded."""
        self.an.withdraws(data.draw(st.sampled_from(self.an.given)))
        self.yes.clear()
        assert not self.an.may_share(), "withdrawn means nothing is covered"

    @rule(days=st.sampled_from([0.5, 29.5, 200]))
    def time_passes(self, days: float) -> None:
        """Wait."""
        self.an.waits(days=days)

    def covered(self) -> frozenset[str]:
        """Return what the portal may have now."""
        return frozenset(claim for claim in CLAIMS if self.an.may_share(claim))

    @invariant()
    def never_covers_more_than_was_granted(self) -> None:
        """Every covered claim got a yes that was not taken back, at most a year ago."""
        for claim in self.covered():
            assert claim in self.yes
            assert self.an.clock < self.yes[claim] + YEAR

    @invariant()
    def no_old_record_grants_what_was_refused_since(self) -> None:
        """A token may rest on any record that is not ended: none of them may say yes where the citizen says no."""
        newest = self.an.ledger.newest(subject=self.an.subject, recipient=PORTAL, purpose=DRIVING)
        if newest is None:
            return
        refused = {item.claim for item in newest.consent.items if not item.granted}
        standings = self.store.of_subject(self.an.subject)
        for standing in standings:
            if standing.state(at=self.an.clock) == "in_force":
                assert not standing.consent.granted_claims & refused

    @invariant()
    def one_line_without_branches(self) -> None:
        """Each record follows exactly the one that was given before it."""
        expected = [None, *(given.id for given in self.store.consents[:-1])] if self.store.consents else []
        assert [given.supersedes for given in self.store.consents] == expected

    @invariant()
    def nothing_is_ever_changed(self) -> None:
        """What was in the ledger is still there, in the same words."""
        entries: list[object] = [*self.store.consents, *self.store.withdrawals]
        assert all(entry in entries for entry in self.seen)
        self.seen = entries

    @invariant()
    def only_what_holds_is_listed(self) -> None:
        """The citizen's page lists at most one consent for a purpose, and only while it holds."""
        listed: tuple[Consent, ...] = self.an.ledger.all_current(subject=self.an.subject, now=self.an.clock)
        assert len(listed) == (1 if self.an.may_share() else 0)


CitizenAndPortal.TestCase.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
TestCitizenAndPortal = pytest.mark.spec("CO-04", "CO-06")(CitizenAndPortal.TestCase)
