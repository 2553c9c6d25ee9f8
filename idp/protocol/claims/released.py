"""What is told of a citizen: plain claims, `verified_claims` with their evidence, and the former hub's names."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from idp.protocol.claims import VERIFICATION, VERIFIED, account_level_text, bare, values
from idp.protocol.claims.requested import EVIDENCE_TYPE, VERIFIED_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from idp.protocol.claims import Known
    from idp.settings.rooms import Register

_GENDERS = {"male": "Nam", "female": "Nữ", "other": "Khác"}
LEGACY_SCOPE = "vn_legacy"
RECORD_TYPE = "population_register"
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
    verified = values(known=known, names=[word.removeprefix(VERIFIED) for word in asked if word.startswith(VERIFIED)])
    if verified:
        verification = _verification(known=known, asked=asked, register=register)
        said[VERIFIED_CLAIMS] = {"verification": verification, "claims": dict(verified)}
    return said


def _verification(*, known: Known, asked: Sequence[str], register: Register) -> dict[str, Any]:
    """Say by which rules, how far, when and by which record the claims were verified, as far as it was asked for."""
    said: dict[str, Any] = {"trust_framework": register.trust_framework}
    confirmed = known.person.confirmed_at
    if VERIFICATION + "assurance_level" in asked:
        said["assurance_level"] = account_level_text(known.account_level)
    if VERIFICATION + "time" in asked and confirmed is not None:
        said["time"] = _instant(confirmed)
    if VERIFICATION + "evidence" in asked:
        source = {"name": register.name_en, "country_code": register.country_code}
        evidence = {"type": EVIDENCE_TYPE, "record": {"type": RECORD_TYPE, "source": source}}
        said["evidence"] = [evidence if confirmed is None else {**evidence, "time": _instant(confirmed)}]
    return said


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _legacy(*, known: Known, asked: Sequence[str], subject: str) -> dict[str, Any]:
    """Return the former names of what is agreed; `TechID` is as stable, and as pairwise, as `sub`."""
    said: dict[str, Any] = {"TechID": str(uuid.uuid5(uuid.NAMESPACE_OID, subject))}
    for name, (claim, value) in LEGACY.items():
        if (claim is None or claim in asked) and value(known) not in (None, ""):
            said[name] = value(known)
    return said


def acceptable(
    *, known: Known, words: Iterable[str], wanted: Mapping[str, Sequence[Any]], now: datetime
) -> tuple[str, ...]:
    """Leave out the words whose values are not among the wanted ones; of `verified_claims` all, where one is not.

    Source: OpenID Connect Core section 5.5.1, OpenID Connect for Identity Assurance 1.0 section 6.
    """
    asked = tuple(words)
    missed = {word for word, fits in wanted.items() if word in asked and not _fits(word, fits, known=known, now=now)}
    if any(word.startswith((VERIFIED, VERIFICATION)) for word in missed):
        missed |= {word for word in asked if word.startswith((VERIFIED, VERIFICATION))}
    return tuple(word for word in asked if word not in missed)


def _fits(word: str, wanted: Sequence[Any], *, known: Known, now: datetime) -> bool:
    if word == VERIFICATION + "time":
        confirmed = known.person.confirmed_at
        return confirmed is not None and (now - confirmed).total_seconds() <= wanted[0]
    if word == VERIFICATION + "assurance_level":
        return account_level_text(known.account_level) in wanted
    claim = bare(word)
    return values(known=known, names=(claim,)).get(claim) in wanted
