"""What was shown is what is agreed: an answer to any other page is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consent import Asked, ShownDiffers, check_shown, fingerprint
from tests.support.consent.people import a_demand, a_person, a_wording, by_law, optional, required

DEMAND = a_demand(required("name"), optional("phone_number"), by_law("vn_personal_number"))
PAGE: dict[str, Any] = {
    "transaction_id": "transaction-1",
    "subject": "citizen-an",
    "decision": a_person().is_asked(DEMAND),
    "wording": a_wording(),
}


def edited(**changes: object) -> dict[str, Any]:
    """Return the page of somebody who changed what is asked."""
    return {"decision": a_person().is_asked(replace(DEMAND, **changes))}  # type: ignore[arg-type]  # any field of it


EDITS: dict[str, dict[str, Any]] = {
    "another transaction": {"transaction_id": "transaction-2"},
    "another citizen": {"subject": "citizen-binh"},
    "another letter of the wording": {"wording": replace(a_wording(), text="Không có gì.")},
    "another language": {"wording": replace(a_wording(), language="en")},
    "another recipient": edited(recipient="portal-2"),
    "another purpose": edited(purpose="e-tax"),
    "another version": edited(purpose_version=2),
    "one claim more": edited(items=(*DEMAND.items, required("address"))),
    "one claim less": edited(items=DEMAND.items[:2]),
    "optional made required": edited(items=(required("name"), required("phone_number"), DEMAND.items[2])),
    "asked made law": edited(items=(by_law("name"), *DEMAND.items[1:])),
    "another citation": edited(
        items=(Asked("name", required=True, basis="consent", legal_basis="x"), *DEMAND.items[1:])
    ),
}


@pytest.mark.spec("CO-02")
def test_the_page_that_was_shown_may_be_answered() -> None:
    check_shown(expected_fingerprint=fingerprint(**PAGE), unverified_fingerprint=fingerprint(**PAGE))


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
@pytest.mark.spec("CO-02")
def test_an_edited_page_may_not_be_answered(edit: dict[str, Any]) -> None:
    with pytest.raises(ShownDiffers):
        check_shown(expected_fingerprint=fingerprint(**PAGE), unverified_fingerprint=fingerprint(**{**PAGE, **edit}))


@pytest.mark.spec("CO-02")
def test_a_page_made_before_a_withdrawal_is_another_page_than_one_made_after() -> None:
    person = a_person()
    given = person.agrees(a_demand(required("name")))
    before = fingerprint(**{**PAGE, "decision": person.is_asked(DEMAND)})
    person.withdraws(given)
    after = fingerprint(**{**PAGE, "decision": person.is_asked(DEMAND)})

    with pytest.raises(ShownDiffers):
        check_shown(expected_fingerprint=before, unverified_fingerprint=after)


def test_something_that_is_no_fingerprint_is_refused_like_any_other() -> None:
    with pytest.raises(ShownDiffers):
        check_shown(expected_fingerprint=fingerprint(**PAGE), unverified_fingerprint="ơ")
