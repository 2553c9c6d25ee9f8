"""A birth date of which the day, or the day and the month, may never have been recorded."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Self

from idp.citizens.malformed import Malformed

EARLIEST_YEAR = 1800
LATEST_YEAR = 2999
_YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{1,2})(?:-(?P<day>[0-9]{1,2}))?)?")
_DAY_FIRST = re.compile(r"(?:(?:(?P<day>[0-9]{1,2})[/.-])?(?P<month>[0-9]{1,2})[/.-])(?P<year>[0-9]{4})")


@dataclass(frozen=True, slots=True, repr=False)
class BirthDate:
    """A year, perhaps a month, perhaps a day. Cards of people over eighty often carry the year alone."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        """Hold the calendar.

        Raises:
            Malformed: no such year, month or day, or a day without its month.
        """
        if not EARLIEST_YEAR <= self.year <= LATEST_YEAR or (self.day is not None and self.month is None):
            raise Malformed("birth_date", "calendar")
        try:
            date(self.year, 1 if self.month is None else self.month, 1 if self.day is None else self.day)
        except ValueError as error:
            raise Malformed("birth_date", "calendar") from error

    @classmethod
    def parse(cls, typed: str) -> Self:
        """Read `1941-05-17`, `1941-05`, `1941`, `17/05/1941`, `05/1941`; `00` stands for what was never recorded.

        Raises:
            Malformed: nothing of the kind.
        """
        text = unicodedata.normalize("NFKC", typed).strip()
        if not text:
            raise Malformed("birth_date", "empty")
        found = _YEAR_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text)
        if found is None:
            raise Malformed("birth_date", "characters")
        month, day = int(found["month"] or 0), int(found["day"] or 0)
        return cls(year=int(found["year"]), month=month or None, day=day or None)

    def oidc(self) -> str:
        """Return the `birthdate` claim: the whole date, or the year alone (OpenID Connect Core section 5.1).

        The claim knows no year with a month: then the year is what is certain and allowed.
        """
        return f"{self.year:04}" if self.month is None or self.day is None else self.legacy()

    def legacy(self) -> str:
        """Return `1941-05-17`, `1941-05-00` or `1941-00-00`, as systems that want ten characters write it."""
        return f"{self.year:04}-{self.month or 0:02}-{self.day or 0:02}"

    def begins_after(self, day: date) -> bool:
        """Say whether even the earliest day that this may mean lies after `day`."""
        return date(self.year, self.month or 1, self.day or 1) > day

    def __repr__(self) -> str:
        return "BirthDate(•)"
