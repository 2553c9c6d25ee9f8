"""Numbers of people: the personal number of 12 digits, the former one of 9, and that of a foreigner.

The personal number tells sex, birth year and province, and it may be cancelled and given anew. So it is never a key,
never a `sub`, never in a URL; whatever prints a number prints it masked, and `digits` is asked for by name.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from idp.citizens.malformed import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.citizens.birth_date import BirthDate

BULLET = "•"
_LONGEST_TYPED = 64
_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015\u200b\u2060\ufeff]+")
_ASCII_DIGITS = re.compile(r"[0-9]+")

Warning_ = Literal["unknown_prefix", "other_century_or_sex", "other_birth_year"]


@dataclass(frozen=True, slots=True)
class NumberStructure:
    """The prefixes that numbers begin with (three digits: a province of Vietnam, or a country)."""

    prefixes: frozenset[str]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Take `config/vietnam/number_prefixes.toml` as it was read."""
        return cls(prefixes=frozenset((*table["provinces"], *table["countries"], *table["unclear"]["countries"])))


@dataclass(frozen=True, slots=True, repr=False)
class Number:
    """Digits that stand for a person; equal when the digits are, masked wherever it is printed."""

    kind: ClassVar[str]
    field: ClassVar[str]
    lengths: ClassVar[range]

    digits: str

    def __post_init__(self) -> None:
        """Hold the one hard rule.

        Raises:
            Malformed: something else than ASCII digits, or too few or too many of them.
        """
        if not self.digits:
            raise Malformed(self.field, "empty")
        if not _ASCII_DIGITS.fullmatch(self.digits):
            raise Malformed(self.field, "characters")
        if len(self.digits) not in self.lengths:
            raise Malformed(self.field, "length")

    @classmethod
    def parse(cls, typed: str) -> Self:
        """Return the number that a person typed; spaces, dots, dashes and full-width digits do no harm.

        Raises:
            Malformed: it is not such a number; the text says why and never repeats it.
        """
        if len(typed) > _LONGEST_TYPED:
            raise Malformed(cls.field, "length")
        return cls(_SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)))

    def masked(self) -> str:
        """Return the first three and the last two digits, bullets between them."""
        return f"{self.digits[:3]}{BULLET * (len(self.digits) - 5)}{self.digits[-2:]}"

    def __str__(self) -> str:
        return self.masked()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked()})"


@dataclass(frozen=True, slots=True, repr=False)
class PersonalNumber(Number):
    """The personal identification number: 12 digits by law, and nothing else is sure (Law on Identification, art. 12).

    There is no check digit: a typing error shows only when name and birth date are compared.
    """

    kind: ClassVar[str] = "personal"
    field: ClassVar[str] = "number"
    lengths: ClassVar[range] = range(12, 13)

    def warnings(
        self, *, structure: NumberStructure, birth_date: BirthDate | None = None, gender: str | None = None
    ) -> tuple[Warning_, ...]:
        """Return what looks unusual; none of it is ever a reason to refuse.

        A recorded sex or birth year may change while the number stays, and the table of prefixes is no longer law.
        `gender` is a value of `Person.gender`; only `male` and `female` are compared.
        """
        found: list[Warning_] = []
        if self.digits[:3] not in structure.prefixes:
            found.append("unknown_prefix")
        century, sex = divmod(int(self.digits[3]), 2)
        other_century = birth_date is not None and birth_date.year // 100 != 19 + century
        other_sex = gender in {"male", "female"} and gender != ("male", "female")[sex]
        if other_century or other_sex:
            found.append("other_century_or_sex")
        if birth_date is not None and birth_date.year % 100 != int(self.digits[4:6]):
            found.append("other_birth_year")
        return tuple(found)


@dataclass(frozen=True, slots=True, repr=False)
class FormerNumber(Number):
    """The number of the identity card that ended with 2024: 9 digits, kept because old records still carry it."""

    kind: ClassVar[str] = "former"
    field: ClassVar[str] = "former_number"
    lengths: ClassVar[range] = range(9, 10)


@dataclass(frozen=True, slots=True, repr=False)
class ForeignerNumber(Number):
    """The number of a foreigner: how many digits no source fixes, and nothing is read out of them."""

    kind: ClassVar[str] = "foreigner"
    field: ClassVar[str] = "number"
    lengths: ClassVar[range] = range(9, 16)
