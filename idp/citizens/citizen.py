"""A citizen: what the register says of the person, and the account that stands for them here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, Self

import orjson

from idp.citizens.birth_date import BirthDate
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import FormerNumber

Status = Literal["active", "suspended", "deceased", "merged"]

ENDINGS: dict[str, frozenset[str]] = {
    "active": frozenset({"suspended", "deceased", "merged"}),
    "suspended": frozenset({"deceased", "merged"}),
    "deceased": frozenset(),
    "merged": frozenset(),
}
"""From which status an account may move to which; nobody comes back from the dead."""

ENDED_BY: dict[str, Status] = {"dead": "deceased", "cancelled": "suspended"}
"""To which status the register moves an account, by the state of the number's entry."""

LONGEST_NAME = 200
LONGEST_ADDRESS = 500
LONGEST_EMAIL = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets

GENDERS = {
    "nam": "male",
    "nữ": "female",
    "khác": "other",
    "male": "male",
    "female": "female",
    "other": "other",
}
COUNTRY_NAMES = {"việt nam": "VN", "viet nam": "VN", "vietnam": "VN", "vnm": "VN"}

_COUNTRY = re.compile(r"[A-Z]{2}")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
_PHONE_SEPARATORS = re.compile(r"[\s.()\-]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _line(typed: str, *, name: str, longest: int) -> str:
    """Return NFC text on one line with single spaces: NFC, because a name must equal itself however it was typed."""
    text = " ".join(unicodedata.normalize("NFC", typed).split())
    if not text.isprintable() or "\ufffd" in text:
        raise Malformed(name, "characters")
    if len(text) > longest:
        raise Malformed(name, "length")
    return text


def _gender(typed: str) -> str:
    found = GENDERS.get(unicodedata.normalize("NFC", typed).strip().casefold())
    if found is None:
        raise Malformed("gender", "unknown")
    return found


def _nationality(typed: str) -> str:
    text = unicodedata.normalize("NFC", typed).strip()
    code = COUNTRY_NAMES.get(text.casefold(), text.upper())
    if not _COUNTRY.fullmatch(code):
        raise Malformed("nationality", "unknown")
    return code


def _phone_number(typed: str) -> str:
    digits = _PHONE_SEPARATORS.sub("", unicodedata.normalize("NFKC", typed))
    number = f"+84{digits[1:]}" if digits.startswith("0") and not digits.startswith("00") else digits
    if not _PHONE.fullmatch(number):
        raise Malformed("phone_number", "characters")
    return number


def _email(typed: str) -> str:
    text = _line(typed, name="email", longest=LONGEST_EMAIL)
    if not _EMAIL.fullmatch(text):
        raise Malformed("email", "characters")
    return text


@dataclass(frozen=True, slots=True)
class Person:
    """What the register says. Prints nothing of it: a person in a log would be a leak.

    `full_name` is one field, family name first, as the card has it; nobody needs a family name. `gender` is `male`,
    `female` or `other` (OpenID Connect Core section 5.1), `nationality` an ISO 3166 code of two letters,
    `phone_number` is E.164. `confirmed_at` is when the register last said all this of the holder of an account.
    """

    full_name: str = field(repr=False)
    birth_date: BirthDate = field(repr=False)
    gender: str | None = field(default=None, repr=False)
    nationality: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    phone_number: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    former_number: FormerNumber | None = field(default=None, repr=False)
    confirmed_at: datetime | None = None

    @classmethod
    def parse(cls, typed: dict[str, str]) -> Self:
        """Make a person of text fields; what is absent or blank but name and birth date stays unknown.

        Raises:
            Malformed: the first field that does not have its form.
        """
        full_name = _line(typed.get("full_name", ""), name="full_name", longest=LONGEST_NAME)
        if not full_name:
            raise Malformed("full_name", "empty")
        given = {name: text for name, text in typed.items() if text and not text.isspace()}
        return cls(
            full_name=full_name,
            birth_date=BirthDate.parse(typed.get("birth_date", "")),
            gender=_gender(given["gender"]) if "gender" in given else None,
            nationality=_nationality(given["nationality"]) if "nationality" in given else None,
            address=_line(given["address"], name="address", longest=LONGEST_ADDRESS) if "address" in given else None,
            phone_number=_phone_number(given["phone_number"]) if "phone_number" in given else None,
            email=_email(given["email"]) if "email" in given else None,
            former_number=FormerNumber.parse(given["former_number"]) if "former_number" in given else None,
        )

    def is_somebody_else(self, before: Person) -> bool:
        """Tell whether name (in any case) and birth date are both others: not one person whose data was put right.

        A number may be cancelled and given anew; an account never passes to another human being.
        """
        return self.full_name.casefold() != before.full_name.casefold() and self.birth_date != before.birth_date

    def news(self, before: Person) -> tuple[str, ...]:
        """Return the names of the fields in which this is not what was said before; when it was said is no news."""
        names = (each.name for each in fields(self) if each.name != "confirmed_at")
        return tuple(name for name in names if getattr(self, name) != getattr(before, name))

    def contacts(self) -> dict[str, str]:
        """Return by what the person can be written to: each by the name of its format (RFC 9493 section 3.2)."""
        known = {"phone_number": self.phone_number, "email": self.email}
        return {name: contact for name, contact in known.items() if contact is not None}

    def to_json(self) -> bytes:
        """Return the known fields as JSON, for sealing."""
        known: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        known["birth_date"] = self.birth_date.legacy()
        known["former_number"] = None if self.former_number is None else self.former_number.digits
        return orjson.dumps({name: value for name, value in known.items() if value is not None})

    @classmethod
    def from_json(cls, document: bytes) -> Self:
        """Read what `to_json` wrote; a field that a newer release added is passed over."""
        read: dict[str, Any] = orjson.loads(document)
        known = {name: value for name, value in read.items() if name in cls.__slots__}
        known["birth_date"] = BirthDate.parse(known["birth_date"])
        if "confirmed_at" in known:
            known["confirmed_at"] = datetime.fromisoformat(known["confirmed_at"])
        if "former_number" in known:
            known["former_number"] = FormerNumber(known["former_number"])
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Citizen:
    """One account. `id` is ours (UUIDv7), `account_level` 1 or 2 (Decree 69/2024), `user_handle` 32 random bytes."""

    id: str
    status: Status
    account_level: int
    user_handle: bytes
    person: Person
    created_at: datetime
    ended_at: datetime | None = None
