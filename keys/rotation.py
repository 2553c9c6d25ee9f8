"""When a token-signing key moves to its next state, and the worker's hand that moves it.

    announced ----------> active -----------> retiring ----------> gone
      |  published for      |  signs for        |  verifies until     |  verifies nothing
      |  `head_start`       |  `active_seconds` |  all it signed died |
      +---------------------+---- revoked ------+-------------------->+

The rules are a pure function of the records and the instant. `rotate` carries out what is due, again and again:
every step is guarded by the store, so two workers at once do together what one would have done alone. What carries
out takes a clock and no instant: making a key can take seconds, and nobody sees it before it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from keys.errors import UnknownKey
from keys.store import KeyRecord, KeyStore, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from keys.custody import Custodian

# Rounds of one `rotate`: the moves of one round can make others due, never more than a life has states.
_MOST_ROUNDS: Final = 4
# Seconds that the clocks of two of our machines may differ by.
_CLOCK_SKEW: Final = 5


@dataclass(frozen=True, slots=True)
class RingSettings:
    """How a ring of token-signing keys lives. All spans are whole seconds.

    Attributes:
        algorithms: what relying parties may ask for; each has one active key.
        cache_seconds: how long anyone may keep a copy of our key set (its `max-age`).
        longest_token_seconds: how long the longest-lived signed token lives.
        active_seconds: how long a key signs.
        reload_seconds: how old a worker's copy of the keys may grow before it looks again.
        trust_seconds: how long a worker that cannot look may go on signing and verifying with its copy.
        custodian: the entry of CUSTODIANS that makes new keys.
    """

    algorithms: tuple[str, ...]
    cache_seconds: int
    longest_token_seconds: int
    active_seconds: int
    reload_seconds: int = 2
    trust_seconds: int = 5
    custodian: str = "software"

    @property
    def head_start(self) -> timedelta:
        """How long a key is published before it signs.

        A copy of the key set taken in the last moment before every worker knew of the key must have run out.
        """
        return timedelta(seconds=self.cache_seconds + self.trust_seconds + _CLOCK_SKEW)

    @property
    def afterlife(self) -> timedelta:
        """How long a key verifies after it was replaced: a worker may learn late, and its last token must live."""
        return timedelta(seconds=self.longest_token_seconds + self.trust_seconds + _CLOCK_SKEW)


@dataclass(frozen=True, slots=True)
class Move:
    """One step that is due. `kid` is None where a key has to be made; `from_state` then is None as well."""

    alg: str
    kid: str | None
    from_state: State | None
    state: State
    reason: str


def due_moves(records: Sequence[KeyRecord], *, settings: RingSettings, now: datetime) -> tuple[Move, ...]:
    """Return the steps that are due at `now`, in the order in which to take them.

    An algorithm without an active key (first start, or a revoked one) gets one at once: nobody can be helped by
    waiting. Otherwise a successor is announced one head start before the active key's time is over, signs when
    its head start is, and the key that it replaces is gone when the last of its tokens is.
    """
    offered = [move for alg in settings.algorithms for move in _moves_of_offered(alg, records, settings, now)]
    return (*offered, *_moves_of_others(records, settings, now))


def _moves_of_offered(alg: str, records: Sequence[KeyRecord], settings: RingSettings, now: datetime) -> Iterator[Move]:
    announced = next((one for one in records if one.alg == alg and one.state == "announced"), None)
    active = next((one for one in records if one.alg == alg and one.state == "active"), None)
    if active is None:
        kid, state = (None, None) if announced is None else (announced.kid, announced.state)
        yield Move(alg=alg, kid=kid, from_state=state, state="active", reason="no key of this algorithm was active")
    elif announced is None:
        ends = (active.active_at or active.announced_at) + timedelta(seconds=settings.active_seconds)
        if now >= ends - settings.head_start:
            yield Move(alg=alg, kid=None, from_state=None, state="announced", reason="the active key's time is ending")
    elif now >= announced.announced_at + settings.head_start:
        yield Move(
            alg=alg, kid=announced.kid, from_state="announced", state="active", reason="published for long enough"
        )


def _moves_of_others(records: Sequence[KeyRecord], settings: RingSettings, now: datetime) -> Iterator[Move]:
    for one in records:
        if one.state == "retiring" and now >= (one.retiring_at or one.announced_at) + settings.afterlife:
            yield _end(one, "gone", "everything that it signed has expired")
        elif one.alg not in settings.algorithms and one.state == "active":
            yield _end(one, "retiring", "its algorithm is no longer offered")
        elif one.alg not in settings.algorithms and one.state == "announced":
            yield _end(one, "gone", "its algorithm is no longer offered")


def _end(record: KeyRecord, state: State, reason: str) -> Move:
    return Move(alg=record.alg, kid=record.kid, from_state=record.state, state=state, reason=reason)


def rotate(
    *, store: KeyStore, custodians: Mapping[str, Custodian], settings: RingSettings, now: Callable[[], datetime]
) -> tuple[Move, ...]:
    """Take every step that is due and return those that were ours to take. Run it as often as you like.

    `now` tells the time: it is asked again once a key is made, and the head start runs from then.

    It must run before the first token is signed (first start), and after that at least every few seconds.
    """
    taken: list[Move] = []
    for _ in range(_MOST_ROUNDS):
        due = due_moves(store.all(), settings=settings, now=now())
        if not due:
            break
        taken += [move for move in due if _take(move, store=store, custodians=custodians, settings=settings, now=now)]
    return tuple(taken)


def rotate_now(
    *, store: KeyStore, custodians: Mapping[str, Custodian], settings: RingSettings, now: Callable[[], datetime]
) -> tuple[Move, ...]:
    """Announce a successor for every algorithm that has none announced; each signs when its head start is over."""
    taken = list(rotate(store=store, custodians=custodians, settings=settings, now=now))
    waiting = {one.alg for one in store.all() if one.state == "announced"}
    asked = [
        Move(alg=alg, kid=None, from_state=None, state="announced", reason="an operator asked for it")
        for alg in settings.algorithms
        if alg not in waiting
    ]
    taken += [move for move in asked if _take(move, store=store, custodians=custodians, settings=settings, now=now)]
    return tuple(taken)


def revoke(
    *,
    store: KeyStore,
    custodians: Mapping[str, Custodian],
    settings: RingSettings,
    kid: str,
    reason: str,
    now: Callable[[], datetime],
) -> tuple[Move, ...]:
    """End a key at once, and have another one sign in its place: what it signed stops verifying here.

    Relying parties that hold a copy of the key set trust it until that copy runs out; they may meet the successor
    before they know it. In an emergency both are right.

    Raises:
        UnknownKey: no key of this name, or it is gone already.
    """
    while True:
        record = next((one for one in store.all() if one.kid == kid and one.state != "gone"), None)
        if record is None:
            raise UnknownKey(f"no key {kid}, or it is gone")
        if store.move(kid=kid, expected_state=record.state, state="gone", at=now(), reason=reason):
            break
    return (
        _end(record, "gone", reason),
        *rotate(store=store, custodians=custodians, settings=settings, now=now),
    )


def _take(
    move: Move,
    *,
    store: KeyStore,
    custodians: Mapping[str, Custodian],
    settings: RingSettings,
    now: Callable[[], datetime],
) -> bool:
    if move.kid is None or move.from_state is None:
        new = custodians[settings.custodian].generate(alg=move.alg)
        made_at = now()
        record = KeyRecord(
            kid=new.kid,
            alg=move.alg,
            state=move.state,
            custodian=settings.custodian,
            sealed_private=new.sealed_private,
            public_jwk=new.public_jwk,
            announced_at=made_at,
            active_at=made_at if move.state == "active" else None,
        )
        return store.add(record)
    if move.state == "active":
        return store.promote(kid=move.kid, at=now(), reason=move.reason)
    return store.move(kid=move.kid, expected_state=move.from_state, state=move.state, at=now(), reason=move.reason)
