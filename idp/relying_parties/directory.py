"""Relying parties at hand: an in-process cache that every change reaches within `FRESH_SECONDS`."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from idp.errors import SettingsError, TemporarilyUnavailable
from idp.relying_parties import metadata_rules

if TYPE_CHECKING:
    from idp.relying_parties.client import RelyingParty
    from idp.relying_parties.jwks import KeySets
    from idp.relying_parties.metadata_reader import Deployment
    from idp.relying_parties.store import RelyingPartyStore

FRESH_SECONDS = 2.0
KEPT_UNKNOWN = 10_000


class Directory:
    """Looks relying parties up; one database read per relying party and worker every two seconds at most."""

    def __init__(self, *, store: RelyingPartyStore, key_sets: KeySets, deployment: Deployment) -> None:
        """Keep the store, the published key sets, and the rules that apply in this environment."""
        self._store = store
        self._key_sets = key_sets
        self.deployment = deployment
        self._kept: dict[str, tuple[float, RelyingParty | None]] = {}

    def find(self, client_id: str) -> RelyingParty | None:
        """Return an approved relying party, or None: unknown, waiting, suspended and ended are one answer.

        Where it publishes its keys, this may call its server: no transaction of the database may be open.

        Raises:
            TemporarilyUnavailable: the database is away and nothing fresh is at hand.
        """
        found = self.registered(client_id)
        return found if found is None or found.jwks_uri is None else self._key_sets.fill(found)

    def registered(self, client_id: str) -> RelyingParty | None:
        """Return what `find` does, but for keys that it publishes: nobody is called, and nobody waits for its server.

        Raises:
            TemporarilyUnavailable: as `find` does.
        """
        kept = self._kept.get(client_id)
        instant = time.monotonic()
        if kept is not None and instant - kept[0] < FRESH_SECONDS:
            found = kept[1]
        else:
            found = self._read(client_id)
            if len(self._kept) > KEPT_UNKNOWN:
                self._kept.clear()
            self._kept[client_id] = (instant, found)
        return found

    def may_work_again(self, client_id: str) -> bool:
        """Tell of one that `find` does not give whether that may change: it waits or is suspended, and is not ended.

        Raises:
            TemporarilyUnavailable: the database is away.
        """
        stored = self._store.get(client_id=client_id)
        return stored is not None and stored.ended_at is None

    def renewed(self, client: RelyingParty) -> RelyingParty | None:
        """Return a relying party with keys that were fetched just now, because a message names one that is missing.

        None where it publishes none, or where that was done a moment ago.
        """
        return None if client.jwks_uri is None else self._key_sets.renew(client)

    def forget(self, client_id: str) -> None:
        """Read a relying party anew when it is next asked for: it was changed here."""
        self._kept.pop(client_id, None)

    def _read(self, client_id: str) -> RelyingParty | None:
        stored = self._store.get(client_id=client_id)
        if stored is None or stored.status != "approved" or stored.ended_at is not None:
            return None
        try:
            client = metadata_rules.check(stored, deployment=self.deployment)
        except SettingsError as error:
            raise TemporarilyUnavailable(
                "This relying party's registration is being repaired.", detail=f"{client_id}: {error}"
            ) from error
        return replace(client, generation=generation_of(client))


def generation_of(client: RelyingParty) -> str:
    """Return what changes with a relying party's addresses and keys: what was pending under another one is over.

    Where a certificate is the proof, the name in it stands for a key (RFC 8705 section 2.1). Keys that it publishes by
    itself change without a registration, and end nothing.
    """
    keys = () if client.jwks_uri else client.keys
    parts = [
        *client.redirect_uris,
        client.jwks_uri or "",
        client.authentication_method,
        *sorted(key.thumbprint for key in keys),
        *sorted(client.certificates if client.jwks_uri is None else ()),
        *((client.tls.kind, client.tls.value) if client.tls else ()),
        (client.secret_hash or b"").hex(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
