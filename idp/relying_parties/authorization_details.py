"""authorization_details as a relying party sends them: read, held to the registry of types, narrowed, never widened."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from consent import ONE_MATTER
from idp.errors import InvalidAuthorizationDetails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from idp.relying_parties.details_types import DetailsTypes

LONGEST = 4096
MOST_OBJECTS = 5
ITEM_PREFIX = ONE_MATTER
"""What an object is called in the ledger of consents: this, its type, and its hash."""

Details = list[dict[str, Any]]


def check(unverified: str, *, types: DetailsTypes, allowed: Sequence[str]) -> str:
    """Return what is asked for in the one spelling that equal requests share, as JSON.

    1. a JSON array of few objects, not long; 2. each of a type that is known and registered; 3. each with the members
    of its type, all that are required, no other, and every value one that the registry takes; 4. none twice.

    Raises:
        InvalidAuthorizationDetails: one of these does not hold.

    Source: RFC 9396 sections 2 and 5.
    """
    found = _read(unverified)  # 1
    for detail in found:
        _check_one(detail, types=types, allowed=allowed)  # 2, 3
    spelled = [canonical(detail) for detail in found]
    if len(set(spelled)) != len(spelled):  # 4
        raise InvalidAuthorizationDetails("authorization_details asks for the same thing twice.")
    return f"[{','.join(spelled)}]"


def narrowed(unverified: str, *, granted: str | None) -> str:
    """Return what a token request asks for, if all of it was agreed: fewer objects, or fewer values in their lists.

    Raises:
        InvalidAuthorizationDetails: it is more than what was agreed, or something else.

    Source: RFC 9396 section 6.
    """
    agreed: Details = orjson.loads(granted) if granted else []
    found = _read(unverified)
    if not all(any(_is_part(detail, of=one) for one in agreed) for detail in found):
        raise InvalidAuthorizationDetails("authorization_details may not be wider than what was agreed.")
    return f"[{','.join(canonical(detail) for detail in found)}]"


def item_of(detail: Mapping[str, Any], *, types: DetailsTypes) -> str:
    """Return what a checked object is called in the ledger of consents: the same object, the same name.

    The version of its type is part of it, so that another wording is asked again.
    """
    digest = hashlib.sha256(f"{types.types[detail['type']].version}\x00{canonical(detail)}".encode()).hexdigest()
    return f"{ITEM_PREFIX}{detail['type']}:{digest}"


def canonical(detail: Mapping[str, Any]) -> str:
    """Return an object in the one spelling that equal ones share."""
    return orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode()


def _read(unverified: str) -> Details:
    try:
        found = orjson.loads(unverified) if len(unverified) <= LONGEST else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not found or any(not isinstance(one, dict) for one in found):
        raise InvalidAuthorizationDetails(
            f"authorization_details is a JSON array of objects, at most {LONGEST} characters."
        )
    if len(found) > MOST_OBJECTS:
        raise InvalidAuthorizationDetails(f"authorization_details may hold {MOST_OBJECTS} objects.")
    return found


def _check_one(detail: Mapping[str, Any], *, types: DetailsTypes, allowed: Sequence[str]) -> None:
    kind = detail.get("type")
    known = types.types.get(kind) if isinstance(kind, str) and kind in allowed else None
    if known is None:
        raise InvalidAuthorizationDetails("A type in authorization_details is not known here, or not registered.")
    surplus = sorted(detail.keys() - known.members.keys() - {"type"})
    if surplus:
        raise InvalidAuthorizationDetails(f"{known.id} has a member that its type does not know.")
    for name, member in known.members.items():
        if name not in detail and member.required:
            raise InvalidAuthorizationDetails(f"{known.id}: {name} is missing.")
        if name in detail and not member.takes(detail[name]):
            raise InvalidAuthorizationDetails(f"{known.id}: {name} is not a value that its type takes.")


def _is_part(detail: Mapping[str, Any], *, of: Mapping[str, Any]) -> bool:
    """Tell whether an object asks for nothing but what another one holds: lists may be shorter, all else is equal."""
    return detail.keys() == of.keys() and all(_is_within(detail[name], value) for name, value in of.items())


def _is_within(asked: Any, agreed: Any) -> bool:
    if isinstance(agreed, list):
        return isinstance(asked, list) and 0 < len(asked) <= len(agreed) and all(one in agreed for one in asked)
    return type(asked) is type(agreed) and bool(asked == agreed)
