"""The part of registered metadata that is about other systems: resources asked for, resources served, exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

from idp.errors import SettingsError
from idp.relying_parties.client import ExchangePolicy
from idp.relying_parties.profiles import TOKEN_EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from idp.relying_parties.client import RelyingParty
    from idp.relying_parties.metadata_reader import Reader
    from idp.relying_parties.store import StoredClient

MEMBERS = frozenset({"resources_served", "exchange"})
POLICY = frozenset({"resources", "scopes"})
LONGEST_RESOURCE = 512


class Systems(TypedDict):
    """The fields of a relying party that are read here."""

    resources: tuple[str, ...]
    resources_served: tuple[str, ...]
    exchange: ExchangePolicy | None


def read_systems(read: Reader, *, grants: frozenset[str]) -> Systems:
    """Read all of it; problems are kept by the reader."""
    return {
        "resources": _resources(read, "resources"),
        "resources_served": _resources(read, "resources_served"),
        "exchange": _exchange(read, grants=grants),
    }


def _resources(read: Reader, name: str) -> tuple[str, ...]:
    """Return a list of resource identifiers: absolute addresses or names, without a fragment (RFC 8707 section 2)."""
    resources = read.texts(name)
    read.problems += [
        f"{name}: {one[:100]!r} is no absolute URI without a fragment" for one in resources if not _is_resource(one)
    ]
    return resources


def _exchange(read: Reader, *, grants: frozenset[str]) -> ExchangePolicy | None:
    """Read what tokens may be exchanged for: `exchange: {resources: [...], scopes: [...]}`."""
    policy = read.metadata.get("exchange")
    if (policy is not None) != (TOKEN_EXCHANGE in grants):
        read.problems.append(f"exchange: it and the grant {TOKEN_EXCHANGE} are registered together, or neither")
    if policy is None:
        return None
    if not isinstance(policy, dict) or set(policy) != POLICY:
        read.problems.append("exchange: {resources: [...], scopes: [...]} is needed")
        return None
    lists = [policy["resources"], policy["scopes"]]
    if not all(isinstance(one, list) and one and all(isinstance(text, str) for text in one) for one in lists):
        read.problems.append("exchange: resources and scopes are lists of texts, neither of them empty")
        return None
    read.problems += [
        f"exchange: {one[:100]!r} is no absolute URI without a fragment" for one in lists[0] if not _is_resource(one)
    ]
    return ExchangePolicy(resources=frozenset(lists[0]), scopes=frozenset(lists[1]))


def _is_resource(uri: str) -> bool:
    if not uri.isascii() or not uri.isprintable() or " " in uri or "#" in uri or len(uri) > LONGEST_RESOURCE:
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.scheme == "urn") and parts.username is None)


def check_among(client: RelyingParty, *, others: Iterable[StoredClient], known_types: frozenset[str]) -> None:
    """Check what a relying party alone cannot show: a resource has one server, a type stands in the registry.

    Raises:
        SettingsError: with every broken rule.
    """
    problems = [
        f"resources_served: {one} is served by {other.client_id} already"
        for other in others
        if other.ended_at is None and other.client_id != client.client_id
        for one in client.resources_served
        if one in other.metadata.get("resources_served", ())
    ]
    problems += [
        f"authorization_details_types: {one} is not in the registry of types"
        for one in client.details_types
        if one not in known_types
    ]
    if problems:
        raise SettingsError(tuple(problems))
