"""The `verification` element: all that can be said there, what a request restricts it to, and what of it was asked for.

A spec is null, an object of members and restrictions, or a list of such objects of which one has to fit. What was asked
for is kept as paths, `evidence.record.type`, because they outlive the request.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from idp.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from idp.settings.rooms import Register

EVIDENCE_TYPE = "electronic_record"
RECORD_TYPE = "population_register"
DEEPEST = 8
SPECIAL = frozenset({"value", "values", "max_age", "essential"})
"""Members of a spec that name no element (OpenID Connect Core section 5.5.1, Identity Assurance 1.0 section 5.5)."""

REQUIRED: Mapping[str, str] = {
    "": "trust_framework",
    "evidence.": "type",
    "evidence.record.": "type",
    "evidence.record.source.": "name",
}
"""What an element is not valid without; nobody needs to ask for it (Identity Assurance schema, section 5.4)."""

LATER: Final = object()
"""Stands for what depends on the citizen, as long as nobody has logged in; it fits every restriction."""


def available(
    *, register: Register, assurance_level: object = LATER, confirmed_at: datetime | object | None = LATER
) -> dict[str, Any]:
    """Return all that can be said of how the register verified a citizen.

    Source: OpenID Identity Assurance Schema Definition 1.0 section 5.4.
    """
    time = confirmed_at
    if isinstance(confirmed_at, datetime):
        time = confirmed_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    source = {"name": register.name_en, "country_code": register.country_code}
    evidence = {"type": EVIDENCE_TYPE, "record": {"type": RECORD_TYPE, "source": source}}
    said = {"trust_framework": register.trust_framework, "assurance_level": assurance_level}
    if time is None:
        return {**said, "evidence": [evidence]}
    return {**said, "time": time, "evidence": [{**evidence, "time": time}]}


def check_spec(spec: Any, *, where: str, depth: int = 0) -> None:
    """Check that a spec can be understood, whatever it names.

    Raises:
        InvalidRequest: it is deeper than any honest one, or a restriction has no meaning.
    """
    if depth > DEEPEST:
        raise InvalidRequest(f"claims.{where} is nested too deep.")
    if isinstance(spec, dict):
        if not isinstance(spec.get("values", []), list):
            raise InvalidRequest(f"claims.{where}: values is a list.")
        age = spec.get("max_age", 0)
        if not isinstance(age, int | float) or isinstance(age, bool) or age < 0:
            raise InvalidRequest(f"claims.{where}: max_age is a number of seconds.")
    for _, inner in _inner(spec):
        check_spec(inner, where=where, depth=depth + 1)


def fits(spec: Any, found: Any, *, now: datetime) -> bool:
    """Tell whether what is `found` is as a checked spec wants it; what nobody knows fits no restriction.

    Source: OpenID Connect for Identity Assurance 1.0 sections 5.4, 5.5 and 5.7.4.
    """
    if isinstance(spec, list):
        elements = found if isinstance(found, list) and found else [None]
        return not spec or any(fits(one, element, now=now) for one in spec for element in elements)
    if not isinstance(spec, dict):
        return True
    members = found if isinstance(found, dict) else {}
    return _meets(spec, found, now=now) and all(fits(inner, members.get(name), now=now) for name, inner in _inner(spec))


def asked_paths(spec: Any, found: Any, *, now: datetime, path: str = "") -> Iterator[str]:
    """Return the paths of what a spec that fits asks for; one without members asks for the whole.

    Source: OpenID Connect for Identity Assurance 1.0 section 5.4.
    """
    if isinstance(found, dict):
        wanted = dict(_inner(spec)) if isinstance(spec, dict) else {}
        for name, value in found.items():
            if not wanted or name in wanted or name == REQUIRED.get(path):
                yield from asked_paths(wanted.get(name), value, now=now, path=f"{path}{name}.")
    elif isinstance(found, list):
        filters = spec if isinstance(spec, list) else [spec]
        matches = ((one, each) for one in filters for each in found if fits(one, each, now=now))
        for one, each in matches:
            yield from asked_paths(one, each, now=now, path=path)
    else:
        yield path.removesuffix(".")


def chosen(found: Mapping[str, Any], *, paths: Collection[str], path: str = "") -> dict[str, Any]:
    """Return what of `found` lies at one of the paths."""
    said: dict[str, Any] = {}
    for name, value in found.items():
        here = f"{path}{name}"
        if isinstance(value, dict):
            said[name] = chosen(value, paths=paths, path=f"{here}.")
        elif isinstance(value, list):
            said[name] = [part for one in value if (part := chosen(one, paths=paths, path=f"{here}."))]
        elif here in paths:
            said[name] = value
    return {name: value for name, value in said.items() if value not in ({}, [])}


def _inner(spec: Any) -> Iterator[tuple[str, Any]]:
    """Return the specs inside of a spec; what is neither a restriction nor a spec is not understood, and ignored."""
    if isinstance(spec, list):
        yield from (("", one) for one in spec)
    elif isinstance(spec, dict):
        for name, inner in spec.items():
            if name not in SPECIAL and isinstance(inner, dict | list | None):
                yield name, inner


def _meets(spec: Mapping[str, Any], found: Any, *, now: datetime) -> bool:
    if found is LATER:
        return True
    if found is None:
        return not spec.keys() & {"value", "values", "max_age"}
    if ("value" in spec and found != spec["value"]) or ("values" in spec and found not in spec["values"]):
        return False
    return "max_age" not in spec or _is_younger(found, seconds=spec["max_age"], now=now)


def _is_younger(found: Any, *, seconds: float, now: datetime) -> bool:
    """Compare the age of an instant as `available` writes it; nothing else has an age."""
    try:
        at = datetime.fromisoformat(found)
    except (TypeError, ValueError):
        return False
    return at.tzinfo is not None and (now - at).total_seconds() <= seconds
