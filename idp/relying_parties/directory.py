"""Relying parties at hand: an in-process cache that every change reaches within `FRESH_SECONDS`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from idp.errors import SettingsError, TemporarilyUnavailable
from idp.relying_parties import metadata_rules

if TYPE_CHECKING:
    from idp.relying_parties.client import RelyingParty
    from idp.relying_parties.store import RelyingPartyStore

FRESH_SECONDS = 2.0
KEPT_UNKNOWN = 10_000


class Directory:
    """Looks relying parties up; one database read per relying party and worker every two seconds at most."""

    def __init__(self, *, store: RelyingPartyStore, allow_loopback: bool, known_purposes: frozenset[str]) -> None:
        """Keep the store and the rules that apply in this environment."""
        self._store = store
        self._allow_loopback = allow_loopback
        self._known_purposes = known_purposes
        self._kept: dict[str, tuple[float, RelyingParty | None]] = {}

    def find(self, client_id: str) -> RelyingParty | None:
        """Return an approved relying party, or None: unknown, suspended and ended are one answer.

        Raises:
            TemporarilyUnavailable: the database is away and nothing fresh is at hand.
        """
        kept = self._kept.get(client_id)
        instant = time.monotonic()
        if kept is not None and instant - kept[0] < FRESH_SECONDS:
            return kept[1]
        found = self._read(client_id)
        if len(self._kept) > KEPT_UNKNOWN:
            self._kept.clear()
        self._kept[client_id] = (instant, found)
        return found

    def _read(self, client_id: str) -> RelyingParty | None:
        stored = self._store.get(client_id=client_id)
        if stored is None or stored.status != "approved" or stored.ended_at is not None:
            return None
        try:
            return metadata_rules.check(
                stored, allow_loopback=self._allow_loopback, known_purposes=self._known_purposes
            )
        except SettingsError as error:
            raise TemporarilyUnavailable(
                "This relying party's registration is being repaired.", detail=f"{client_id}: {error}"
            ) from error
