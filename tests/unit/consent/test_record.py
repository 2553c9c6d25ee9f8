"""What may and what may not stand in the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from consent import LONGEST, Consent, ConsentItem, Standing, Withdrawal, Wording
from tests.support.consent.people import AGREEMENT, LAW, MIDNIGHT, a_wording

NAME = ConsentItem(claim="name", required=True, granted=True, basis="consent", legal_basis=AGREEMENT)
PHONE = ConsentItem(claim="phone_number", required=False, granted=False, basis="consent", legal_basis=AGREEMENT)
NUMBER = ConsentItem(claim="vn_personal_number", required=True, granted=True, basis="law", legal_basis=LAW)
GIVEN = Consent(
    id="consent-1",
    subject="citizen-an",
    recipient="portal",
    purpose="driving-licence",
    purpose_version=1,
    items=(NAME, PHONE, NUMBER),
    wording=a_wording(),
    given_at=MIDNIGHT,
    expires_at=MIDNIGHT + LONGEST,
    session_id="session-1",
    acr="2",
    supersedes=None,
)
WITHDRAWN = Withdrawal(
    id="withdrawal-1", ends="consent-1", subject="citizen-an", at=MIDNIGHT, by="citizen", reason="changed_my_mind"
)
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001  the missing offset is what is tested


def test_granted_claims_are_those_agreed_to_and_those_the_law_grants() -> None:
    assert GIVEN.granted_claims == {"name", "vn_personal_number"}


@pytest.mark.parametrize(
    "change",
    [
        {"items": (replace(NAME, granted=False),)},
        {"items": (PHONE, replace(PHONE, granted=True))},
        {"expires_at": MIDNIGHT},
        {"expires_at": MIDNIGHT + LONGEST + timedelta(microseconds=1)},
        {"given_at": NAIVE},
        {"expires_at": NAIVE},
        {"purpose_version": 0},
        *({field: " "} for field in ("id", "subject", "recipient", "purpose", "session_id", "acr")),
    ],
    ids=str,
)
@pytest.mark.spec("CO-06")
def test_a_record_that_proves_nothing_cannot_be_made(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(GIVEN, **change)


def test_what_the_law_grants_cannot_be_recorded_as_refused() -> None:
    with pytest.raises(ValueError, match="law grants"):
        replace(NUMBER, granted=False)


@pytest.mark.parametrize("change", [{"claim": ""}, {"legal_basis": ""}, {"basis": "habit"}], ids=str)
def test_an_item_names_its_claim_and_its_legal_basis(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(NAME, **change)


@pytest.mark.parametrize("change", [{"reason": ""}, {"by": "nobody"}, {"at": NAIVE}, {"ends": ""}], ids=str)
def test_a_withdrawal_says_who_when_and_why(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(WITHDRAWN, **change)


def test_a_consent_ends_at_its_date_to_the_microsecond() -> None:
    standing = Standing(GIVEN)

    assert standing.state(at=GIVEN.expires_at - timedelta(microseconds=1)) == "in_force"
    assert standing.state(at=GIVEN.expires_at) == "expired"


def test_a_withdrawn_consent_is_withdrawn_even_for_a_clock_that_runs_behind() -> None:
    standing = Standing(GIVEN, WITHDRAWN)

    assert standing.state(at=WITHDRAWN.at - timedelta(days=1)) == "withdrawn"
    assert Standing(GIVEN).state(at=WITHDRAWN.at) == "in_force"


@pytest.mark.spec("CO-06")
def test_the_hash_of_a_wording_changes_with_every_letter_language_and_version() -> None:
    shown = a_wording()
    others = (
        replace(shown, text=shown.text + "!"),
        replace(shown, text=shown.text.replace("ổ", "o")),
        replace(shown, language="en"),
        replace(shown, version=2),
    )

    assert len({shown.sha256, *(other.sha256 for other in others)}) == 5


def test_two_texts_that_read_the_same_are_the_same_wording() -> None:
    decomposed = Wording(language="vi", version=1, text="Ho\u0323 tên\r\nNgày sinh")

    assert decomposed == Wording(language="vi", version=1, text="H\u1ecd tên\nNgày sinh")


def test_the_hash_of_a_wording_can_be_computed_by_anyone() -> None:
    canonical = '{"language":"vi","text":"Họ tên","version":3}'

    import hashlib  # noqa: PLC0415  an auditor's own computation, kept in one place

    assert Wording(language="vi", version=3, text="Họ tên").sha256 == hashlib.sha256(canonical.encode()).hexdigest()
