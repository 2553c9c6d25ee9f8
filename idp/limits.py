"""LIMITS: what is counted, per whom, how many, how long. Counted before it is checked, so parallel tries all count.

Counts live in the memory that expires; where that does not answer, the request fails (closed) rather than uncounted.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Literal

from idp.ephemeral import Count
from idp.errors import TooManyAttempts

if TYPE_CHECKING:
    from idp.settings import Limits

MINUTE = 60
IPV6_PREFIX = 64
MAPPED = "::ffff:"
EVERYWHERE_FACTOR = 200

Per = Literal["account", "prefix", "everywhere"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: which setting says how many, and in which window."""

    per: Per
    most: str
    window: str | int
    factor: int = 1


LIMITS: dict[str, tuple[Limit, ...]] = {
    "page": (Limit("prefix", "requests_per_prefix", MINUTE),),
    "activation": (
        Limit("account", "per_account", "window_seconds"),
        Limit("prefix", "per_prefix", "window_seconds"),
        Limit("everywhere", "per_prefix", "window_seconds", EVERYWHERE_FACTOR),
    ),
    # A passkey has no limit per account: who fails on somebody's behalf must not keep that somebody out.
    "passkey": (Limit("prefix", "requests_per_prefix", MINUTE),),
}


def prefix_of(address: str) -> str:
    """Return what stands for a subscriber: the address in IPv4, the /64 in IPv6."""
    text = address.lower().removeprefix(MAPPED)
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        pass
    try:
        network = int(IPv6Address(text)) >> (128 - IPV6_PREFIX)
    except AddressValueError:
        return "elsewhere"
    return f"{network:x}/{IPV6_PREFIX}"


def steps(name: str, *, settings: Limits, address: str, account: str = "") -> tuple[Count, ...]:
    """Return the steps that count one attempt; `account` is a hash, never a number."""
    subjects: dict[Per, str] = {"account": account, "prefix": prefix_of(address), "everywhere": "*"}
    return tuple(
        Count(f"limit:{name}:{limit.per}:{subjects[limit.per]}", _window(limit, settings)) for limit in LIMITS[name]
    )


def check(name: str, counts: list[int], *, settings: Limits) -> None:
    """Compare counts with their limits.

    Raises:
        TooManyAttempts: one is over.
    """
    for limit, count in zip(LIMITS[name], counts, strict=True):
        if count > getattr(settings, limit.most) * limit.factor:
            raise TooManyAttempts(
                "Too many attempts.", wait_seconds=_window(limit, settings), detail=f"{name} {limit.per}"
            )


def _window(limit: Limit, settings: Limits) -> int:
    return limit.window if isinstance(limit.window, int) else int(getattr(settings, limit.window))
