"""One consent or one withdrawal: who, to whom, which claims, why, on which legal basis, until when, which wording."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable  # noqa: TC003  annotations of public methods are read at run time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import orjson

Basis = Literal["consent", "law"]
By = Literal["citizen", "officer", "system"]
State = Literal["in_force", "expired", "withdrawn"]

LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ConsentItem:
    """One claim in a consent, and what was said about it.

    `basis` is `law` where the citizen was told and not asked; such an item is always granted.
    `legal_basis` is the citation that was shown, never empty.

    Raises:
        ValueError: an item that no honest page can produce.
    """

    claim: str
    required: bool
    granted: bool
    basis: Basis
    legal_basis: str

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_named(claim=self.claim, legal_basis=self.legal_basis)
        if self.basis not in get_args(Basis):
            raise ValueError(f"{self.claim}: the basis is consent or law")
        if self.basis == "law" and not self.granted:
            raise ValueError(f"{self.claim}: what the law grants cannot be refused here")


@dataclass(frozen=True, slots=True)
class Wording:
    """The full text that was shown: labels, purpose, rights and duties, but never a person's values.

    The text is Unicode NFC with line feeds. `language` is a BCP 47 tag; `version` counts from 1 and is the same in
    every language.
    """

    language: str
    version: int
    text: str

    def __post_init__(self) -> None:
        """Keep the text canonical, so that two texts that read the same hash the same; refuse an empty one."""
        text = unicodedata.normalize("NFC", self.text.replace("\r\n", "\n").replace("\r", "\n"))
        object.__setattr__(self, "text", text)
        check_named(language=self.language, text=self.text)
        check_version(self.version)

    @property
    def sha256(self) -> str:
        """Hash of language, version and text as canonical JSON (64 hexadecimal digits)."""
        content = {"language": self.language, "text": self.text, "version": self.version}
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Consent:
    """What one citizen agreed to give one recipient for one purpose; it stands for the whole, not for a difference.

    `id` is UUIDv7 text, `subject` our own id of the citizen, `recipient` a client id, `purpose` a purpose's id.
    `session_id` and `acr` say how the citizen was authenticated when agreeing. `supersedes` is the record that stood
    before it for the same subject, recipient and purpose, in force or not; None for the first: the records of one
    purpose form one line without branches, whatever a clock says.

    Raises:
        ValueError: a record that must not exist, for instance one with a required item refused.
    """

    id: str
    subject: str
    recipient: str
    purpose: str
    purpose_version: int
    items: tuple[ConsentItem, ...]
    wording: Wording
    given_at: datetime
    expires_at: datetime
    session_id: str
    acr: str
    supersedes: str | None

    def __post_init__(self) -> None:
        """Refuse what must not be recorded."""
        check_named(id=self.id, subject=self.subject, recipient=self.recipient, purpose=self.purpose)
        check_named(session_id=self.session_id, acr=self.acr)
        check_version(self.purpose_version)
        check_aware(self.given_at)
        check_aware(self.expires_at)
        check_distinct(item.claim for item in self.items)
        if not self.given_at < self.expires_at <= self.given_at + LONGEST:
            raise ValueError("a consent lasts longer than nothing and at most 365 days")
        if any(item.required and not item.granted for item in self.items):
            raise ValueError("a required item refused means that the whole is refused")

    @property
    def granted_claims(self) -> frozenset[str]:
        """The claims that may be released, by consent or by law."""
        return frozenset(item.claim for item in self.items if item.granted)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The end of one consent, an entry of its own: the consent itself is never changed.

    `ends` is the consent's id; `reason` a short word or an officer's sentence, without personal data.
    """

    id: str
    ends: str
    subject: str
    at: datetime
    by: By
    reason: str

    def __post_init__(self) -> None:
        """Refuse a withdrawal without author, time or reason."""
        check_named(id=self.id, ends=self.ends, subject=self.subject, reason=self.reason)
        check_aware(self.at)
        if self.by not in get_args(By):
            raise ValueError("a withdrawal is by " + ", ".join(get_args(By)))


@dataclass(frozen=True, slots=True)
class Standing:
    """A consent together with its withdrawal, if there is one: how it stands."""

    consent: Consent
    withdrawal: Withdrawal | None = None

    def state(self, *, at: datetime) -> State:
        """Tell how the consent stands at an instant; a withdrawal counts from the moment that it is known."""
        if self.withdrawal is not None:
            return "withdrawn"
        return "in_force" if at < self.consent.expires_at else "expired"


def check_named(**texts: str) -> None:
    """Raise ValueError for an empty text; its name says which."""
    for name, text in texts.items():
        if not text.strip():
            raise ValueError(f"{name} is empty")


def check_version(version: int) -> None:
    """Raise ValueError unless versions count from 1."""
    if version < 1:
        raise ValueError("versions count from 1")


def check_aware(instant: datetime) -> None:
    """Raise ValueError for a time without offset: nobody could prove when it was."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its offset from UTC")


def check_distinct(claims: Iterable[str]) -> None:
    """Raise ValueError where a claim stands twice: it could be granted once and refused once."""
    names = tuple(claims)
    if len(names) != len(set(names)):
        raise ValueError("a claim stands twice")
