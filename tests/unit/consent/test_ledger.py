"""Append, current, withdraw; nothing is ever changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from consent import Circumstances, Ledger, NotThere, Outdated, Refused, Standing, answer
from tests.support.consent.people import (
    MIDNIGHT,
    GrowingList,
    Ids,
    Person,
    a_demand,
    a_person,
    a_wording,
    by_law,
    optional,
    required,
)

NAME = a_demand(required("name"))
NAME_AND_PHONE = a_demand(required("name"), optional("phone_number"))


@pytest.mark.spec("CO-06")
def test_a_record_keeps_the_text_the_claims_the_time_and_how_the_citizen_was_authenticated() -> None:
    given = a_person().agrees(a_demand(required("name"), by_law("vn_personal_number"), optional("phone_number")))

    assert given.wording == a_wording()
    assert [item.claim for item in given.items] == ["name", "vn_personal_number", "phone_number"]
    assert (given.given_at, given.expires_at) == (MIDNIGHT, MIDNIGHT + timedelta(days=365))
    assert (given.session_id, given.acr) == ("session-1", "2")
    assert given.supersedes is None


@pytest.mark.spec("CO-01")
def test_nothing_may_be_shared_before_anything_is_agreed() -> None:
    person = a_person()

    assert not person.may_share()
    person.agrees(NAME)
    assert person.may_share("name")


@pytest.mark.spec("CO-03")
def test_a_refusal_leaves_no_trace_in_the_ledger() -> None:
    person = a_person()
    with pytest.raises(Refused):
        answer(decision=person.is_asked(NAME), ticked=frozenset(), agreed=False)

    assert person.kept() == ()


def test_the_next_record_stands_for_the_whole_and_supersedes_the_one_before() -> None:
    person = a_person()
    first = person.agrees(a_demand(required("name"), optional("phone_number")), "phone_number")
    second = person.agrees(a_demand(required("birthdate")))

    assert second.supersedes == first.id
    assert second.granted_claims == {"name", "phone_number", "birthdate"}
    assert person.ledger.all_current(subject=person.subject, now=person.clock) == (second,)


def test_what_is_carried_over_does_not_live_longer_by_it() -> None:
    person = a_person()
    first = person.agrees(NAME)
    person.waits(days=300)

    second = person.agrees(a_demand(required("name"), required("birthdate")))

    assert second.expires_at == first.expires_at


def test_a_record_that_carries_nothing_over_has_its_full_time() -> None:
    person = a_person()
    person.agrees(NAME)
    person.waits(days=365)

    assert person.agrees(NAME).expires_at == MIDNIGHT + timedelta(days=730)


@pytest.mark.spec("CO-04")
def test_a_withdrawal_ends_everything_agreed_for_the_purpose() -> None:
    person = a_person()
    first = person.agrees(NAME)
    second = person.agrees(a_demand(required("birthdate")))

    ended = person.withdraws(second)

    assert {withdrawal.ends for withdrawal in ended} == {first.id, second.id}
    assert not person.may_share()


@pytest.mark.spec("CO-04")
def test_a_withdrawal_by_a_superseded_record_ends_its_successor_too() -> None:
    person = a_person()
    first = person.agrees(NAME)
    person.agrees(a_demand(required("birthdate")))

    person.withdraws(first)

    assert not person.may_share("birthdate")


def test_a_withdrawal_leaves_other_purposes_alone() -> None:
    person = a_person()
    driving = person.agrees(NAME)
    tax = person.agrees(a_demand(required("name"), purpose="e-tax"))

    person.withdraws(driving)

    assert person.ledger.all_current(subject=person.subject, now=person.clock) == (tax,)


@pytest.mark.spec("CO-04")
def test_withdrawing_twice_does_no_more_and_no_harm() -> None:
    person = a_person()
    given = person.agrees(NAME)

    assert len(person.withdraws(given)) == 1
    assert person.withdraws(given) == ()
    assert len(person.kept()) == 1


def test_nobody_withdraws_for_somebody_else() -> None:
    an = a_person()
    given = an.agrees(NAME)
    binh = Person(ledger=an.ledger, subject="citizen-binh")

    with pytest.raises(NotThere):
        binh.withdraws(given)
    assert an.may_share("name")
    assert len(an.withdraws(given)) == 1


def test_a_consent_that_does_not_exist_cannot_be_withdrawn() -> None:
    person = a_person()
    with pytest.raises(NotThere):
        person.ledger.withdraw(
            consent_id="id-999999", subject=person.subject, by="officer", reason="wrong_number", now=person.clock
        )


def test_unticking_what_was_granted_ends_the_records_that_granted_it() -> None:
    person = a_person()
    granting = person.agrees(NAME_AND_PHONE, "phone_number")
    refusing = person.agrees(a_demand(required("name"), optional("phone_number"), version=2))

    earlier = person.ledger.store.by_id(granting.id)
    later = person.ledger.store.by_id(refusing.id)

    assert earlier is not None
    assert earlier.state(at=person.clock) == "withdrawn"
    assert later is not None
    assert later.state(at=person.clock) == "in_force"


def test_ticking_again_what_was_granted_leaves_the_earlier_record_alone() -> None:
    person = a_person()
    granting = person.agrees(NAME_AND_PHONE, "phone_number")
    person.agrees(a_demand(required("name"), optional("phone_number"), version=2), "phone_number")

    earlier = person.ledger.store.by_id(granting.id)

    assert earlier is not None
    assert earlier.withdrawal is None


@pytest.mark.spec("CO-05")
def test_a_page_left_open_over_a_withdrawal_cannot_bring_back_what_was_withdrawn() -> None:
    person = a_person()
    given = person.agrees(NAME)
    left_open = person.is_asked(a_demand(required("name"), required("birthdate")))
    person.withdraws(given)

    with pytest.raises(Outdated):
        person.answers(left_open)
    assert not person.may_share("name")
    person.agrees(a_demand(required("name"), required("birthdate")))
    assert person.may_share("name", "birthdate")


@pytest.mark.spec("CO-02")
def test_the_same_page_cannot_be_answered_twice() -> None:
    person = a_person()
    page = person.is_asked(NAME)
    person.answers(page)

    with pytest.raises(Outdated):
        person.answers(page)
    assert len(person.given) == 1


def test_a_page_left_open_until_the_consent_has_expired_is_out_of_date() -> None:
    person = a_person()
    person.agrees(NAME)
    left_open = person.is_asked(a_demand(required("birthdate")))
    person.waits(days=365)

    with pytest.raises(Outdated):
        person.answers(left_open)


def test_a_page_shown_without_anything_to_ask_records_nothing_and_returns_what_holds() -> None:
    person = a_person()
    given = person.agrees(NAME)

    assert person.answers(person.is_asked(NAME)) == given
    assert [standing.consent for standing in person.kept()] == [given]


@pytest.mark.spec("CO-06")
def test_the_recorded_wording_is_the_version_that_was_decided_upon() -> None:
    person = a_person()
    decision = person.is_asked(NAME)

    with pytest.raises(ValueError, match="version"):
        person.ledger.give(
            subject=person.subject,
            decision=decision,
            items=answer(decision=decision, ticked=frozenset(), agreed=True),
            wording=a_wording(version=2),
            circumstances=Circumstances(at=person.clock, session_id="session-1", acr="2"),
        )
    assert person.answers(decision).wording.version == 1


def test_how_everything_stands_is_told_newest_first_what_was_withdrawn_too() -> None:
    person = a_person()
    driving = person.agrees(NAME)
    (withdrawn,) = person.withdraws(driving)
    person.waits(days=1)
    tax = person.agrees(a_demand(required("name"), purpose="e-tax"))

    newest = person.ledger.all_newest(subject=person.subject)

    assert newest == (Standing(tax, None), Standing(driving, withdrawn))


def test_every_change_first_keeps_other_changes_of_the_same_citizen_waiting() -> None:
    store = GrowingList()
    person = Person(ledger=Ledger(store=store, new_id=Ids()))

    person.withdraws(person.agrees(NAME))

    assert store.locked == [person.subject, person.subject]
