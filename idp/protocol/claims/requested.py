"""The claims parameter: which claims a relying party asks for one by one, where it wants them, and with which values.

Asked names are kept as words. `verified:name` is the claim as a part of `verified_claims`, `verification:time` a
member of its `verification`; any other word is a claim of CLAIMS.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from idp.errors import InvalidRequest
from idp.protocol.claims import CLAIMS, VERIFICATION, VERIFIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST_CLAIMS = 4096
MOST_VERIFIED = 5
VERIFIED_CLAIMS = "verified_claims"
EVIDENCE_TYPE = "electronic_record"
ASKED_OF_VERIFICATION = ("time", "assurance_level", "evidence")

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimsParameter:
    """The parameter, taken apart (OpenID Connect Core section 5.5, Identity Assurance 1.0 section 6).

    `userinfo` and `id_token` hold asked words; `wanted` maps each place's words to the values that are acceptable,
    or, for `verification:time`, to the greatest age in seconds. `acr` and `sub` are the specs of these in `id_token`.
    """

    userinfo: tuple[str, ...] = ()
    id_token: tuple[str, ...] = ()
    wanted: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict, repr=False)
    acr: Spec = field(default_factory=dict)
    sub: Spec = field(default_factory=dict, repr=False)


def read(text: str | None, *, trust_framework: str) -> ClaimsParameter:
    """Read the parameter.

    Raises:
        InvalidRequest: not an object of objects, or a spec that is none.

    Source: OpenID Connect Core section 5.5, OpenID Connect for Identity Assurance 1.0 section 6.
    """
    if text is None:
        return ClaimsParameter()
    try:
        parsed = orjson.loads(text) if len(text) <= LONGEST_CLAIMS else None
        orjson.dumps(parsed)  # what lies deeper than this could not be kept
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        parsed = None
    if not isinstance(parsed, dict):
        raise InvalidRequest(f"claims is a JSON object of at most {LONGEST_CLAIMS} characters.")
    places: dict[str, Spec] = {}
    wanted: dict[str, dict[str, list[Any]]] = {}
    asked: dict[str, tuple[str, ...]] = {}
    for place in ("userinfo", "id_token"):
        places[place] = _members(parsed.get(place), where=place)
        fits: dict[str, list[Any]] = {}
        asked[place] = tuple(_words(places[place], wanted=fits, where=place, trust_framework=trust_framework))
        if fits:
            wanted[place] = fits
    return ClaimsParameter(
        userinfo=asked["userinfo"],
        id_token=asked["id_token"],
        wanted=wanted,
        acr=places["id_token"].get("acr") or {},
        sub=places["id_token"].get("sub") or {},
    )


def _members(value: Any, *, where: str) -> Spec:
    """Return an object's members; null is an object without any."""
    members = {} if value is None else value
    if not isinstance(members, dict):
        raise InvalidRequest(f"claims.{where} maps each claim to null or an object.")
    for name, spec in members.items():
        if name != VERIFIED_CLAIMS and not isinstance(spec, dict | None):
            raise InvalidRequest(f"claims.{where} maps each claim to null or an object.")
    return members


def _words(members: Spec, *, wanted: dict[str, list[Any]], where: str, trust_framework: str) -> Iterator[str]:
    for name, spec in members.items():
        if name == VERIFIED_CLAIMS:
            yield from _verified(spec, wanted=wanted, where=where, trust_framework=trust_framework)
        elif name in CLAIMS:
            _want(name, spec, wanted=wanted, where=where)
            yield name


def _want(word: str, spec: Spec | None, *, wanted: dict[str, list[Any]], where: str) -> None:
    """Keep the values that are asked for (OpenID Connect Core section 5.5.1)."""
    values = _acceptable(spec, where=where)
    if values is not None:
        wanted[word] = values


def _acceptable(spec: Spec | None, *, where: str) -> list[Any] | None:
    if not spec or not {"value", "values"} & spec.keys():
        return None
    values = spec.get("values", [spec.get("value")])
    if not isinstance(values, list):
        raise InvalidRequest(f"claims.{where}: values is a list.")
    return values


def _verified(value: Any, *, wanted: dict[str, list[Any]], where: str, trust_framework: str) -> Iterator[str]:
    """Return the words of the first of the asked `verified_claims` that can be given (Identity Assurance 6.1)."""
    entries = value if isinstance(value, list) else [value]
    if not entries or len(entries) > MOST_VERIFIED:
        raise InvalidRequest(f"claims.{where}.verified_claims is an object, or a list of at most {MOST_VERIFIED}.")
    found: list[list[str]] = []
    for entry in entries:
        verification, claims = _entry(entry, where=where)
        if not found and _can_be_given(verification, where=where, trust_framework=trust_framework):
            words = [VERIFIED + name for name in claims if name in CLAIMS]
            for name in claims:
                _want(VERIFIED + name, claims[name], wanted=wanted, where=where)
            words += _of_verification(verification, wanted=wanted, where=where)
            found.append(words)
    yield from (found[0] if found else ())


def _entry(entry: Any, *, where: str) -> tuple[Spec, Spec]:
    """Return the two halves of one entry; both must be there, and something must be asked for."""
    if not isinstance(entry, dict):
        raise InvalidRequest(f"claims.{where}.verified_claims is an object, or a list of objects.")
    verification, claims = entry.get("verification"), entry.get("claims")
    if not isinstance(verification, dict) or "trust_framework" not in verification:
        raise InvalidRequest(f"claims.{where}.verified_claims.verification.trust_framework is missing.")
    if not isinstance(claims, dict) or not claims:
        raise InvalidRequest(f"claims.{where}.verified_claims.claims names at least one claim.")
    checked = [*claims.values(), *(verification.get(name) for name in ("trust_framework", "time", "assurance_level"))]
    if any(not isinstance(spec, dict | None) for spec in checked):
        raise InvalidRequest(f"claims.{where}.verified_claims maps each member to null or an object.")
    return verification, claims


def _can_be_given(verification: Spec, *, where: str, trust_framework: str) -> bool:
    """Tell whether our one trust framework and our one kind of evidence are among what is asked for."""
    frameworks = _acceptable(verification["trust_framework"], where=where)
    if frameworks is not None and trust_framework not in frameworks:
        return False
    evidence = verification.get("evidence")
    if evidence is None:
        return True
    if not isinstance(evidence, list) or not all(isinstance(one, dict) for one in evidence):
        raise InvalidRequest(f"claims.{where}.verified_claims.verification.evidence is a list of objects.")
    kinds = [
        _acceptable(one.get("type"), where=where) if isinstance(one.get("type"), dict) else None for one in evidence
    ]
    return not evidence or any(kind is None or EVIDENCE_TYPE in kind for kind in kinds)


def _of_verification(verification: Spec, *, wanted: dict[str, list[Any]], where: str) -> Iterator[str]:
    """Return which members of `verification` are asked for beyond the trust framework."""
    for name in ASKED_OF_VERIFICATION:
        if name not in verification:
            continue
        spec = verification[name]
        yield VERIFICATION + name
        if name == "assurance_level":
            _want(VERIFICATION + name, spec, wanted=wanted, where=where)
        if name == "time" and spec and "max_age" in spec:
            if type(spec["max_age"]) is not int or spec["max_age"] < 0:
                raise InvalidRequest(f"claims.{where}.verified_claims: max_age is a number of seconds.")
            wanted[VERIFICATION + name] = [spec["max_age"]]
