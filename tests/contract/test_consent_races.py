"""Two things at the same moment: an agreement and a withdrawal never cross."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from consent import Consent, Ledger, Outdated
from tests.support.consent.accounts import Account, a_citizen, a_database, events_of
from tests.support.consent.people import a_demand, required
from tests.support.office import at_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idp.storage.sql.database import Database

NAME = a_demand(required("name"))
NAME_AND_BIRTHDATE = a_demand(required("name"), required("birthdate"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    with a_database(request, folder=tmp_path) as opened:
        yield opened


@pytest.fixture
def an(database: Database) -> Account:
    """A citizen of that database."""
    return a_citizen(database)


@pytest.mark.spec("CO-02")
def test_one_page_answered_in_many_tabs_at_once_is_agreed_once(an: Account) -> None:
    page = an.is_asked(NAME)

    results = at_once(*[lambda: an.answers(page)] * 5, refusal=Outdated)

    assert sum(isinstance(result, Outdated) for result in results) == 4
    assert len(an.kept()) == 1
    assert len(events_of(an)) == 1


@pytest.mark.spec("CO-05")
def test_agreeing_to_more_while_withdrawing_leaves_nothing_in_force(database: Database) -> None:
    for _ in range(10):
        person = a_citizen(database)
        given = person.agrees(NAME)
        page = person.is_asked(NAME_AND_BIRTHDATE)

        at_once(partial(person.answers, page), partial(person.withdraws, given), refusal=Outdated)

        records = [standing.consent for standing in person.kept()]
        assert records
        assert not any(person.gate_lets_pass(record) for record in records)


@pytest.mark.spec("CO-05")
def test_a_withdrawal_waits_for_an_agreement_that_has_begun_and_ends_that_too(an: Account) -> None:
    given = an.agrees(NAME)
    page = an.is_asked(NAME_AND_BIRTHDATE)
    began, may_end = threading.Event(), threading.Event()

    def agree_slowly(ledger: Ledger) -> Consent:
        agreed = an.gives(ledger, page)
        began.set()
        may_end.wait(timeout=15)  # less than the database waits for
        return agreed

    agreeing = threading.Thread(target=lambda: an.consents.change(agree_slowly))
    withdrawing = threading.Thread(target=lambda: an.withdraws(given))
    agreeing.start()
    assert began.wait(timeout=60)
    withdrawing.start()
    withdrawing.join(timeout=0.2)
    assert withdrawing.is_alive(), "the withdrawal waits"
    may_end.set()
    agreeing.join()
    withdrawing.join()

    newest = an.newest()
    assert newest is not None
    assert newest.consent.supersedes == given.id
    assert newest.state(at=an.clock) == "withdrawn"
