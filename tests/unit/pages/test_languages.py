"""Choosing a language, and writing dates and numbers in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from idp.pages import languages
from idp.pages.languages import Language, Languages
from tests.unit.pages.conftest import TEMPLATES

LANGUAGES = Languages(folder=TEMPLATES / "translations")


def choose(
    *, query: str | None = None, cookie: str | None = None, ui_locales: str | None = None, header: str | None = None
) -> Language:
    return LANGUAGES.choose(query=query, cookie=cookie, ui_locales=ui_locales, accept_language=header)


def test_vietnamese_comes_first_where_nobody_says_anything() -> None:
    assert choose() == "vi"


def test_a_click_weighs_more_than_the_portal_and_the_portal_more_than_the_browser() -> None:
    assert choose(query="en", cookie="vi", ui_locales="vi", header="vi") == "en"
    assert choose(cookie="en", ui_locales="vi", header="vi") == "en"
    assert choose(ui_locales="en", header="vi") == "en"
    assert choose(header="en") == "en"


def test_tags_are_read_as_the_standards_write_them() -> None:
    assert choose(ui_locales="fr-CA en-GB vi") == "en"
    assert choose(header="fr;q=0.9, vi;q=0.1, en-US;q=0.5") == "en"
    assert choose(header="en;q=0, vi") == "vi"
    assert choose(header="en-US,en;q=0.9,vi;q=0.8") == "en"


def test_a_language_that_we_do_not_have_leaves_the_choice_to_the_next() -> None:
    assert choose(query="fr", ui_locales="lo km", header="en") == "en"
    assert choose(query="fr", header="*") == "vi"


ODD = (
    "../../etc/passwd",
    "{{7*7}}",
    "en" + "-a" * 5000,
    "en\r\nSet-Cookie: a=b",
    "en_US",
    "<script>",
    "en;q=x",
    " ",
    "%",
)


@pytest.mark.spec("HT-07")
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("source", ["query", "cookie", "ui_locales", "header"])
def test_an_odd_wish_ends_in_vietnamese(odd: str, source: str) -> None:
    wishes = {"header": "en"} | {source: odd}
    assert choose(**wishes) == "vi"


@pytest.mark.spec("HT-07")
@pytest.mark.parametrize("source", ["query", "cookie", "ui_locales", "header"])
def test_an_honest_wish_is_heard(source: str) -> None:
    assert choose(**{source: "en"}) == "en"


def test_instants_are_shown_in_vietnamese_time() -> None:
    late = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
    assert languages.day(late) == "23/11/2026"
    assert languages.moment(late) == "23/11/2026 00:30"
    assert languages.time_of_day(late) == "00:30"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        languages.day(datetime(2026, 11, 22))  # noqa: DTZ001  the very thing that is refused


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("+84938363633", "0938 363 633"),
        ("+842438251234", "024 3825 1234"),
        ("+842363822123", "0236 3822 123"),
        ("+33142685300", "+33142685300"),
        ("+8493836363", "+8493836363"),
    ],
)
def test_a_number_of_vietnam_is_written_as_it_is_dialled_there(value: str, shown: str) -> None:
    assert languages.phone_number(value) == shown


def test_a_birth_date_may_be_a_year_alone() -> None:
    assert languages.birth_date("2005-02-14") == "14/02/2005"
    assert languages.birth_date("1941-05") == "05/1941"
    assert languages.birth_date("1941") == languages.birth_date("1941-00-00") == "1941"
    with pytest.raises(ValueError, match="birth date"):
        languages.birth_date("14 Feb")


def test_numbers_follow_the_language() -> None:
    assert languages.number(1234.5, language="vi") == "1.234,5"
    assert languages.number(1234.5, language="en") == "1,234.5"


def test_english_has_two_forms_and_vietnamese_one() -> None:
    form = "Bạn có %(count)s khóa truy cập"
    assert LANGUAGES.texts("en").ngettext(form, form, 1) == "You have %(count)s passkey"
    assert LANGUAGES.texts("en").ngettext(form, form, 2) == "You have %(count)s passkeys"
    assert LANGUAGES.texts("vi").ngettext(form, form, 2) == form
