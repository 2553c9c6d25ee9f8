"""From evidence to a level of assurance, by the table in config/assurance.toml."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from idp.errors import NotKnown
from idp.settings import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from idp.settings.catalogue import Kind

FACTORS = frozenset({"possession", "knowledge", "biometric"})
CONDITIONS = frozenset({"phishing_resistant", "hardware_bound", "attested"})

_KEYS: Mapping[str, Mapping[str, Kind]] = {
    "authentication": {
        "level": int,
        "acr": str,
        "aliases": list,
        "name": catalogue.LANGUAGES,
        "description": catalogue.LANGUAGES,
        "different_factors": int,
        "required_factors": list,
        "conditions": dict,
    },
    "account": {"level": str, "name": catalogue.LANGUAGES},
}
_MAY_BE_LEFT_OUT = frozenset({"conditions"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a login method has proved about the person who is here now.

    `factors` holds kinds of factor: `possession`, `knowledge`, `biometric`, and `local` for a user verification that
    may have been either a device code or a biometric (the authenticator does not say which).
    `amr` holds values of RFC 8176.
    """

    method: str
    amr: tuple[str, ...]
    factors: frozenset[str]
    phishing_resistant: bool
    hardware_bound: bool
    attested: bool


@dataclass(frozen=True, slots=True)
class AuthenticationLevel:
    """One authentication level: names, and what it takes. `conditions`: kind of factor -> flags of Evidence."""

    level: int
    acr: str
    aliases: tuple[str, ...]
    name: Mapping[str, str]
    description: Mapping[str, str]
    different_factors: int
    required_factors: frozenset[str]
    conditions: Mapping[str, frozenset[str]]

    def reached_by(self, evidence: Sequence[Evidence]) -> bool:
        """Say whether these proofs of one login, taken together, reach this level."""
        kinds = {kind for one in evidence for kind in one.factors if self._counts(kind, one)}
        certain = kinds & FACTORS
        # `local` was a code or a biometric: beside either of them it may be the same thing again, so it adds nothing.
        unnamed = int("local" in kinds and not certain & {"knowledge", "biometric"})
        return self.required_factors <= certain and len(certain) + unnamed >= self.different_factors

    def _counts(self, kind: str, one: Evidence) -> bool:
        return all(getattr(one, flag) for flag in self.conditions.get(kind, frozenset()))


