"""When a citizen is asked, when not, and what an answer amounts to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from consent import Asked, NotOffered, Refused, answer, decide
from tests.support.consent.people import (
    AGREEMENT,
    MIDNIGHT,
    a_demand,
    a_person,
    by_law,
    lacking,
    optional,
    required,
)

NAME_AND_PHONE = a_demand(required("name"), optional("phone_number"))


def claims_of(items: tuple[Asked, ...]) -> set[str]:
    return {item.claim for item in items}


@pytest.mark.spec("CO-01")
def test_the_first_time_everything_is_asked() -> None:
    decision = a_person().is_asked(NAME_AND_PHONE)

    assert decision.reason == "first"
    assert decision.new_items == NAME_AND_PHONE.items
    assert decision.known_items == ()


@pytest.mark.spec("CO-01")
def test_the_first_time_a_page_is_shown_even_where_no_item_is_asked() -> None:
    assert a_person().is_asked(a_demand()).reason == "first"


def test_the_second_time_nothing_is_asked_and_what_is_shared_is_known() -> None:
    person = a_person()
    person.agrees(NAME_AND_PHONE, "phone_number")

    decision = person.is_asked(NAME_AND_PHONE)

    assert decision.reason is None
    assert decision.new_items == ()
    assert [item.claim for item in decision.known_items] == ["name", "phone_number"]


def test_asking_for_less_asks_nothing() -> None:
    person = a_person()
    person.agrees(NAME_AND_PHONE, "phone_number")

    decision = person.is_asked(a_demand(required("name")))

    assert decision.reason is None
    assert [item.claim for item in decision.known_items] == ["name"]


@pytest.mark.spec("CO-01")
def test_more_is_asked_by_naming_only_what_is_new() -> None:
    person = a_person()
    person.agrees(a_demand(required("name")))

    decision = person.is_asked(a_demand(required("name"), required("birthdate")))

    assert decision.reason == "new"
    assert claims_of(decision.new_items) == {"birthdate"}
    assert [item.claim for item in decision.known_items] == ["name"]


def test_a_refused_optional_item_alone_brings_no_page_back() -> None:
    person = a_person()
    person.agrees(NAME_AND_PHONE)

    assert person.is_asked(NAME_AND_PHONE).reason is None
    assert not person.may_share("phone_number")


def test_a_refused_optional_item_is_offered_again_on_a_page_that_comes_for_another_reason() -> None:
    person = a_person()
    person.agrees(NAME_AND_PHONE)

    decision = person.is_asked(a_demand(required("name"), optional("phone_number"), required("birthdate")))

    assert claims_of(decision.new_items) == {"phone_number", "birthdate"}
    assert decision.offered == {"phone_number"}


@pytest.mark.spec("CO-01", "CO-03")
def test_who_never_had_the_choice_is_asked_once_there_is_something_to_choose() -> None:
    person, without = a_person(), a_demand(required("name"), lacking("phone_number"))
    first = person.is_asked(without)
    assert (claims_of(first.new_items), first.offered) == ({"name", "phone_number"}, frozenset())
    given = person.answers(first)
    assert [item.claim for item in given.items] == ["name"]
    assert person.is_asked(without).reason is None

    decision = person.is_asked(NAME_AND_PHONE)

    assert decision.reason == "new"
    assert claims_of(decision.new_items) == decision.offered == {"phone_number"}
    person.answers(decision)
    assert person.is_asked(NAME_AND_PHONE).reason is None
    assert not person.may_share("phone_number")


def test_who_left_something_unticked_is_not_asked_again_when_it_was_away_for_a_while() -> None:
    person = a_person()
    person.agrees(NAME_AND_PHONE)
    assert person.is_asked(a_demand(required("name"), lacking("phone_number"))).reason is None
    person.agrees(a_demand(required("name"), lacking("phone_number"), required("birthdate")))

    assert person.is_asked(NAME_AND_PHONE).reason is None


def test_what_was_granted_on_another_basis_is_shared_no_more_where_there_is_nothing_to_choose() -> None:
    person = a_person()
    before = person.agrees(a_demand(required("name"), by_law("phone_number")))
    decision = person.is_asked(a_demand(required("name"), lacking("phone_number")))
    assert decision.reason == "new"
    person.answers(decision)

    assert not person.may_share("phone_number")
    assert person.ledger.standing(consent_id=before.id, subject=person.subject).withdrawal is not None
    assert person.is_asked(NAME_AND_PHONE).offered == {"phone_number"}


@pytest.mark.spec("CO-02")
def test_ticking_what_there_is_no_value_of_is_refused() -> None:
    decision = a_person().is_asked(a_demand(required("name"), lacking("phone_number")))

    with pytest.raises(NotOffered):
        answer(decision=decision, ticked=frozenset({"phone_number"}), agreed=True)
    assert answer(decision=decision, ticked=frozenset(), agreed=True)


def test_a_refused_item_that_becomes_required_is_asked() -> None:
    person = a_person()
    person.agrees(NAME_AND_PHONE)

    assert person.is_asked(a_demand(required("name"), required("phone_number"))).reason == "new"


def test_a_granted_item_that_becomes_required_is_not_asked() -> None:
    person = a_person()
    person.agrees(NAME_AND_PHONE, "phone_number")

    assert person.is_asked(a_demand(required("name"), required("phone_number"))).reason is None


def test_an_item_that_rests_on_another_legal_basis_is_asked_anew() -> None:
    person = a_person()
    person.agrees(a_demand(by_law("name")))

    assert person.is_asked(a_demand(by_law("name"))).reason is None
    assert person.is_asked(a_demand(required("name"))).reason == "new"
    other_article = Asked(claim="name", required=True, basis="law", legal_basis="Luật 26/2023/QH15, Điều 10")
    assert person.is_asked(a_demand(other_article)).reason == "new"


def test_a_refusal_holds_for_the_basis_that_was_named_and_for_no_other() -> None:
    person = a_person()
    person.agrees(NAME_AND_PHONE)
    elsewhere = replace(optional("phone_number"), legal_basis="Luật 26/2023/QH15, Điều 10")

    assert person.is_asked(a_demand(required("name"), elsewhere)).reason == "new"
    assert person.is_asked(a_demand(required("name"), replace(elsewhere, held=False))).reason is None


def test_another_version_of_the_purpose_asks_everything_again() -> None:
    person = a_person()
    person.agrees(a_demand(required("name"), optional("phone_number"), version=1), "phone_number")

    decision = person.is_asked(a_demand(required("name"), optional("phone_number"), version=2))

    assert decision.reason == "changed"
    assert claims_of(decision.new_items) == {"name", "phone_number"}
    assert decision.known_items == ()


def test_another_purpose_of_the_same_portal_is_asked_by_itself() -> None:
    person = a_person()
    person.agrees(a_demand(required("name"), purpose="driving-licence"))

    assert person.is_asked(a_demand(required("name"), purpose="e-tax")).reason == "first"


@pytest.mark.parametrize("days", [1, 30, 365])
def test_a_consent_is_asked_again_when_its_time_is_over_and_not_before(days: int) -> None:
    person = a_person()
    demand = a_demand(required("name"), days=days)
    person.agrees(demand)
    person.waits(days=days - 0.001)

    assert person.is_asked(demand).reason is None
    person.waits(days=0.001)
    assert person.is_asked(demand).reason == "expired"


@pytest.mark.parametrize("days", [-1, 0, 366])
def test_no_purpose_may_ask_for_more_than_a_year_or_for_no_time_at_all(days: float) -> None:
    assert a_demand(days=365).lifetime == timedelta(days=365)
    with pytest.raises(ValueError, match="365"):
        a_demand(days=days)


def test_no_claim_may_be_asked_twice_in_one_breath() -> None:
    with pytest.raises(ValueError, match="twice"):
        a_demand(required("name"), optional("name"))


@pytest.mark.spec("CO-04")
def test_after_a_withdrawal_everything_is_asked_again() -> None:
    person = a_person()
    person.withdraws(person.agrees(NAME_AND_PHONE, "phone_number"))

    decision = person.is_asked(NAME_AND_PHONE)

    assert decision.reason == "withdrawn"
    assert claims_of(decision.new_items) == {"name", "phone_number"}


def test_optional_items_start_unticked_and_stay_refused_unless_ticked() -> None:
    decision = a_person().is_asked(NAME_AND_PHONE)

    unticked = answer(decision=decision, ticked=frozenset(), agreed=True)
    ticked = answer(decision=decision, ticked=frozenset({"phone_number"}), agreed=True)

    assert {item.claim: item.granted for item in unticked} == {"name": True, "phone_number": False}
    assert {item.claim: item.granted for item in ticked} == {"name": True, "phone_number": True}


@pytest.mark.spec("CO-03")
def test_not_agreeing_refuses_the_whole_whatever_is_ticked() -> None:
    decision = a_person().is_asked(NAME_AND_PHONE)

    with pytest.raises(Refused):
        answer(decision=decision, ticked=frozenset({"phone_number"}), agreed=False)
    assert answer(decision=decision, ticked=frozenset({"phone_number"}), agreed=True)


@pytest.mark.parametrize("surplus", ["address", "name", "vn_personal_number"])
@pytest.mark.spec("CO-02")
def test_ticking_what_had_no_box_is_refused(surplus: str) -> None:
    decision = a_person().is_asked(a_demand(required("name"), by_law("vn_personal_number"), optional("phone_number")))

    with pytest.raises(NotOffered) as refusal:
        answer(decision=decision, ticked=frozenset({"phone_number", surplus}), agreed=True)

    assert refusal.value.claims == {surplus}
    assert answer(decision=decision, ticked=frozenset({"phone_number"}), agreed=True)


def test_what_the_law_grants_is_told_without_a_box_and_recorded_with_its_citation() -> None:
    decision = a_person().is_asked(a_demand(by_law("vn_personal_number")))

    (item,) = answer(decision=decision, ticked=frozenset(), agreed=True)

    assert decision.offered == frozenset()
    assert (item.basis, item.granted) == ("law", True)
    assert item.legal_basis != AGREEMENT


@pytest.mark.parametrize(
    "asked",
    [
        replace(by_law("name"), required=False),
        replace(by_law("name"), required=False, held=False),
        replace(by_law("name"), held=False),
        replace(required("name"), held=False),
    ],
)
def test_what_cannot_be_left_out_has_no_box_and_is_granted_though_there_be_no_value_of_it(asked: Asked) -> None:
    decision = a_person().is_asked(a_demand(asked))

    assert decision.offered == frozenset()
    assert [item.granted for item in answer(decision=decision, ticked=frozenset(), agreed=True)] == [True]


def test_a_decision_needs_a_clock_with_an_offset() -> None:
    assert decide(demand=NAME_AND_PHONE, standing=None, now=MIDNIGHT).reason == "first"
    with pytest.raises(ValueError, match="offset"):
        decide(demand=NAME_AND_PHONE, standing=None, now=MIDNIGHT.replace(tzinfo=None))
