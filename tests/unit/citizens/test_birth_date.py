"""A birth date may be a year alone: many people over eighty have no other."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.citizens.birth_date import BirthDate
from idp.citizens.malformed import Malformed


@pytest.mark.parametrize(
    ("typed", "oidc", "legacy"),
    [
        ("1941", "1941", "1941-00-00"),
        ("1941-00-00", "1941", "1941-00-00"),
        ("00/00/1941", "1941", "1941-00-00"),
        ("1941-05", "1941", "1941-05-00"),
        ("05/1941", "1941", "1941-05-00"),
        ("1941-05-17", "1941-05-17", "1941-05-17"),
        ("17/05/1941", "1941-05-17", "1941-05-17"),
        ("17-5-1941", "1941-05-17", "1941-05-17"),
        ("29.02.2000", "2000-02-29", "2000-02-29"),
    ],
)
def test_a_birth_date_is_read_and_written_as_far_as_it_is_known(typed: str, oidc: str, legacy: str) -> None:
    birth_date = BirthDate.parse(typed)
    assert (birth_date.oidc(), birth_date.legacy()) == (oidc, legacy)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        ("unknown", "characters"),
        ("1941-05-17T00:00", "characters"),
        ("41", "characters"),
        ("1941-13", "calendar"),
        ("1941-00-17", "calendar"),
        ("29/02/1999", "calendar"),
        ("31/04/1999", "calendar"),
        ("1799", "calendar"),
        ("3000", "calendar"),
        ("0000-05-17", "calendar"),
    ],
)
def test_what_is_no_date_is_refused_with_the_reason(typed: str, reason: str) -> None:
    with pytest.raises(Malformed) as refusal:
        BirthDate.parse(typed)
    assert (refusal.value.field, refusal.value.reason) == ("birth_date", reason)


@given(st.dates(min_value=date(1800, 1, 1), max_value=date(2999, 12, 31)))
def test_every_day_of_the_calendar_survives_both_forms_and_the_one_that_people_write(day: date) -> None:
    birth_date = BirthDate(day.year, day.month, day.day)
    for form in (birth_date.oidc(), birth_date.legacy(), f"{day:%d/%m}/{day.year}"):
        assert BirthDate.parse(form) == birth_date


def test_a_year_alone_is_not_the_first_of_january() -> None:
    assert BirthDate.parse("1941") != BirthDate.parse("1941-01-01")


def test_only_a_date_that_certainly_lies_later_is_in_the_future() -> None:
    today = date(2026, 7, 1)
    assert not BirthDate(2026).begins_after(today)
    assert not BirthDate(2026, 7).begins_after(today)
    assert BirthDate(2026, 7, 2).begins_after(today)
    assert BirthDate(2027).begins_after(today)


def test_a_birth_date_does_not_print_itself() -> None:
    assert "1941" not in repr(BirthDate(1941))
