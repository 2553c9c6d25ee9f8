"""Twenty rotations, second by second, with relying parties that keep the key set for as long as they may."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from keys import (
    JwtRules,
    KeyRing,
    SignerUnknown,
    VerificationKey,
    parse_jwks,
    read_jwt,
    rotate,
    sign_jwt,
)
from tests.unit.keys.shelf import SETTINGS, Shelf, a_ring, after, at, some_custodians

if TYPE_CHECKING:
    from datetime import datetime

RULES = JwtRules(
    algorithms=frozenset(("ES256",)),
    typ=frozenset(("at+jwt",)),
    expected_issuer="https://sen.example",
    expected_audience="https://rs.example",
    required=("exp",),
    longest_lifetime=SETTINGS.longest_token_seconds,
    leeway=0,
)
ROTATIONS = 20


@dataclass(slots=True)
class Client:
    """A relying party that fetches the key set when its copy is too old, and never because a kid is unknown."""

    ring: KeyRing
    keeps_seconds: int
    phase: int
    copy: tuple[VerificationKey, ...] = field(default=())
    fetched: int | None = None

    def verify(self, token: str, *, second: int, now: datetime) -> None:
        """Read a token with the copy of the key set."""
        if self.fetched is None or second - self.fetched >= self.keeps_seconds:
            self.copy = parse_jwks(json.loads(self.ring.jwks(now=now).body))
            self.fetched = second - (self.phase if self.fetched is None else 0)
        read_jwt(token, rules=RULES, keys=self.copy, now=now)


def a_token(ring: KeyRing, *, now: datetime) -> str:
    """Sign a token that lives as long as any may."""
    seconds = int(now.timestamp())
    claims = {
        "iss": RULES.expected_issuer,
        "aud": RULES.expected_audience,
        "iat": seconds,
        "exp": seconds + SETTINGS.longest_token_seconds,
    }
    return sign_jwt(claims=claims, key=ring.signing_key("ES256", now=now), typ="at+jwt")


def live_through_rotations(*, keeps_seconds: int) -> int:
    """Run twenty rotations; every second two workers sign and clients verify. Return how many keys signed."""
    shelf, custodians, signers = Shelf(), some_custodians(), set[str]()
    rotate(store=shelf, custodians=custodians, settings=SETTINGS, now=at(0))
    workers = [a_ring(shelf), a_ring(shelf)]
    clients = [Client(workers[phase % 2], keeps_seconds, phase) for phase in range(0, keeps_seconds, 4)]
    under_way: list[tuple[int, str]] = []
    second = 0
    while len(signers) <= ROTATIONS:
        now = after(second)
        # The second worker of ours looks away most of the time, as a busy one does.
        signing = workers[0] if second % 3 else workers[1]
        token = a_token(signing, now=now)
        signers.add(signing.signing_key("ES256", now=now).kid)
        under_way.append((second + SETTINGS.longest_token_seconds - 1, token))
        for client in clients:
            client.verify(token, second=second, now=now)
        while under_way[0][0] <= second:
            clients[second % len(clients)].verify(under_way.pop(0)[1], second=second, now=now)
        if second % 2:
            rotate(store=shelf, custodians=custodians, settings=SETTINGS, now=at(second))
        second += 1
    return len(signers)


@pytest.mark.spec("ID-12", "RFC 7517 5")
def test_twenty_rotations_break_no_client_that_caches_the_key_set() -> None:
    assert live_through_rotations(keeps_seconds=SETTINGS.cache_seconds) == ROTATIONS + 1


def test_the_probe_does_notice_a_client_that_caches_for_too_long() -> None:
    with pytest.raises(SignerUnknown):
        live_through_rotations(keeps_seconds=SETTINGS.cache_seconds * 4)
