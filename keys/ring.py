"""The token-signing keys as one worker sees them: which one signs, which ones verify, and the published key set.

The ring reads the store at most every `reload_seconds` and answers from its copy in between, so a request costs
a look at the clock. When the store is silent the published key set stays up for hours, for it is public and a
client that cannot fetch it cannot verify anything; signing and verifying stop after `trust_seconds`, for a key
may have been revoked meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import orjson

from keys import compact
from keys.errors import KeysError, NoActiveKey
from keys.jwk import SigningKey, VerificationKey, parse_jwk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keys.custody import Custodian
    from keys.rotation import RingSettings
    from keys.store import KeyRecord, KeyStore

_LOG: Final = logging.getLogger(__name__)
_PUBLISH_SILENT: Final = timedelta(hours=24)
_COUNTING: Final = frozenset({"announced", "active", "retiring"})


@dataclass(frozen=True, slots=True)
class Published:
    """The key set as it goes over the wire (RFC 7517 section 5). `etag` stands in its quotes (RFC 9110)."""

    body: bytes
    etag: str
    max_age: int


@dataclass(frozen=True, slots=True)
class _Copy:
    """What one reading of the store gave. Never changed, only replaced."""

    records: tuple[KeyRecord, ...]
    read_at: datetime
    signing: Mapping[str, SigningKey]
    verification: tuple[VerificationKey, ...]
    published: Published

    @property
    def complete(self) -> bool:
        """Tell whether every active key was given by its custodian; one that was not is asked for again."""
        return len(self.signing) == sum(record.state == "active" for record in self.records)


class KeyRing:
    """One worker's view of the token-signing keys; safe to share between threads. It changes nothing.

    `rotate` (keys/rotation.py) must have run once before the first token is signed.
    """

    def __init__(self, *, store: KeyStore, custodians: Mapping[str, Custodian], settings: RingSettings) -> None:
        """Take the parts; nothing is read until something is asked."""
        self._store = store
        self._custodians = custodians
        self._settings = settings
        self._reload_after = timedelta(seconds=settings.reload_seconds)
        self._trust = timedelta(seconds=settings.trust_seconds)
        self._reading = threading.Lock()
        self._copy: _Copy | None = None
        self._tried_at: datetime | None = None

    def signing_key(self, alg: str, *, now: datetime) -> SigningKey:
        """Return the key that signs with `alg` at `now`.

        Raises:
            NoActiveKey: none is active, its custodian does not give it, or the store has been silent too long.
        """
        key = self._trusted(now).signing.get(alg)
        if key is None:
            raise NoActiveKey(f"no key signs with {alg}")
        return key

    def verification_keys(self, *, now: datetime) -> tuple[VerificationKey, ...]:
        """Return the keys whose signatures count at `now`: announced, active and retiring ones.

        Raises:
            NoActiveKey: the store has been silent too long.
        """
        return self._trusted(now).verification

    def jwks(self, *, now: datetime) -> Published:
        """Return the key set to publish, also while the store is silent.

        Raises:
            NoActiveKey: the store was never read, or not for a day.
        """
        copy = self._current(now)
        if now - copy.read_at > _PUBLISH_SILENT:
            raise NoActiveKey("the keys have not been read for a day")
        return copy.published

    def _trusted(self, now: datetime) -> _Copy:
        copy = self._current(now)
        if now - copy.read_at > self._trust:
            raise NoActiveKey("the keys have not been read for too long")
        return copy

    def _current(self, now: datetime) -> _Copy:
        copy, tried_at = self._copy, self._tried_at
        # A clock that was set back makes an instant look young for as long as it was set back by: abs() sees it.
        usable = copy is not None and abs(now - copy.read_at) <= self._trust
        if usable and copy is not None and tried_at is not None and abs(now - tried_at) < self._reload_after:
            return copy
        # One thread reads. The others go on with a copy that can still be trusted, and wait where it cannot.
        if self._reading.acquire(blocking=not usable):
            try:
                self._read(now)
            finally:
                self._reading.release()
        if self._copy is None:
            raise NoActiveKey("the keys could not be read")
        return self._copy

    def _read(self, now: datetime) -> None:
        if self._tried_at is not None and abs(now - self._tried_at) < self._reload_after:
            return  # another thread did while this one waited
        self._tried_at = now
        try:
            records = tuple(record for record in self._store.all() if record.state != "gone")
            self._copy = self._copy_of(records, now)
        except Exception:  # noqa: BLE001  whatever a store breaks with, the key set stays up and it is tried again
            _LOG.exception("signing keys could not be read")

    def _copy_of(self, records: tuple[KeyRecord, ...], now: datetime) -> _Copy:
        former = self._copy
        if former is not None and former.records == records and former.complete:
            return replace(former, read_at=now)
        verification = tuple(key for record in records for key in _published_keys(record))
        published = {key.kid for key in verification}
        return _Copy(
            records=records,
            read_at=now,
            signing=self._signing_keys([record for record in records if record.kid in published]),
            verification=verification,
            published=self._publish(verification),
        )

    def _signing_keys(self, records: Sequence[KeyRecord]) -> Mapping[str, SigningKey]:
        former = {} if self._copy is None else {key.kid: key for key in self._copy.signing.values()}
        signing: dict[str, SigningKey] = {}
        for record in records:
            if record.state != "active":
                continue
            try:
                signing[record.alg] = former.get(record.kid) or self._custodians[record.custodian].signing_key(record)
            except (KeysError, KeyError):
                # One key that does not open must not take the other algorithms down.
                _LOG.exception("signing key %s is not given by its custodian %s", record.kid, record.custodian)
        return MappingProxyType(signing)

    def _publish(self, verification: tuple[VerificationKey, ...]) -> Published:
        ordered = sorted(verification, key=lambda key: (key.alg, key.kid or ""))
        body = orjson.dumps({"keys": [key.to_jwk() for key in ordered]})
        digest = compact.encode(hashlib.sha256(body).digest()).decode()
        return Published(body=body, etag=f'"{digest}"', max_age=self._settings.cache_seconds)


def _published_keys(record: KeyRecord) -> tuple[VerificationKey, ...]:
    """Return the public half as it is published; nothing where the row was damaged, so that it takes no other down."""
    with contextlib.suppress(KeysError):
        found = parse_jwk(record.public_jwk)
        is_whole = [(key.kid, key.alg, key.thumbprint) for key in found] == [(record.kid, record.alg, record.kid)]
        if is_whole and record.state in _COUNTING:
            return found
    _LOG.error("signing key %s is damaged: it signs and verifies nothing", record.kid)
    return ()
