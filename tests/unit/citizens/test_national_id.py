"""Numbers: twelve digits is the only hard rule, and no number ever prints itself."""

from __future__ import annotations

import logging
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.citizens.birth_date import BirthDate
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import ForeignerNumber, FormerNumber, NumberStructure, PersonalNumber

TABLE = tomllib.loads((Path(__file__).parents[3] / "config/vietnam/number_prefixes.toml").read_text(encoding="utf-8"))
STRUCTURE = NumberStructure.of(TABLE)

TYPED = [
    "001141123417",
    " 001 141 123 417 ",
    "001.141.123.417",
    "001-141-123-417",
    "001\u00a0141\u202f123\u2009417",
    "\ufeff001141123417\u200b",
    "００１１４１１２３４１７",
]


@pytest.mark.parametrize("typed", TYPED)
def test_a_number_is_read_however_it_was_spaced(typed: str) -> None:
    assert PersonalNumber.parse(typed).digits == "001141123417"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        (" . ", "empty"),
        ("00114112341", "length"),
        ("0011411234177", "length"),
        ("0" * 5000, "length"),
        ("00114112341A", "characters"),
        ("٠٠١١٤١١٢٣٤١٧", "characters"),
        ("001141123417\n<script>", "characters"),
        ("²01141123417\x00", "characters"),
    ],
)
def test_what_is_not_twelve_digits_is_refused_and_never_repeated(typed: str, reason: str) -> None:
    with pytest.raises(Malformed) as refusal:
        PersonalNumber.parse(typed)
    assert (refusal.value.field, refusal.value.reason) == ("number", reason)
    assert not typed.strip(" .") or typed not in str(refusal.value)


@given(st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_any_twelve_digits_are_a_number_whatever_their_structure(digits: str) -> None:
    number = PersonalNumber.parse(digits)
    assert number.digits == digits
    number.warnings(structure=STRUCTURE, birth_date=BirthDate(1990), gender="male")


def test_a_number_prints_itself_masked_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    number = PersonalNumber("001141123417")
    assert number.masked() == "001•••••••17"
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r %s", number, number, {"number": number})
    for text in (str(number), repr(number), f"{number}", f"{[number]}", caplog.text):
        assert "001•••••••17" in text
        assert "141123" not in text


def test_numbers_of_two_kinds_are_never_equal() -> None:
    assert PersonalNumber("001141123417") == PersonalNumber.parse("001 141 123 417")
    numbers = {PersonalNumber("001141123417"), ForeignerNumber("001141123417")}
    assert len(numbers) == 2


def test_a_former_number_has_nine_digits() -> None:
    assert FormerNumber.parse("024 123 456").digits == "024123456"
    with pytest.raises(Malformed):
        FormerNumber.parse("001141123417")


def test_a_foreigners_number_has_nine_to_fifteen_digits() -> None:
    assert ForeignerNumber.parse("1234567890").digits == "1234567890"
    for digits in ("12345678", "1234567890123456"):
        with pytest.raises(Malformed):
            ForeignerNumber.parse(digits)


@pytest.mark.parametrize(
    ("digits", "year", "gender", "expected"),
    [
        ("001141123417", 1941, "female", ()),
        ("001141123417", 1941, "other", ()),
        ("001141123417", 1941, None, ()),
        ("079304000017", 2004, "female", ()),
        ("079204000017", 2004, "male", ()),
        ("115088000017", 1988, "male", ()),
        ("113088000017", 1988, "male", ()),
        ("003141123417", 1941, "female", ("unknown_prefix",)),
        ("001141123417", 1941, "male", ("other_century_or_sex",)),
        ("001141123417", 2041, "female", ("other_century_or_sex",)),
        ("001141123417", 1942, "female", ("other_birth_year",)),
        ("999941123417", 1942, "male", ("unknown_prefix", "other_century_or_sex", "other_birth_year")),
    ],
)
def test_structure_gives_warnings_only(digits: str, year: int, gender: str | None, expected: tuple[str, ...]) -> None:
    number = PersonalNumber(digits)
    assert number.warnings(structure=STRUCTURE, birth_date=BirthDate(year), gender=gender) == expected


def test_without_a_person_only_the_prefix_is_looked_at() -> None:
    assert PersonalNumber("001141123417").warnings(structure=STRUCTURE) == ()
    assert PersonalNumber("000141123417").warnings(structure=STRUCTURE) == ("unknown_prefix",)


def test_the_table_knows_sixty_three_provinces_that_became_thirty_four() -> None:
    provinces = TABLE["provinces"]
    assert len(provinces) == 63
    assert len({now for _, _, now in provinces.values()}) == 34
    assert all(len(prefix) == 3 and prefix.isdecimal() for prefix in STRUCTURE.prefixes)
    assert provinces["001"] == ["Hà Nội", "Ha Noi", "Hà Nội"]
    assert TABLE["countries"]["115"] == "IN"
