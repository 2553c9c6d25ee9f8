"""What the jobs of the worker work with, and what they need remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.worker.courier import Courier
    from keys import Custodian, KeyStore, RingSettings


class Housekeeping(Protocol):
    """Removal of rows that have only expired; nothing that was ended, agreed or written down is ever removed."""

    def clear_expired(self, *, before: datetime) -> Mapping[str, int]:
        """Remove what expired or was delivered before an instant; return how many rows of which table."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What they work with."""

    key_store: KeyStore
    custodians: Mapping[str, Custodian]
    ring_settings: RingSettings
    housekeeping: Housekeeping
    courier: Courier
