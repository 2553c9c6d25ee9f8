"""What the audit trail needs remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idp.audit.events import Event
    from idp.audit.log import AuditRecord


class AuditStore(Protocol):
    """Events that stand alone, and reading. Every other event is written by the store that makes its change."""

    def append(self, *events: Event) -> None:
        """Write events in a transaction of their own; fails closed."""
        ...

    def of_citizen(self, *, citizen_id: str, limit: int) -> Sequence[AuditRecord]:
        """Return a citizen's newest events first."""
        ...
