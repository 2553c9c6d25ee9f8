"""LIMITS: what is counted, per whom, how many, how long. Counted before it is checked, so parallel tries all count.

Counts live in the memory that expires; where that does not answer, the request fails (closed) rather than uncounted.
A memory that has lost its counts a moment ago would give everybody all of their tries anew: for as long as it is
younger than a window, a weak factor's limits are half of what they are, rounded up.
"""

from __future__ import annotations

import functools
import secrets
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, Literal

from idp import clock
from idp.ephemeral import Claim, Claimed, Count, Drop
from idp.errors import TooManyAttempts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idp.ephemeral import Step
    from idp.settings import Limits

MINUTE = 60
IPV6_PREFIX = 64
ADDRESSES_REMEMBERED = 4096
MAPPED = "::ffff:"
EVERYWHERE_FACTOR = 200
DEVICES_FACTOR = 2000
WHEN_FORGOTTEN = 2

WEAK = frozenset({"activation", "user_code"})
"""What can be guessed: a memory that forgot must not help with it."""

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
    "user_code": (  # right ones count too, and a whole country types them
        Limit("prefix", "per_prefix", "window_seconds"),
        Limit("everywhere", "per_prefix", "window_seconds", DEVICES_FACTOR),
    ),
    "registration": (Limit("prefix", "requests_per_prefix", MINUTE),),
    # A passkey has no limit per account: who fails on somebody's behalf must not keep that somebody out.
    "passkey": (Limit("prefix", "requests_per_prefix", MINUTE),),
}


@functools.lru_cache(maxsize=ADDRESSES_REMEMBERED)
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


def steps(name: str, *, settings: Limits, address: str, account: str = "") -> tuple[Step, ...]:
    """Return the steps that count one attempt; `account` is a hash, never a number."""
    subjects: dict[Per, str] = {"account": account, "prefix": prefix_of(address), "everywhere": "*"}
    counts = tuple(
        Count(_key(name, limit.per, subjects[limit.per]), _window(limit, settings)) for limit in LIMITS[name]
    )
    return (*counts, Claim(f"limit:{name}:{secrets.token_hex(8)}", 1)) if name in WEAK else counts


def forget(name: str, *, account: str) -> Drop:
    """Return the step that forgets an account's failures, and nothing else, once it has succeeded (LG-09)."""
    return Drop(_key(name, "account", account))


def check(name: str, replies: Sequence[Any], *, settings: Limits) -> None:
    """Compare the replies to `steps` with the limits.

    Raises:
        TooManyAttempts: one is over.
    """
    age = _age(replies)
    for limit, count in zip(LIMITS[name], replies, strict=False):
        window = _window(limit, settings)
        most = getattr(settings, limit.most) * limit.factor
        if count > (most if age >= window else most - most // WHEN_FORGOTTEN):
            raise TooManyAttempts("Too many attempts.", wait_seconds=window, detail=f"{name} {limit.per}")


def _age(replies: Sequence[Any]) -> float:
    """Return for how many seconds the memory is known to have forgotten nothing; endless where nobody asked."""
    claims = [reply for reply in replies if isinstance(reply, Claimed)]
    return clock.now().timestamp() - claims[0].since if claims else float("inf")


def _key(name: str, per: Per, subject: str) -> str:
    return f"limit:{name}:{per}:{subject}"


def _window(limit: Limit, settings: Limits) -> int:
    return limit.window if isinstance(limit.window, int) else int(getattr(settings, limit.window))
