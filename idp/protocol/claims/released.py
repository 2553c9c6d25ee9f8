"""What is told of a citizen: plain claims, `verified_claims` with their evidence, and the former hub's names."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from idp.protocol.claims import VERIFICATION, VERIFIED, account_level_text, bare, values
from idp.protocol.claims.requested import VERIFIED_CLAIMS
from idp.protocol.claims.verification import asked_paths, available, chosen, fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from idp.protocol.claims import Known
    from idp.settings.rooms import Register

_GENDERS = {"male": "Nam", "female": "Nữ", "other": "Khác"}
LEGACY_SCOPE = "vn_legacy"
LEGACY: Mapping[str, tuple[str | None, Callable[[Known], Any]]] = {
    "HoVaTen": ("name", lambda known: known.person.full_name),
    "SoDinhDanh": ("personal_number", lambda known: known.number),
    "SoCMND": ("former_number", lambda known: known.person.former_number and known.person.former_number.digits),
    "NgayThangNamSinh": ("birthdate", lambda known: known.person.birth_date.legacy().replace("-", "")),
    "GioiTinh": ("gender", lambda known: _GENDERS.get(known.person.gender or "")),
    "DiaChi": ("address", lambda known: known.person.address),
    "SoDienThoai": ("phone_number", lambda known: known.person.phone_number),
    "ThuDienTu": ("email", lambda known: known.person.email),
    "LoaiTaiKhoan": (None, lambda _: "1"),  # 1 is a citizen, 2 an enterprise
}
"""The names of the national portal's hub: the claim of ours that must be agreed (None: says nothing of a person)."""


def released(*, known: Known, words: Iterable[str], scope: str, subject: str, register: Register) -> dict[str, Any]:
    """Return the claims that agreed `words` stand for, with their values as they are now.

    Source: OpenID Connect Core section 5.3.2, OpenID Connect for Identity Assurance 1.0 section 5.
    """
    asked = tuple(words)
    said: dict[str, Any] = dict(values(known=known, names=asked))
    if LEGACY_SCOPE in scope.split(" "):
        said = {**_legacy(known=known, asked=asked, subject=subject), **said}
    verified = list(_verified(known=known, asked=asked, register=register))
    if verified:
        said[VERIFIED_CLAIMS] = verified[0] if len(verified) == 1 else verified
    return said


def _verified(*, known: Known, asked: Sequence[str], register: Register) -> Iterator[dict[str, Any]]:
    """Return each element that has a claim: these, and of how they were verified what was asked for."""
    for number in _numbers(asked):
        claims = values(known=known, names=_after(f"{VERIFIED}{number}:", words=asked))
        if claims:
            paths = {"trust_framework", *_after(f"{VERIFICATION}{number}:", words=asked)}
            yield {"verification": chosen(_available(known, register=register), paths=paths), "claims": dict(claims)}


def _numbers(words: Sequence[str]) -> Iterable[str]:
    """Return the numbers of the elements that words belong to; the first has none."""
    heads = dict.fromkeys(word.partition(":")[0] for word in words if word.startswith(VERIFIED))
    return [head.removeprefix(VERIFIED) for head in heads]


def _after(start: str, *, words: Sequence[str]) -> list[str]:
    return [word.removeprefix(start) for word in words if word.startswith(start)]


def _available(known: Known, *, register: Register) -> dict[str, Any]:
    level = account_level_text(known.account_level)
    return available(register=register, assurance_level=level, confirmed_at=known.person.confirmed_at)


def _legacy(*, known: Known, asked: Sequence[str], subject: str) -> dict[str, Any]:
    """Return the former names of what is agreed; `TechID` is as stable, and as pairwise, as `sub`."""
    said: dict[str, Any] = {"TechID": str(uuid.uuid5(uuid.NAMESPACE_OID, subject))}
    for name, (claim, value) in LEGACY.items():
        if (claim is None or claim in asked) and value(known) not in (None, ""):
            said[name] = value(known)
    return said


def acceptable(
    *, known: Known, words: Iterable[str], wanted: Mapping[str, Any], register: Register, now: datetime
) -> tuple[str, ...]:
    """Leave out each claim whose value is not among the wanted ones, and all of an element whose verification is not.

    An element that stays gets the words for what it is to say of its verification.

    Source: OpenID Connect Core section 5.5.1, OpenID Connect for Identity Assurance 1.0 sections 5.4 to 5.7.
    """
    asked = tuple(word for word in words if word not in wanted or _value(word, known=known) in wanted[word])
    kept = [word for word in asked if not word.startswith(VERIFIED)]
    ours = _available(known, register=register)
    for number in _numbers(asked):
        spec = wanted.get(VERIFICATION + number)
        if spec is not None and fits(spec, ours, now=now):
            kept += [word for word in asked if word.startswith(f"{VERIFIED}{number}:")]
            kept += dict.fromkeys(f"{VERIFICATION}{number}:{path}" for path in asked_paths(spec, ours, now=now))
    return tuple(kept)


def _value(word: str, *, known: Known) -> Any:
    claim = bare(word)
    return values(known=known, names=(claim,)).get(claim)
