"""The claims parameter: which claims a relying party asks for one by one, where it wants them, and with which values.

Asked names are kept as words. `verified:name` is the claim as a part of the first `verified_claims` that was asked for,
`verified1:name` of the second; any other word is a claim of CLAIMS. What the first is to say of its verification is
kept as it was asked, under `verification`, and becomes words such as `verification:evidence.type` with the code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from idp import clock
from idp.errors import InvalidRequest
from idp.protocol.claims import CLAIMS, VERIFICATION, VERIFIED
from idp.protocol.claims.verification import available, check_spec, fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idp.settings.rooms import Register

LONGEST_CLAIMS = 4096
MOST_VERIFIED = 5
VERIFIED_CLAIMS = "verified_claims"

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimsParameter:
    """The parameter, taken apart (OpenID Connect Core section 5.5, Identity Assurance 1.0 section 5.3).

    `userinfo` and `id_token` hold asked words; `wanted` maps each place's words to the values that are acceptable,
    and `verification`, `verification1` to the checked spec. `acr` and `sub` are the specs of these in `id_token`.
    """

    userinfo: tuple[str, ...] = ()
    id_token: tuple[str, ...] = ()
    wanted: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    acr: Spec = field(default_factory=dict)
    sub: Spec = field(default_factory=dict, repr=False)


def read(text: str | None, *, register: Register) -> ClaimsParameter:
    """Read the parameter.

    Raises:
        InvalidRequest: not an object of objects, or a spec that is none.

    Source: OpenID Connect Core section 5.5, OpenID Connect for Identity Assurance 1.0 sections 5.3 to 5.6.
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
    wanted: dict[str, dict[str, Any]] = {}
    asked: dict[str, tuple[str, ...]] = {}
    for place in ("userinfo", "id_token"):
        places[place] = _members(parsed.get(place), where=place)
        acceptable: dict[str, Any] = {}
        asked[place] = tuple(_words(places[place], wanted=acceptable, where=place, register=register))
        if acceptable:
            wanted[place] = acceptable
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


def _words(members: Spec, *, wanted: Spec, where: str, register: Register) -> Iterator[str]:
    for name, spec in members.items():
        if name == VERIFIED_CLAIMS:
            yield from _verified(spec, wanted=wanted, where=f"{where}.{VERIFIED_CLAIMS}", register=register)
        elif name in CLAIMS:
            _want(name, spec, wanted=wanted, where=where)
            yield name


def _want(word: str, spec: Spec | None, *, wanted: Spec, where: str) -> None:
    """Keep the values that are asked for (OpenID Connect Core section 5.5.1); of ours nothing tells its own age."""
    if spec and "max_age" in spec and word not in CLAIMS:
        wanted[word] = []
        return
    if not spec or not {"value", "values"} & spec.keys():
        return
    values = spec.get("values", [spec.get("value")])
    if not isinstance(values, list):
        raise InvalidRequest(f"claims.{where}: values is a list.")
    wanted[word] = [value for value in values if value == spec.get("value", value)]


def _verified(value: Any, *, wanted: Spec, where: str, register: Register) -> Iterator[str]:
    """Return the words of each of the asked `verified_claims` that can be given, and keep what it restricts.

    One that nobody here could be given is left out now, so that no citizen is asked for it.

    Source: OpenID Connect for Identity Assurance 1.0 section 5.6.
    """
    entries = value if isinstance(value, list) else [value]
    if not entries or len(entries) > MOST_VERIFIED:
        raise InvalidRequest(f"claims.{where} is an object, or a list of at most {MOST_VERIFIED}.")
    ours = available(register=register)
    for place, entry in enumerate(entries):
        verification, claims = _entry(entry, where=where)
        if not fits(verification, ours, now=clock.now()):
            continue
        number = str(place or "")
        wanted[VERIFICATION + number] = verification
        for name, spec in claims.items():
            if name in CLAIMS:
                word = f"{VERIFIED}{number}:{name}"
                _want(word, spec, wanted=wanted, where=where)
                yield word


def _entry(entry: Any, *, where: str) -> tuple[Spec, Spec]:
    """Return the two halves of one entry; both must be there, and something must be asked for."""
    if not isinstance(entry, dict):
        raise InvalidRequest(f"claims.{where} is an object, or a list of objects.")
    verification, claims = entry.get("verification"), entry.get("claims")
    if not isinstance(verification, dict) or "trust_framework" not in verification:
        raise InvalidRequest(f"claims.{where}.verification.trust_framework is missing.")
    if not isinstance(claims, dict) or not claims:
        raise InvalidRequest(f"claims.{where}.claims names at least one claim.")
    checked = [*claims.values(), *(verification.get(name) for name in ("trust_framework", "time", "assurance_level"))]
    if any(not isinstance(spec, dict | None) for spec in checked):
        raise InvalidRequest(f"claims.{where} maps each member to null or an object.")
    evidence = verification.get("evidence")
    if evidence is not None and not (isinstance(evidence, list) and all(isinstance(one, dict) for one in evidence)):
        raise InvalidRequest(f"claims.{where}.verification.evidence is a list of objects.")
    check_spec(verification, where=f"{where}.verification")
    return verification, claims
