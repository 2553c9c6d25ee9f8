"""Reads registered metadata with its types, and keeps every problem instead of stopping at the first."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from idp.relying_parties.client import LOOPBACK_HOSTS
from idp.relying_parties.profiles import PROFILES, WEB_ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.relying_parties.profiles import Profile
    from idp.settings import Settings

LONGEST_URI = 2048
FORBIDDEN = frozenset(' \\\t\r\n"<>^`{|}*')
AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""Host and port in letters that mean nothing in a policy of ours (CSP Level 3 section 2.3.1)."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What every registration here is held against; `signing` are the algorithms that our own keys are for."""

    known_purposes: frozenset[str]
    allow_loopback: bool = False
    signing: frozenset[str] = WEB_ALGORITHMS

    @classmethod
    def of(cls, settings: Settings, *, known_purposes: frozenset[str]) -> Self:
        """Take what the settings say."""
        return cls(known_purposes, settings.outbound.allow_loopback, frozenset(settings.keys.algorithms))

    def profile(self, name: str) -> Profile:
        """Return a profile of PROFILES; its usual algorithm is ES256 where we have no key for the one in the table."""
        found = PROFILES[name]
        return found if found.default_algorithm in self.signing else replace(found, default_algorithm="ES256")


class Reader:
    """Metadata (RFC 7591 section 2) and what was found to be wrong with it, in plain words."""

    def __init__(self, metadata: Mapping[str, Any], *, profile: Profile, deployment: Deployment) -> None:
        """Keep the members, and the rules that they are read by."""
        self.metadata = metadata
        self.profile = profile
        self.deployment = deployment
        self.problems: list[str] = []

    @property
    def signing(self) -> frozenset[str]:
        """The algorithms that this relying party may have our answers signed with."""
        return self.profile.algorithms & self.deployment.signing

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        value = self.metadata.get(name, default)
        if isinstance(value, str):
            return value
        self.problems.append(f"{name}: a text is needed")
        return default

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.metadata.get(name, list(default))
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.problems.append(f"{name}: a list of texts is needed")
        return default

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.metadata.get(name, False)
        if isinstance(value, bool):
            return value
        self.problems.append(f"{name}: true or false is needed")
        return False

    def one_of(self, name: str, allowed: frozenset[str], default: str = "") -> str:
        """Return a text that is among the allowed ones, or the default."""
        value = self.text(name, default)
        if name in self.metadata and value not in allowed:
            self.problems.append(f"{name}: one of {', '.join(sorted(allowed))}")
        return value

    def tagged(self, name: str, source: Mapping[str, Any]) -> dict[str, str]:
        """Collect `name`, `name#vi`, `name#en` (RFC 7591 section 2.2)."""
        found = {
            key.partition("#")[2] or "vi": value
            for key, value in source.items()
            if key.partition("#")[0] == name and isinstance(value, str) and value.strip()
        }
        if not found:
            self.problems.append(f"{name}: a text for people is needed, {name}#vi and {name}#en at best")
        return found

    def address(self, name: str) -> str | None:
        """Return an address that is fit to be called or shown; None where there is none."""
        uri = self.text(name)
        problem = uri_problem(uri, profile=self.profile, allow_loopback=self.deployment.allow_loopback) if uri else None
        if problem:
            self.problems.append(f"{name}: {uri[:100]!r} {problem}")
            return None
        return uri or None


def origin_of(uri: str) -> tuple[str, str] | None:
    """Return scheme and authority of an address; None where it is none."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    return parts.scheme, parts.netloc


def uri_problem(uri: str, *, profile: Profile, allow_loopback: bool) -> str | None:
    """Say what is wrong with a registered redirect address, or None (RFC 9700 sections 2.1 and 4.1.3)."""
    if len(uri) > LONGEST_URI or not uri.isascii() or FORBIDDEN & set(uri) or not uri.isprintable():
        return "has characters that do not belong into a redirect address, or is too long"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if "#" in uri or not AUTHORITY.fullmatch(parts.netloc) or not host or port == 0:
        return "has a fragment, a user name or no host"
    loopback = any(uri.startswith((f"http://{host}/", f"http://{host}:")) for host in LOOPBACK_HOSTS)
    by_name = parts.scheme == "http" and host == "localhost"
    if (loopback and (profile.loopback_redirect or allow_loopback)) or (by_name and allow_loopback):
        return None
    if parts.scheme != "https":
        return "is not https"
    return None if allow_loopback or _is_name(host) else "has a number or this machine for a host, and no name"


def _is_name(host: str) -> bool:
    """Tell whether a host is a name that others can find: no number in any of its forms, and not this machine."""
    last = host.rstrip(".").rpartition(".")[2]
    return ":" not in host and not last[:1].isdigit() and last != "localhost"
