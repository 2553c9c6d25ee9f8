"""The two languages of the pages: which one is shown, its texts, and how it writes dates and numbers."""

from __future__ import annotations

import gettext
import io
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final, Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

Language = Literal["vi", "en"]

DEFAULT: Final[Language] = "vi"
NAMES: Final[dict[Language, str]] = {"vi": "Tiếng Việt", "en": "English"}
"""Each language as it calls itself, in the order of the switch."""

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""One offset, no summer time since before any record of ours: needs no time-zone files on the machine."""

LONGEST_WISH = 300
_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}")
_RANGE = re.compile(r"(?P<tag>\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7})(?:;q=(?P<weight>[01](?:\.[0-9]{0,3})?))?")
_BIRTH_DATE = re.compile(r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?")
_NEVER_RECORDED = "00"
_VIETNAMESE_NUMBERS = (
    re.compile(r"\+84([35789][0-9]{2})([0-9]{3})([0-9]{3})"),  # a mobile
    re.compile(r"\+84(24|28)([0-9]{4})([0-9]{4})"),  # Hà Nội and Hồ Chí Minh City
    re.compile(r"\+84(2[0-9]{2})([0-9]{4})([0-9]{3})"),
)
"""How numbers of Vietnam are written out, E.164; the number of digits follows from the first."""


class _OddWishError(ValueError):
    """A wish for a language that no honest browser or portal writes."""


class Languages:
    """Chooses a language and holds its texts. Message ids are the Vietnamese texts; English is one catalogue."""

    def __init__(self, *, folder: Path) -> None:
        """Compile the English catalogue of `folder` (`en/LC_MESSAGES/messages.po`) in memory.

        Raises:
            OSError: there is no catalogue.
        """
        with (folder / "en" / "LC_MESSAGES" / "messages.po").open("rb") as source:
            catalogue = read_po(source, locale="en", abort_invalid=True)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        self._texts: dict[Language, gettext.NullTranslations] = {
            "vi": gettext.NullTranslations(),
            "en": gettext.GNUTranslations(compiled),
        }

    def choose(
        self, *, ui_locales: str | None, query: str | None, cookie: str | None, accept_language: str | None
    ) -> Language:
        """Return the language of a page; whatever is odd, long or unknown ends in Vietnamese.

        1. what the citizen has just clicked; 2. what they clicked before; 3. what the portal says that they read;
        4. what the browser says. A wish for languages that we do not have leaves the choice to the next one.
        OpenID Connect Core section 3.1.2.1 (ui_locales), RFC 9110 section 12.5.4.
        """
        wishes = (
            (query, _one_tag),
            (cookie, _one_tag),
            (ui_locales, _spaced_tags),
            (accept_language, _weighted_ranges),
        )
        try:
            tags = (tag for wish, read in wishes if wish for tag in read(_short(wish)))
            known = (known_language(tag) for tag in tags)
            return next((language for language in known if language is not None), DEFAULT)
        except _OddWishError:
            return DEFAULT

    def texts(self, language: Language) -> gettext.NullTranslations:
        """Return the catalogue of a language."""
        return self._texts[language]


def known_language(unverified_tag: str | None) -> Language | None:
    """Return the language that a tag such as `en-GB` means here, or None."""
    primary = (unverified_tag or "").partition("-")[0].lower()
    return next((language for language in NAMES if language == primary), None)


def other_than(language: Language) -> Language:
    """Return the language that the switch leads to."""
    return next(name for name in NAMES if name != language)


def day(value: datetime) -> str:
    """Return the date of an instant in Vietnam: `22/11/2026`."""
    return _in_vietnam(value).strftime("%d/%m/%Y")


def moment(value: datetime) -> str:
    """Return the date and minute of an instant in Vietnam: `22/11/2026 10:04`."""
    return _in_vietnam(value).strftime("%d/%m/%Y %H:%M")


def time_of_day(value: datetime) -> str:
    """Return the minute of an instant in Vietnam: `10:04`."""
    return _in_vietnam(value).strftime("%H:%M")


def birth_date(value: str) -> str:
    """Return `2005-02-14` as `14/02/2005`, `1941-05` as `05/1941`, `1941` and `1941-00-00` as `1941`.

    Raises:
        ValueError: nothing of the kind.
    """
    found = _BIRTH_DATE.fullmatch(value)
    if found is None:
        msg = "not a birth date"
        raise ValueError(msg)
    parts = (found["day"], found["month"], found["year"])
    return "/".join(part for part in parts if part and part != _NEVER_RECORDED)


def phone_number(value: str) -> str:
    """Return `+84938363633` (E.164) as it is dialled in Vietnam: `0938 363 633`; a number from elsewhere as it is."""
    found = next((match for form in _VIETNAMESE_NUMBERS if (match := form.fullmatch(value))), None)
    return value if found is None else "0" + " ".join(found.groups())


def number(value: float | Decimal, *, language: Language) -> str:
    """Return `1234.5` as `1.234,5` in Vietnamese and `1,234.5` in English."""
    return str(format_decimal(value, locale=language))


def _in_vietnam(value: datetime) -> datetime:
    if value.tzinfo is None:
        msg = "an instant without its zone"
        raise ValueError(msg)
    return value.astimezone(UTC).astimezone(VIETNAM)


def _short(unverified: str) -> str:
    if len(unverified) > LONGEST_WISH:
        raise _OddWishError
    return unverified


def _one_tag(unverified: str) -> tuple[str, ...]:
    """Read one tag, as the switch and the cookie write it."""
    if _TAG.fullmatch(unverified) is None:
        raise _OddWishError
    return (unverified,)


def _spaced_tags(unverified: str) -> tuple[str, ...]:
    """Read `ui_locales`: tags in order of preference (OpenID Connect Core section 3.1.2.1)."""
    return tuple(tag for part in unverified.split(" ") for tag in _one_tag(part))


def _weighted_ranges(unverified: str) -> tuple[str, ...]:
    """Read `Accept-Language`: ranges with weights, the heaviest first (RFC 9110 section 12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for part in unverified.split(","):
        found = _RANGE.fullmatch(part.strip().replace("; ", ";"))
        if found is None:
            raise _OddWishError
        weighted.append((float(found["weight"] or 1), found["tag"]))
    return tuple(tag for weight, tag in sorted(weighted, key=lambda pair: -pair[0]) if weight > 0)
