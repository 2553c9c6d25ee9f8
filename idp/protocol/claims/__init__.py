"""CLAIMS: every claim about a citizen, the scope that asks for it, and where its value comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from idp.citizens.citizen import Person


VERIFIED = "verified"
VERIFICATION = "verification"
"""What stands before a word's colon, with the number of the element but for the first: `verified:name` is a claim
inside `verified_claims`, `verification1:evidence.type` a member of the second element's `verification`."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a citizen at this moment; prints nothing of it. `number` is the 12 digits that are good now."""

    person: Person = field(repr=False)
    number: str | None = field(repr=False)
    account_level: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: the standard scope that asks for it (or None: by purpose only), and its value for a citizen."""

    scope: str | None
    value: Callable[[Known], Any]


def _address(known: Known) -> dict[str, str] | None:
    """OpenID Connect Core section 5.1.1."""
    return {"formatted": known.person.address} if known.person.address else None


CLAIMS: dict[str, Claim] = {
    "name": Claim("profile", lambda known: known.person.full_name),
    "birthdate": Claim("profile", lambda known: known.person.birth_date.oidc()),
    "gender": Claim("profile", lambda known: known.person.gender),
    "personal_number": Claim(None, lambda known: known.number),
    "former_number": Claim(None, lambda known: known.person.former_number and known.person.former_number.digits),
    "nationality": Claim(None, lambda known: known.person.nationality),
    "address": Claim("address", _address),
    "phone_number": Claim("phone", lambda known: known.person.phone_number),
    "email": Claim("email", lambda known: known.person.email),
    "account_level": Claim(None, lambda known: account_level_text(known.account_level)),
}


OF_THE_ACCOUNT = frozenset({"personal_number", "account_level"})
"""Claims that every account has a value of, whatever the register says of its person."""


def account_level_text(level: int) -> str:
    """Return an account level as Decree 69/2024 writes it: `01` or `02`."""
    return f"{level:02d}"


def bare(word: str) -> str:
    """Return the claim that a word stands for, verified or not."""
    return word.rpartition(":")[2]


def names_of(words: Iterable[str]) -> list[str]:
    """Return the claims that words stand for, each once, without what is said of how any is verified."""
    return list(dict.fromkeys(bare(word) for word in words if not word.startswith(VERIFICATION)))


def within(claims: frozenset[str], *, words: Iterable[str]) -> tuple[str, ...]:
    """Keep the words that stand for one of `claims`; most are a claim's own name."""
    return tuple([word for word in words if word in claims or bare(word) in claims])


def asked_by_scope(scope: Iterable[str]) -> tuple[str, ...]:
    """Return the claims that standard scopes ask for (OpenID Connect Core section 5.4)."""
    asked = set(scope)
    return tuple(name for name, claim in CLAIMS.items() if claim.scope in asked)


def values(*, known: Known, names: Iterable[str]) -> Mapping[str, Any]:
    """Return the values of the named claims; what the register does not know is left out."""
    read = {name: CLAIMS[name].value(known) for name in names if name in CLAIMS}
    return {name: value for name, value in read.items() if value not in (None, "")}


def unknown(*, person: Person, names: Iterable[str]) -> frozenset[str]:
    """Return which of the named claims there is no value of, because the register does not know it."""
    asked = frozenset(name for name in names if name in CLAIMS) - OF_THE_ACCOUNT
    return asked - values(known=Known(person=person, number=None, account_level=0), names=asked).keys()
