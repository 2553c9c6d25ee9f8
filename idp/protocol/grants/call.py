"""What a grant is called with, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.ephemeral import Claim, Count
from idp.errors import InvalidClient, SlowDown
from idp.protocol.client_auth.proof import METHODS_SHARED_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.ephemeral import Step
    from idp.protocol.client_auth import Proof
    from idp.protocol.provider import Provider

MINUTE = 60


@dataclass(frozen=True, slots=True)
class GrantCall:
    """One token request: the form as it came, who proved to have sent it, and the one instant that it happens at."""

    form: Mapping[str, str]
    proof: Proof
    provider: Provider
    now: datetime


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A successful answer (RFC 6749 section 5.1)."""

    members: Mapping[str, Any]


def spend(*, proof: Proof, provider: Provider, steps: tuple[Step, ...] = ()) -> list[Any]:
    """Run a request's one wave: the limit is counted, the assertion marked, and `steps` are taken with them.

    Returns the replies to `steps`. What was taken stays taken when the rest is refused.

    Raises:
        SlowDown: this relying party sends more than its limit.
        InvalidClient: the assertion was used before, or is from before the memory of replays is known to be whole,
            so that it cannot be told from one that was.
        TemporarilyUnavailable: the memory does not answer.
    """
    counter = Count(f"rate:{proof.client.client_id}", MINUTE)
    marks = () if proof.replay_key is None else (Claim(proof.replay_key, proof.replay_seconds),)
    replies = provider.ephemeral.wave(counter, *marks, *steps)
    if replies[0] > provider.settings.limits.requests_per_client:
        raise SlowDown("Too many requests from this relying party; wait a minute.")
    if marks:
        claimed = replies[1]
        if not claimed.first:
            raise InvalidClient(METHODS_SHARED_TEXT, detail="assertion replayed")
        if proof.issued_at <= claimed.since:
            raise InvalidClient(METHODS_SHARED_TEXT, detail="assertion older than the memory of replays")
    elif proof.client.authentication_method == "private_key_jwt":
        raise InvalidClient(METHODS_SHARED_TEXT, detail="no replay mark")
    return replies[1 + len(marks) :]
