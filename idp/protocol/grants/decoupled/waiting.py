"""A request that waits for its citizen on another device: what is remembered of it, for how long, and in which steps.

Nothing here outlives the memory that forgets: losing it costs the request that waits, and nothing else. What the
citizen decided is written once, by whoever takes the right to decide; what the relying party may take, it takes once.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import orjson

from idp import clock
from idp.ephemeral import Drop, Read, Replace, Take, Write
from idp.protocol.records import AuthorizationRequest

if TYPE_CHECKING:
    from idp.ephemeral import Ephemeral, Step
    from idp.protocol.records import CodeRecord

Kind = Literal["device", "ciba"]
Status = Literal["waiting", "approved", "denied"]

SECRET_BYTES: Final = 32
REMEMBERED_SECONDS: Final = 600
"""For how long after its end a request is still told from one that never was."""

PACE_SECONDS: Final = 2 * REMEMBERED_SECONDS
"""For how long it is remembered when a relying party asked, and how long it is to wait."""

NOTICE_PURPOSE: Final = "ciba notice"
TAKEN_SECONDS: Final = 60
"""For how long at least what was approved can be taken: the last moment counts, too."""

SLOWER_SECONDS: Final = 5
GRACE_SECONDS: Final = 0.5
"""What the network may take off the time between two questions."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request and where it stands.

    `name` is its kind and the SHA-256 of the secret that the relying party holds (device_code, auth_req_id). `shown`
    is what the other device shows: the user code, or the binding message. `person` is the id of the citizen whom it is
    about, where the relying party named one. `sealed_notice` is what a ping needs, sealed. `ends_at` is in seconds
    since 1970.
    """

    name: str
    request: AuthorizationRequest
    ends_at: int
    interval: int
    shown: str | None = None
    person: str | None = None
    status: Status = "waiting"
    sealed_notice: str | None = None

    @property
    def kind(self) -> str:
        """Which of the grants it belongs to."""
        return self.name.partition(".")[0]

    @property
    def is_open(self) -> bool:
        """Whether a citizen may still answer."""
        return self.status == "waiting" and clock.epoch_seconds() < self.ends_at

    @property
    def is_over(self) -> bool:
        """Whether nothing of it can be taken any more, however long the memory keeps it."""
        return clock.epoch_seconds() >= self.ends_at + TAKEN_SECONDS

    def to_json(self) -> bytes:
        """Return the record as JSON."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read back what `to_json` wrote."""
        members: dict[str, Any] = orjson.loads(data)
        return cls(request=AuthorizationRequest.from_members(members.pop("request")), **members)


def new_secret() -> str:
    """Return what a relying party asks with, and nobody else knows: 256 bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def name_of(kind: Kind, secret: str) -> str:
    """Return the name of the request that a relying party holds the secret of; the secret is kept nowhere."""
    return f"{kind}.{hashlib.sha256(secret.encode()).hexdigest()}"


def _key(name: str, part: str) -> str:
    return f"wait:{{{name}}}:{part}"


def begin_steps(waiting: Waiting) -> tuple[Step, ...]:
    """Return the steps that let a request wait, and leave the right to decide about it, once."""
    seconds = waiting.ends_at - clock.epoch_seconds()
    return (
        Write(_key(waiting.name, "request"), waiting.to_json(), seconds + REMEMBERED_SECONDS),
        Write(_key(waiting.name, "open"), b"1", seconds),
        Write(_key(waiting.name, "seen"), b"0", PACE_SECONDS),
    )


def read(*, name: str, ephemeral: Ephemeral) -> Waiting | None:
    """Return a request, wherever it stands; None where it is forgotten."""
    (data,) = ephemeral.wave(Read(_key(name, "request")))
    return None if data is None else Waiting.from_json(data)


def find(*, name: str, ephemeral: Ephemeral) -> Waiting | None:
    """Return a request that can still be answered, or None."""
    found = read(name=name, ephemeral=ephemeral)
    return found if found is not None and found.is_open else None


def untaken(*, name: str, client_id: str, ephemeral: Ephemeral) -> Waiting | None:
    """Return a request of which a relying party may still want to hear; None where it is over, or has its tokens.

    What may be taken is written before the request says so: whoever reads in the same order misses nothing.
    """
    data, left = ephemeral.wave(Read(_key(name, "request")), Read(_key(name, f"for:{client_id}")))
    found = None if data is None else Waiting.from_json(data)
    if found is None or found.is_over or (found.status == "approved" and left is None):
        return None
    return found


def decide_step(name: str) -> Drop:
    """Return the step that takes the right to decide; its reply is whether it was there."""
    return Drop(_key(name, "open"))


def approved_steps(waiting: Waiting, *, record: CodeRecord) -> tuple[Step, ...]:
    """Return the steps that leave what the relying party may take, and only then say that it is there."""
    left = max(TAKEN_SECONDS, waiting.ends_at - clock.epoch_seconds())
    return (
        Write(_key(waiting.name, f"for:{record.client_id}"), orjson.dumps(record), left),
        _ended(waiting, status="approved"),
    )


def denied_step(waiting: Waiting) -> Step:
    """Return the step that says that the citizen said no."""
    return _ended(waiting, status="denied")


def expired_step(waiting: Waiting) -> Step:
    """Return the step that ends a request as if its time were over."""
    return _ended(replace(waiting, ends_at=clock.epoch_seconds()), status="waiting")


def _ended(waiting: Waiting, *, status: Status) -> Replace:
    left = max(1, waiting.ends_at - clock.epoch_seconds()) + REMEMBERED_SECONDS
    return Replace(_key(waiting.name, "request"), replace(waiting, status=status).to_json(), left)


@dataclass(frozen=True, slots=True)
class Polled:
    """What one question of a relying party found: the request, what may be taken (JSON), and when it asked before."""

    waiting: Waiting | None
    taken: bytes | None
    seen: float
    interval: int | None

    @property
    def is_too_fast(self) -> bool:
        """Whether the question before this one was less than the interval ago."""
        interval = self.interval or (self.waiting.interval if self.waiting else 0)
        return clock.now().timestamp() - self.seen < interval - GRACE_SECONDS


def poll_steps(*, name: str, client_id: str) -> tuple[Step, ...]:
    """Return the steps of one question; what is there for this relying party is taken by it.

    A question about a request that never was leaves nothing.
    """
    now = str(clock.now().timestamp()).encode()
    return (
        Read(_key(name, "request")),
        Take(_key(name, f"for:{client_id}")),
        Read(_key(name, "seen")),
        Replace(_key(name, "seen"), now, PACE_SECONDS),
        Read(_key(name, "interval")),
    )


def polled(replies: list[Any]) -> Polled:
    """Read the replies to `poll_steps`."""
    request, taken, seen, _written, interval = replies
    return Polled(
        waiting=None if request is None else Waiting.from_json(request),
        taken=taken,
        seen=float(seen or 0),
        interval=None if interval is None else int(interval),
    )


def slower_step(found: Polled, *, name: str) -> Step:
    """Return the step that makes every further question wait longer (RFC 8628 section 3.5)."""
    base = found.interval or (found.waiting.interval if found.waiting else 0)
    return Write(_key(name, "interval"), str(base + SLOWER_SECONDS).encode(), PACE_SECONDS)
