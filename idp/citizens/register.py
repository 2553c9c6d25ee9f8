"""The population register as this house sees it: one question, four kinds of answer.

Which answer it was is told, with the register named, to a person who has proved a valid code, and to the log; a
stranger learns nothing. "No record" and "the register is away" must never look alike: one sends a citizen to an
office, the other asks for patience.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from idp.citizens.fingerprints import number_hash
from idp.errors import RegisterAnswer, TemporarilyUnavailable

if TYPE_CHECKING:
    from idp.citizens.citizen import Person
    from idp.citizens.national_id import PersonalNumber
    from idp.citizens.store import RegisterStore
    from keys.sealing import Sealer


@dataclass(frozen=True, slots=True)
class RegisterName:
    """How the register is named to a person, in Vietnamese and in English."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Found:
    """The register has a living person under this number, and it is the one that was expected."""

    person: Person


@dataclass(frozen=True, slots=True)
class NotFound:
    """The register answers, and has no such number."""


@dataclass(frozen=True, slots=True)
class DoesNotMatch:
    """There is a record, and it is not good for this; `reason` is a word for the log only."""

    reason: Literal["person", "dead", "cancelled"]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The register gives no answer now; `detail` is for the log only."""

    detail: str


Answer = Found | NotFound | DoesNotMatch | Unavailable


class Register(Protocol):
    """A population register."""

    @property
    def name(self) -> RegisterName:
        """How it is named to a person."""
        ...

    def look_up(self, *, number: PersonalNumber, expected_person_hash: bytes | None) -> Answer:
        """Ask for a person; with `expected_person_hash` (`person_hash`) name and birth date must still be the same.

        Never raises for what a register may answer, its absence included.
        """
        ...


class LocalRegister:
    """A register that was filled from a file by `sen citizen import`."""

    def __init__(self, *, name: RegisterName, store: RegisterStore, sealer: Sealer) -> None:
        """Take the name from the settings and the table from the storage."""
        self._name = name
        self._store = store
        self._sealer = sealer

    @property
    def name(self) -> RegisterName:
        """How it is named to a person."""
        return self._name

    def look_up(self, *, number: PersonalNumber, expected_person_hash: bytes | None) -> Answer:
        """Ask the table; see `Register.look_up`.

        A dead person or a cancelled number is a record that does not match: the number is known, and nobody may
        act under it. The reason stays in the log, so that the page does not bring news of a death.
        """
        try:
            entry = self._store.by_number_hash(number_hash=number_hash(sealer=self._sealer, number=number))
        except TemporarilyUnavailable as error:
            return Unavailable(detail=error.detail or error.public)
        if entry is None:
            return NotFound()
        if entry.state != "alive":
            return DoesNotMatch(reason=entry.state)
        if expected_person_hash is not None and not hmac.compare_digest(entry.person_hash, expected_person_hash):
            return DoesNotMatch(reason="person")
        return Found(person=entry.person)


def expect_found(*, answer: Answer, name: RegisterName) -> Person:
    """Return the person, for one who may know the answer: an operator, or a citizen who proved a valid code.

    Raises:
        RegisterAnswer: `not_found`, `does_not_match` or `unavailable`, with the register's name in English.
    """
    match answer:
        case Found(person=person):
            return person
        case NotFound():
            word, sentence, detail = "not_found", "has no record of this number", ""
        case DoesNotMatch(reason=reason):
            word, sentence, detail = "does_not_match", "has a record that does not fit", reason
        case Unavailable(detail=reason):
            word, sentence, detail = "unavailable", "does not answer now", reason
    raise RegisterAnswer(f"The {name.en} {sentence}.", answer=word, register=name.en, detail=detail)
