"""The registry of types for authorization_details (config/details_types.toml): what may be asked, in which words."""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from idp.settings import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from idp.settings.catalogue import Kind

LONGEST_TEXT = 200
LEAST_VALUES = 2
TEXT = "text"
"""The one kind whose words are the relying party's, in whatever language it wrote them."""

_WORD = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_CODE = re.compile(r"[A-Z0-9][A-Z0-9./-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PUNCTUATION = frozenset(" .,;:/()-'–")
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")  # letters of Korean by their category, and nothing to the eye
_DOCUMENT_KEYS: Mapping[str, Kind] = {"types": list}
_TYPE_KEYS: Mapping[str, Kind] = {
    "id": str, "version": int, "name": catalogue.LANGUAGES, "sentence": catalogue.LANGUAGES, "members": list,
}  # fmt: skip
_MEMBER_KEYS: Mapping[str, Kind] = {"member": str, "kind": str, "required": bool, "label": catalogue.LANGUAGES}


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a type: `values` map what is sent to what is shown, `longest` counts characters."""

    name: str
    kind: str
    required: bool
    label: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    longest: int

    def takes(self, unverified: Any) -> bool:
        """Tell whether a value is one that the registry knows."""
        return KINDS[self.kind](self, unverified)

    def shown(self, value: Any, *, language: str) -> str:
        """Return a checked value as a citizen reads it."""
        if self.kind == "choices":
            return ", ".join(self.values[one][language] for one in value)
        if self.kind == "choice":
            return self.values[value][language]
        return f"“{value}”" if self.kind == TEXT else str(value)


@dataclass(frozen=True, slots=True)
class DetailsType:
    """One type; `name` and `sentence` map a language to the text that is shown."""

    id: str
    version: int
    name: Mapping[str, str]
    sentence: Mapping[str, str]
    members: Mapping[str, Member]

    def pieces(self, detail: Mapping[str, Any], *, language: str) -> tuple[tuple[str, bool], ...]:
        """Return a checked object of this type in words, piece by piece: the text, and whether it is not our own."""
        found: list[tuple[str, bool]] = []
        for text, name, _, _ in string.Formatter().parse(self.sentence[language]):
            found.append((text, False))
            if name:
                member = self.members[name]
                found.append((member.shown(detail[name], language=language), member.kind == TEXT))
        return tuple(piece for piece in found if piece[0])

    def beside(self, detail: Mapping[str, Any], *, language: str) -> tuple[tuple[str, str, bool], ...]:
        """Return label, value and whether it is not our own text, of each member that the sentence does not say."""
        said = _placeholders(self.sentence[language])
        return tuple(
            (member.label[language], member.shown(detail[name], language=language), member.kind == TEXT)
            for name, member in self.members.items()
            if name in detail and name not in said
        )


@dataclass(frozen=True, slots=True)
class DetailsTypes:
    """Every type by its id, in the order of the file."""

    types: Mapping[str, DetailsType]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the registry. Raise SettingsError with every problem of the file at once."""
        document = catalogue.read(path, problems=_problems)
        return cls(MappingProxyType({row["id"]: _type(row) for row in document["types"]}))

    @property
    def ids(self) -> frozenset[str]:
        """The types that a relying party may be registered for."""
        return frozenset(self.types)


def _is_text(member: Member, value: Any) -> bool:
    """Tell whether it is one line of plain words: letters, digits, a little punctuation, nothing that hides."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= member.longest
        and value == unicodedata.normalize("NFC", value).strip()
        and all(sign in _PUNCTUATION or unicodedata.category(sign)[0] == "L" or sign.isdecimal() for sign in value)
        and "  " not in value
        and _FILLERS.isdisjoint(value)
    )


KINDS: Mapping[str, Callable[[Member, Any], bool]] = {
    "choice": lambda member, value: isinstance(value, str) and value in member.values,
    "choices": lambda member, value: (
        isinstance(value, list)
        and 0 < len(value) <= len(member.values)
        and all(isinstance(one, str) and one in member.values for one in value)
        and len(set(value)) == len(value)
    ),
    TEXT: _is_text,
    "code": lambda member, value: (
        isinstance(value, str) and len(value) <= member.longest and bool(_CODE.fullmatch(value))
    ),
    "sha256": lambda _, value: isinstance(value, str) and bool(_SHA256.fullmatch(value)),
}
"""What a value of each kind of member has to be."""


def _placeholders(sentence: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


def _type(row: Mapping[str, Any]) -> DetailsType:
    members = (
        Member(
            name=one["member"],
            kind=one["kind"],
            required=one["required"],
            label=MappingProxyType(one["label"]),
            values=MappingProxyType(one.get("values", {})),
            longest=one.get("longest", LONGEST_TEXT),
        )
        for one in row["members"]
    )
    return DetailsType(
        id=row["id"],
        version=row["version"],
        name=MappingProxyType(row["name"]),
        sentence=MappingProxyType(row["sentence"]),
        members=MappingProxyType({member.name: member for member in members}),
    )


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Name everything that is wrong, never only the first."""
    yield from catalogue.key_problems(document, _DOCUMENT_KEYS, where="file")
    rows = catalogue.named_rows(document, "types", name="type")
    for where, row in rows:
        yield from _type_problems(row, where=where)
    ids = catalogue.column((row for _, row in rows), "id")
    yield from (f"type {one}: listed twice" for one in catalogue.twice(ids))


def _type_problems(row: object, *, where: str) -> Iterator[str]:
    broken = list(catalogue.key_problems(row, _TYPE_KEYS, where=where))
    yield from broken
    if broken or not isinstance(row, dict):
        return
    if not _WORD.fullmatch(row["id"]):
        yield f"{where}: id: small letters, digits and underscores"
    if row["version"] < 1:
        yield f"{where}: version: counts from 1"
    for place, member in enumerate(row["members"], start=1):
        yield from _member_problems(member, where=f"{where}, member {place}")
    names = catalogue.column(row["members"], "member")
    yield from (f"{where}: member {name}: listed twice" for name in catalogue.twice(names))
    required = {
        str(one.get("member")) for one in row["members"] if isinstance(one, dict) and one.get("required") is True
    }
    for language in catalogue.LANGUAGES:
        yield from _sentence_problems(row["sentence"][language], required, where=f"{where}: sentence.{language}")


def _sentence_problems(sentence: str, required: set[str], *, where: str) -> Iterator[str]:
    try:
        unknown = _placeholders(sentence) - required
    except ValueError as error:
        yield f"{where}: {error}"
        return
    yield from (f"{where}: {name} is no required member" for name in sorted(unknown))


def _member_problems(member: object, *, where: str) -> Iterator[str]:
    if not isinstance(member, dict):
        yield f"{where}: must be a table"
        return
    kind = member.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        yield f"{where}: kind: one of {', '.join(KINDS)}"
        return
    own: dict[str, Kind] = {"values": dict} if kind in {"choice", "choices"} else {}
    own |= {"longest": int} if kind in {"text", "code"} else {}
    broken = list(catalogue.key_problems(member, {**_MEMBER_KEYS, **own}, where=where))
    yield from broken
    if broken:
        return
    if not _WORD.fullmatch(member["member"]) or member["member"] == "type":
        yield f"{where}: member: small letters, digits and underscores, and not type"
    if not 1 <= member.get("longest", 1) <= LONGEST_TEXT:
        yield f"{where}: longest: 1 to {LONGEST_TEXT}"
    values = member.get("values", {})
    if "values" in own and len(values) < LEAST_VALUES:
        yield f"{where}: values: at least {LEAST_VALUES}"
    yield from (
        f"{where}: {name}: {catalogue.BOTH}" for name, texts in values.items() if not catalogue.in_both_languages(texts)
    )
