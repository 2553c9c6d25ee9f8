"""Key sets that relying parties publish at `jwks_uri`: fetched when they are due, and at hand in between.

A key set is fetched again when its time is over, and at once when a message names a key that it does not hold, but not
more often than every half a minute. Where its owner does not answer, what was fetched before serves on for a while,
and never for ever. While one thread fetches, the others go on with what is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import structlog

from idp import clock
from idp.errors import OutboundError
from idp.relying_parties.metadata_messages import certificates_in
from keys import JoseRefused, KeysError, parse_encryption_keys, parse_jwks

if TYPE_CHECKING:
    from idp.outbound import OutboundClient
    from idp.relying_parties.client import RelyingParty
    from idp.relying_parties.profiles import Profile
    from keys import EncryptionKey, VerificationKey

USUAL_SECONDS = 300
SHORTEST_SECONDS = 60
LONGEST_SECONDS = 3600
AGAIN_SECONDS = 30
"""How soon a key set is fetched again that did not come, or that does not hold a key that a message names."""
LAST_SECONDS = 2 * 3600
"""How long a key set serves at most after it was fetched."""
MOST_KEPT = 10_000

log = structlog.get_logger("sen")


@dataclass(frozen=True, slots=True)
class KeySet:
    """What a key set holds for us: keys for signatures and for encryption, and thumbprints of certificates."""

    keys: tuple[VerificationKey, ...] = ()
    encryption_keys: tuple[EncryptionKey, ...] = ()
    certificates: frozenset[str] = frozenset()


NOTHING = KeySet()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A key set at hand. Instants are in seconds since 1970; `renewed_at` is when a key that was missing was sought."""

    uri: str
    key_set: KeySet
    fetched_at: float
    due_at: float
    renewed_at: float


def read_key_set(document: Any, *, profile: Profile) -> KeySet:
    """Read a key set; what is not for us is passed over, what is weak or private refuses all of it.

    Raises:
        KeysError: malformed, too many keys, a private or weak key.

    Source: RFC 7517 section 5.
    """
    if not isinstance(document, dict):
        raise JoseRefused("key set: an object is needed")
    return KeySet(
        keys=tuple(key for key in parse_jwks(document) if key.alg in profile.algorithms),
        encryption_keys=parse_encryption_keys(document),
        certificates=frozenset(filter(None, certificates_in(document))),
    )


class KeySets:
    """The key sets of this process."""

    def __init__(self, *, outbound: OutboundClient) -> None:
        """Keep by whom they are fetched."""
        self._outbound = outbound
        self._kept: dict[str, _Kept] = {}
        self._fetching: dict[str, Lock] = {}

    def fill(self, client: RelyingParty) -> RelyingParty:
        """Return the relying party with the keys of its key set; without any where the set cannot be had."""
        kept = self._at_hand(client)
        if kept is None or clock.now().timestamp() >= kept.due_at:
            kept = self._fetch(client, at_hand=kept)
        return _with(client, kept)

    def renew(self, client: RelyingParty) -> RelyingParty | None:
        """Return the relying party with keys fetched anew, because one is missing; None where it is too soon."""
        kept, now = self._at_hand(client), clock.now().timestamp()
        if kept is not None and now - kept.renewed_at < AGAIN_SECONDS:
            return None
        if kept is not None:
            kept = self._kept[client.client_id] = replace(kept, renewed_at=now, due_at=now)
        return _with(client, self._fetch(client, at_hand=kept))

    def _at_hand(self, client: RelyingParty) -> _Kept | None:
        kept = self._kept.get(client.client_id)
        if kept is None or kept.uri != client.jwks_uri:
            return None
        return kept if clock.now().timestamp() - kept.fetched_at < LAST_SECONDS else None

    def _fetch(self, client: RelyingParty, *, at_hand: _Kept | None) -> _Kept | None:
        """Fetch once, whoever else waits for the same; who has something at hand does not wait."""
        if len(self._kept) > MOST_KEPT:
            self._kept.clear()
            self._fetching.clear()
        lock = self._fetching.setdefault(client.client_id, Lock())
        if not lock.acquire(blocking=at_hand is None):
            return at_hand
        try:
            current = self._at_hand(client)
            if current is None or clock.now().timestamp() >= current.due_at:
                current = self._kept[client.client_id] = self._fetched(client, former=current)
            return current
        finally:
            lock.release()

    def _fetched(self, client: RelyingParty, *, former: _Kept | None) -> _Kept:
        uri, renewed_at = client.jwks_uri or "", former.renewed_at if former else 0.0
        try:
            fetched = self._outbound.fetch_json(uri)
            key_set = read_key_set(fetched.value, profile=client.profile)
        except (OutboundError, KeysError) as error:
            log.warning("key set not fetched", client_id=client.client_id, detail=f"{error} {_detail(error)}".strip())
            now = clock.now().timestamp()
            former = former or _Kept(uri, NOTHING, fetched_at=now, due_at=now, renewed_at=renewed_at)
            return replace(former, due_at=now + AGAIN_SECONDS)
        now = clock.now().timestamp()
        good_for = USUAL_SECONDS if fetched.max_age is None else fetched.max_age
        due_at = now + min(max(good_for, SHORTEST_SECONDS), LONGEST_SECONDS)
        return _Kept(uri, key_set, fetched_at=now, due_at=due_at, renewed_at=renewed_at)


def _with(client: RelyingParty, kept: _Kept | None) -> RelyingParty:
    found = kept.key_set if kept is not None else NOTHING
    return replace(client, keys=found.keys, encryption_keys=found.encryption_keys, certificates=found.certificates)


def _detail(error: Exception) -> str:
    return error.detail if isinstance(error, OutboundError) else ""
