"""The citizen's copy: readable in both languages, provable, and free of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import orjson
import pytest

from consent import Names, readable, receipt, receipt_claims
from consent.receipt import WORDS, Language
from tests.support.consent.people import LAW, a_demand, a_person, by_law, optional, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consent import Standing

NAMES: dict[Language, Names] = {
    "vi": Names(
        language="vi",
        recipient="Cổng Dịch vụ công quốc gia",
        purpose="Đổi giấy phép lái xe",
        claims={"name": "Họ tên", "phone_number": "Số điện thoại", "vn_personal_number": "Số định danh cá nhân"},
        bases={LAW: "Luật Căn cước"},
        acr="Mức độ xác thực 2",
    ),
    "en": Names(
        language="en",
        recipient="National Public Service Portal",
        purpose="Renewing a driving licence",
        claims={"name": "Full name", "phone_number": "Telephone number"},
        bases={},
        acr="Authentication level 2",
    ),
}
ISSUER = "https://sen.example"


def as_signed(claims: Mapping[str, object]) -> str:
    """Stand where the signer stands: what it is given comes back as text."""
    return orjson.dumps(dict(claims)).decode()


def standing(*, withdrawn: bool = False) -> Standing:
    person = a_person()
    given = person.agrees(a_demand(required("name"), optional("phone_number"), by_law("vn_personal_number")))
    if withdrawn:
        person.waits(days=1)
        person.withdraws(given)
    found = person.ledger.store.by_id(given.id)
    assert found is not None
    return found


def test_both_languages_say_the_same_things() -> None:
    assert set(WORDS) == set(get_args(Language))
    assert set(WORDS["vi"]) == set(WORDS["en"])


def test_a_vietnamese_receipt_names_who_what_why_until_when_and_on_which_basis() -> None:
    text = readable(standing=standing(), names=NAMES["vi"])

    assert "Bên nhận thông tin: Cổng Dịch vụ công quốc gia" in text
    assert "Mục đích xử lý: Đổi giấy phép lái xe" in text
    assert "Đồng ý lúc: 01/01/2026 07:00 (giờ Việt Nam)" in text
    assert "Có hiệu lực đến: 01/01/2027 07:00 (giờ Việt Nam)" in text
    assert "- Số định danh cá nhân (bắt buộc; căn cứ pháp lý: Luật Căn cước)" in text
    assert "Đã rút lại" not in text


def test_a_receipt_keeps_what_was_refused_apart_from_what_was_granted() -> None:
    text = readable(standing=standing(), names=NAMES["en"])

    granted, refused = text.split("Information you did not agree to share:")
    assert "Full name" in granted
    assert "Telephone number" in refused
    assert "Telephone number" not in granted


def test_a_legal_basis_that_all_items_share_is_told_once() -> None:
    person = a_person()
    given = person.agrees(a_demand(required("name"), optional("phone_number")))
    found = person.ledger.store.by_id(given.id)
    assert found is not None
    (basis,) = {item.legal_basis for item in given.items}
    text = readable(standing=found, names=NAMES["en"])

    assert text.count(f"Legal basis: {basis}\n") == 1
    assert "\n- Full name (required)\n" in text
    assert "because the law says so" not in text


@pytest.mark.spec("CO-06")
def test_a_receipt_ends_with_the_exact_wording_that_was_shown() -> None:
    shown = standing().consent.wording.text

    assert readable(standing=standing(), names=NAMES["en"]).endswith(shown)


@pytest.mark.spec("CO-04")
def test_a_receipt_of_a_withdrawn_consent_says_so() -> None:
    ended = standing(withdrawn=True)

    assert "Withdrawn at: 2026-01-02 07:00 (Vietnam time)" in readable(standing=ended, names=NAMES["en"])
    assert receipt_claims(standing=ended, issuer=ISSUER)["withdrawn_at"] == 1767312000
    assert "withdrawn_at" not in receipt_claims(standing=standing(), issuer=ISSUER)


def test_a_claim_or_basis_without_a_name_keeps_its_own() -> None:
    text = readable(standing=standing(), names=NAMES["en"])

    assert f"- vn_personal_number (required; legal basis: {LAW})" in text


@pytest.mark.spec("CO-06")
def test_the_signed_half_proves_the_record_and_does_not_name_the_citizen() -> None:
    held = standing()
    given = held.consent

    made = receipt(standing=held, issuer=ISSUER, names=NAMES["vi"], sign=as_signed)
    signed = orjson.loads(made.token)

    assert signed["jti"] == given.id
    assert signed["wording"]["sha256"] == given.wording.sha256
    assert signed["valid_until"] - signed["iat"] == 365 * 24 * 3600
    assert [item["claim"] for item in signed["items"] if item["granted"]] == ["name", "vn_personal_number"]
    assert given.subject not in made.document
    assert made.document.startswith(made.text)
    assert made.document.endswith(f"{made.token}\n")


def test_the_receipt_of_a_later_record_names_the_one_before() -> None:
    person = a_person()
    first = person.agrees(a_demand(required("name")))
    person.agrees(a_demand(required("birthdate")))
    newest = person.ledger.newest(subject=person.subject, recipient=first.recipient, purpose=first.purpose)
    assert newest is not None

    assert receipt_claims(standing=newest, issuer=ISSUER)["supersedes"] == first.id
