"""The catalogue of purposes in config/purposes.toml: what each service asks for, why, and on which legal basis."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

from idp.errors import NotKnown
from idp.settings import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from idp.settings.catalogue import Kind

SCOPE_PREFIX = "service:"
LONGEST_DAYS = 365
AUTHENTICATION_LEVELS = range(1, 5)
ACCOUNT_LEVELS = ("01", "02")
BASES = ("consent", "law")

_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CLAIM = re.compile(r"[a-z][a-z0-9_]*")
_DOCUMENT_KEYS: Mapping[str, Kind] = {"legal_bases": dict, "purposes": list}
_BASIS_KEYS: Mapping[str, Kind] = {"basis": str, "text": catalogue.LANGUAGES}
_PURPOSE_KEYS: Mapping[str, Kind] = {
    "id": str,
    "version": int,
    "name": catalogue.LANGUAGES,
    "purpose": catalogue.LANGUAGES,
    "authentication_level": int,
    "account_level": str,
    "days": int,
    "items": list,
}
_ITEM_KEYS: Mapping[str, Kind] = {
    "claim": str, "required": bool, "legal_basis": str, "why": catalogue.LANGUAGES,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PurposeItem:
    """One claim that a purpose asks for.

    `basis` is `consent` or `law`; what the law grants is always required. `legal_basis_id` names the entry of the
    table of legal bases, the same in every language; `legal_basis` and `why` map a language to the text shown.
    """

    claim: str
    required: bool
    basis: Literal["consent", "law"]
    legal_basis_id: str
    legal_basis: Mapping[str, str]
    why: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Purpose:
    """One purpose. `name` and `purpose` map a language (`vi`, `en`) to the text that is shown.

    It equals itself alone, so that what is made of it can be kept by it.
    """

    id: str
    version: int
    name: Mapping[str, str]
    purpose: Mapping[str, str]
    authentication_level: int
    account_level: str
    lifetime: timedelta
    items: tuple[PurposeItem, ...]

    @property
    def scope(self) -> str:
        """The OAuth scope value that asks for this purpose."""
        return SCOPE_PREFIX + self.id

    @property
    def claims(self) -> frozenset[str]:
        """Every claim that may be released for it."""
        return frozenset(item.claim for item in self.items)


@dataclass(frozen=True, slots=True)
class PurposeCatalogue:
    """Every purpose by its id, in the order of the file."""

    purposes: Mapping[str, Purpose]

    @classmethod
    def load(cls, path: Path, *, longest_days: int = LONGEST_DAYS) -> Self:
        """Read the catalogue; no consent lasts longer than `longest_days`, whatever the file says.

        Raises:
            SettingsError: with every problem of the file at once.
        """
        document = catalogue.read(path, problems=_problems)
        bases = document["legal_bases"]
        purposes = (_purpose(row, bases, longest_days=longest_days) for row in document["purposes"])
        return cls(MappingProxyType({purpose.id: purpose for purpose in purposes}))

    @property
    def ids(self) -> frozenset[str]:
        """The ids that a relying party may be registered for."""
        return frozenset(self.purposes)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every scope value, for discovery (`scopes_supported`)."""
        return tuple(purpose.scope for purpose in self.purposes.values())

    @property
    def legal_bases(self) -> Mapping[str, Mapping[str, str]]:
        """The text of every legal basis that a purpose rests on, by its id and language."""
        return {item.legal_basis_id: item.legal_basis for found in self.purposes.values() for item in found.items}

    def get(self, purpose_id: str) -> Purpose:
        """Return one purpose. Raise NotKnown where there is none."""
        try:
            return self.purposes[purpose_id]
        except KeyError:
            raise NotKnown(f"there is no purpose {purpose_id}") from None


def _purpose(row: Mapping[str, Any], bases: Mapping[str, Any], *, longest_days: int) -> Purpose:
    return Purpose(
        id=row["id"],
        version=row["version"],
        name=MappingProxyType(row["name"]),
        purpose=MappingProxyType(row["purpose"]),
        authentication_level=row["authentication_level"],
        account_level=row["account_level"],
        lifetime=timedelta(days=min(row["days"], longest_days)),
        items=tuple(_item(item, bases[item["legal_basis"]]) for item in row["items"]),
    )


def _item(item: Mapping[str, Any], base: Mapping[str, Any]) -> PurposeItem:
    return PurposeItem(
        claim=item["claim"],
        required=item["required"],
        basis=base["basis"],
        legal_basis_id=item["legal_basis"],
        legal_basis=MappingProxyType(base["text"]),
        why=MappingProxyType(item["why"]),
    )


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Name everything that is wrong, never only the first."""
    yield from catalogue.key_problems(document, _DOCUMENT_KEYS, where="file")
    bases = document.get("legal_bases")
    bases = bases if isinstance(bases, dict) else {}
    for basis_id, base in bases.items():
        yield from _basis_problems(base, where=f"legal_bases.{basis_id}")
    bases = {basis_id: base for basis_id, base in bases.items() if isinstance(base, dict)}
    rows = catalogue.named_rows(document, "purposes", name="purpose")
    if not rows:
        yield "purposes: at least one [[purposes]] is needed"
    for where, row in rows:
        yield from _purpose_problems(row, bases, where=where)
    ids = catalogue.column((row for _, row in rows), "id")
    yield from (f"purpose {one}: listed twice" for one in catalogue.twice(ids))


def _basis_problems(base: object, *, where: str) -> Iterator[str]:
    broken = list(catalogue.key_problems(base, _BASIS_KEYS, where=where))
    yield from broken
    if not broken and isinstance(base, dict) and base["basis"] not in BASES:
        yield f"{where}: basis: must be {' or '.join(BASES)}"


def _purpose_problems(row: object, bases: Mapping[str, Any], *, where: str) -> Iterator[str]:
    broken = list(catalogue.key_problems(row, _PURPOSE_KEYS, where=where))
    yield from broken
    if broken or not isinstance(row, dict):
        return
    if not _WORD.fullmatch(row["id"]):
        yield f"{where}: id: small letters, digits and hyphens"
    if row["version"] < 1:
        yield f"{where}: version: counts from 1"
    if row["authentication_level"] not in AUTHENTICATION_LEVELS:
        yield f"{where}: authentication_level: must be 1 to 4"
    if row["account_level"] not in ACCOUNT_LEVELS:
        yield f"{where}: account_level: must be {' or '.join(ACCOUNT_LEVELS)}"
    if not 1 <= row["days"] <= LONGEST_DAYS:
        yield f"{where}: days: must be 1 to {LONGEST_DAYS}"
    for place, item in enumerate(row["items"], start=1):
        yield from _item_problems(item, bases, where=f"{where}, item {place}")
    claims = catalogue.column(row["items"], "claim")
    yield from (f"{where}: {claim}: asked for twice" for claim in catalogue.twice(claims))


def _item_problems(item: object, bases: Mapping[str, Any], *, where: str) -> Iterator[str]:
    broken = list(catalogue.key_problems(item, _ITEM_KEYS, where=where))
    yield from broken
    if broken or not isinstance(item, dict):
        return
    if not _CLAIM.fullmatch(item["claim"]):
        yield f"{where}: claim: not a claim's name"
    if item["legal_basis"] not in bases:
        yield f"{where}: legal_basis: {item['legal_basis']} is not in the table of legal bases"
    elif bases[item["legal_basis"]].get("basis") == "law" and not item["required"]:
        yield f"{where}: what the law grants is never optional"
