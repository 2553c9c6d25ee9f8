"""What relying parties need remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from idp.audit.events import Event


@dataclass(frozen=True, slots=True)
class StoredClient:
    """One row: metadata as registered (RFC 7591 section 2, plus ours), checked again when it is read."""

    client_id: str
    profile: str
    metadata: Mapping[str, Any]
    secret_hash: bytes | None
    status: str
    created_at: datetime
    ended_at: datetime | None


class RelyingPartyStore(Protocol):
    """Relying parties; every change brings its event."""

    def get(self, *, client_id: str) -> StoredClient | None:
        """Return one, ended or not, or None."""
        ...

    def all(self) -> Sequence[StoredClient]:
        """Return all, in the order of their making."""
        ...

    def put(self, client: StoredClient, *, event: Event) -> None:
        """Add or replace one; what was ended stays ended."""
        ...

    def end(self, *, client_id: str, reason: str, event: Event) -> bool:
        """End one for ever; False when there was none that lived."""
        ...
