"""A person as the register gives it: one name, what is known and nothing else, and nothing of it in a log."""

from __future__ import annotations

import unicodedata

import orjson
import pytest

from idp.citizens.birth_date import BirthDate
from idp.citizens.citizen import Person
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import FormerNumber

ALL = {
    "full_name": "Nguyễn Thị Hoa",
    "birth_date": "1941",
    "gender": "Nữ",
    "nationality": "Việt Nam",
    "address": "Phường Cửa Nam, Hà Nội",
    "phone_number": "0912 345 678",
    "email": "hoa@example.vn",
    "former_number": "024 123 456",
}


def test_a_person_is_read_from_what_a_register_writes() -> None:
    assert Person.parse(ALL) == Person(
        full_name="Nguyễn Thị Hoa",
        birth_date=BirthDate(1941),
        gender="female",
        nationality="VN",
        address="Phường Cửa Nam, Hà Nội",
        phone_number="+84912345678",
        email="hoa@example.vn",
        former_number=FormerNumber("024123456"),
    )


def test_a_person_with_a_name_and_a_year_is_enough() -> None:
    person = Person.parse({"full_name": "H'Hen", "birth_date": "1941", "gender": " ", "email": ""})
    assert person == Person(full_name="H'Hen", birth_date=BirthDate(1941))


def test_a_name_equals_itself_however_it_was_typed() -> None:
    typed = [unicodedata.normalize(form, "Nguyễn Thị Hoa") for form in ("NFC", "NFD")] + ["  Nguyễn\tThị  Hoa "]
    assert {Person.parse({"full_name": name, "birth_date": "1941"}).full_name for name in typed} == {"Nguyễn Thị Hoa"}


def test_a_name_keeps_its_case_its_order_and_its_marks() -> None:
    assert Person.parse({"full_name": "ĐẶNG Thùy Trâm", "birth_date": "1942"}).full_name == "ĐẶNG Thùy Trâm"


@pytest.mark.parametrize(
    ("field", "typed", "reason"),
    [
        ("full_name", "", "empty"),
        ("full_name", " \t", "empty"),
        ("full_name", "Hoa\x00", "characters"),
        ("full_name", "Ho\ufffd", "characters"),
        ("full_name", "Hoa\u202e", "characters"),
        ("full_name", "H" * 201, "length"),
        ("birth_date", "", "empty"),
        ("gender", "F?", "unknown"),
        ("nationality", "Vietnamese", "unknown"),
        ("address", "x" * 501, "length"),
        ("phone_number", "call me", "characters"),
        ("phone_number", "0084912345678", "characters"),
        ("email", "hoa at example.vn", "characters"),
        ("former_number", "12345", "length"),
    ],
)
def test_a_field_without_its_form_is_named_with_the_reason(field: str, typed: str, reason: str) -> None:
    with pytest.raises(Malformed) as refusal:
        Person.parse(ALL | {field: typed})
    assert (refusal.value.field, refusal.value.reason) == (field, reason)


@pytest.mark.parametrize("typed", [ALL, {"full_name": "Y", "birth_date": "1941-05"}])
def test_a_person_survives_being_written(typed: dict[str, str]) -> None:
    person = Person.parse(typed)
    assert Person.from_json(person.to_json()) == person


def test_a_field_that_a_newer_release_added_does_no_harm() -> None:
    document = orjson.loads(Person.parse(ALL).to_json()) | {"blood_group": "A"}
    assert Person.from_json(orjson.dumps(document)) == Person.parse(ALL)


def test_a_person_does_not_print_what_it_holds() -> None:
    printed = f"{Person.parse(ALL)!r} {Person.parse(ALL)}"
    assert not [text for text in (*ALL.values(), "+84912345678", "024123456") if text in printed]