@dataclass(frozen=True, slots=True)
class AccountLevel:
    """One account level (`01`, `02`): how the person was identified when the account was opened."""

    level: str
    name: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Assurance:
    """Both scales, lowest level first. Level 0 stands for: nothing was proved."""

    authentication: tuple[AuthenticationLevel, ...]
    account: tuple[AccountLevel, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the table. Raise SettingsError with every problem of the file at once."""
        document = catalogue.read(path, problems=_problems)
        return cls(
            authentication=tuple(_authentication_level(row) for row in document["authentication"]),
            account=tuple(
                AccountLevel(level=row["level"], name=MappingProxyType(row["name"])) for row in document["account"]
            ),
        )

    def level_of(self, evidence: Sequence[Evidence]) -> int:
        """Return the highest level that the proofs of one login reach together; 0 for none (SECURITY AL-01)."""
        return max((row.level for row in self.authentication if row.reached_by(evidence)), default=0)

    def acr_of(self, level: int) -> str:
        """Return the canonical name of a level. Raise NotKnown where there is no such level."""
        return self._row(level).acr

    def level_for(self, acr_name: str) -> int | None:
        """Return the level that a canonical name or an alias stands for; names are case-sensitive."""
        for row in self.authentication:
            if acr_name == row.acr or acr_name in row.aliases:
                return row.level
        return None

    def least_level(self, acr_names: Sequence[str]) -> int | None:
        """Return the lowest level that would satisfy one of the names; None where no name is known."""
        return min((level for name in acr_names if (level := self.level_for(name)) is not None), default=None)

    def meets(self, level: int, acr_names: Sequence[str]) -> bool:
        """Say whether a level satisfies at least one of the names; asking for nothing is always satisfied."""
        least = self.least_level(acr_names)
        return not acr_names or (least is not None and level >= least)

    def name_for_token(self, level: int, asked: Sequence[str]) -> str:
        """Return the `acr` to state: the first asked name that the level satisfies, else the level's own name.

        An asked name never stands for more than what happened (OpenID Connect Core section 3.1.2.1, SECURITY AL-01).
        """
        own = self.acr_of(level)
        return next((name for name in asked if self.meets(level, (name,))), own)

    def supported_acr_values(self) -> tuple[str, ...]:
        """Return every name that may be asked for, for discovery (`acr_values_supported`)."""
        return tuple(name for row in self.authentication for name in (row.acr, *row.aliases))

    def level_name(self, level: int, *, language: str) -> str:
        """Return what people call an authentication level. Raise NotKnown where there is no such level."""
        return self._row(level).name[language]

    def level_description(self, level: int, *, language: str) -> str:
        """Return what an authentication level takes, in words. Raise NotKnown where there is no such level."""
        return self._row(level).description[language]

    def account_level_name(self, account_level: str, *, language: str) -> str:
        """Return what people call an account level. Raise NotKnown where there is no such level."""
        return self._account_row(account_level).name[language]

    def account_meets(self, account_level: str, *, least: str) -> bool:
        """Say whether an account level is at least `least`. Raise NotKnown where either is no level."""
        order = self.account.index
        return order(self._account_row(account_level)) >= order(self._account_row(least))

    def _row(self, level: int) -> AuthenticationLevel:
        for row in self.authentication:
            if row.level == level:
                return row
        raise NotKnown(f"there is no authentication level {level}")

    def _account_row(self, account_level: str) -> AccountLevel:
        for row in self.account:
            if row.level == account_level:
                return row
        raise NotKnown(f"there is no account level {account_level}")


def _authentication_level(row: Mapping[str, Any]) -> AuthenticationLevel:
    return AuthenticationLevel(
        level=row["level"],
        acr=row["acr"],
        aliases=tuple(row["aliases"]),
        name=MappingProxyType(row["name"]),
        description=MappingProxyType(row["description"]),
        different_factors=row["different_factors"],
        required_factors=frozenset(row["required_factors"]),
        conditions=MappingProxyType({kind: frozenset(flags) for kind, flags in row.get("conditions", {}).items()}),
    )


def _problems(document: Mapping[str, Any]) -> list[str]:
    """Name everything that is wrong: what the rows are, and once they are that, what they mean."""
    return [*_shape_problems(document)] or [*_meaning_problems(document)]


def _shape_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Name every unknown, missing or wrongly typed key."""
    yield from catalogue.key_problems(document, dict.fromkeys(_KEYS, list), where="file")
    for table, keys in _KEYS.items():
        rows = catalogue.named_rows(document, table, name=table)
        if not rows:
            yield f"{table}: at least one [[{table}]] is needed"
        for where, row in rows:
            yield from _row_problems(row, keys, where=where)


def _row_problems(row: object, keys: Mapping[str, Kind], *, where: str) -> Iterator[str]:
    yield from catalogue.key_problems(row, keys, where=where, optional=_MAY_BE_LEFT_OUT)
    if not isinstance(row, dict):
        return
    for key, value in row.items():
        if keys.get(key) is list and isinstance(value, list) and not _are_words(value):
            yield f"{where}: {key}: must hold words"
    for kind_of_factor, flags in _conditions(row):
        if kind_of_factor not in FACTORS or not (_are_words(flags) and set(flags) <= CONDITIONS):
            yield f"{where}: conditions.{kind_of_factor}: not a factor with known conditions"


def _are_words(unverified: Any) -> bool:
    return isinstance(unverified, list) and all(isinstance(word, str) and word for word in unverified)


def _conditions(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    conditions = row.get("conditions", {})
    return list(conditions.items()) if isinstance(conditions, dict) else []


def _meaning_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Name every rule between rows that is broken: order, unique names, and that a higher level takes no less."""
    rows = document["authentication"]
    if [row["level"] for row in rows] != list(range(1, len(rows) + 1)):
        yield "authentication: levels must be 1, 2, 3 ... in this order"
    names = [name for row in rows for name in (row["acr"], *row["aliases"])]
    yield from (f"authentication: {name}: stands for two levels" for name in catalogue.twice(names))
    yield from (f"authentication: {name}: a name has no spaces" for name in names if name != "".join(name.split()))
    for row in rows:
        if not set(row["required_factors"]) <= FACTORS or not 1 <= row["different_factors"] <= len(FACTORS):
            yield f"authentication {row['level']}: asks for factors that do not exist"
    for lower, higher in itertools.pairwise(rows):
        if not _takes_no_less(higher, than=lower):
            yield f"authentication {higher['level']}: takes less than level {lower['level']}"
    accounts = [row["level"] for row in document["account"]]
    yield from (f"account: {level}: listed twice" for level in catalogue.twice(accounts))


def _takes_no_less(higher: Mapping[str, Any], *, than: Mapping[str, Any]) -> bool:
    conditions = higher.get("conditions", {})
    return (
        higher["different_factors"] >= than["different_factors"]
        and set(higher["required_factors"]) >= set(than["required_factors"])
        and all(set(conditions.get(kind, ())) >= set(flags) for kind, flags in _conditions(than))
    )
