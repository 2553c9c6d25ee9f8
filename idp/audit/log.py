"""From an event to the row that is written in the same transaction as the change."""

from __future__ import annotations

import functools
from contextvars import ContextVar
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import orjson
import uuid_utils

if TYPE_CHECKING:
    from datetime import datetime

    from idp.audit.events import Event

SHARED = frozenset({"actor", "citizen_id", "client_id", "object"})

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PAIRS = tuple(one + other for one in LETTERS for other in LETTERS)
"""Two letters of a correlation id for ten random bits."""

correlation: ContextVar[str] = ContextVar("correlation", default="-")
"""The id that ties an event to the log lines of the request that made it."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One row of the trail; `details` is canonical JSON text without personal data."""

    id: str
    at: datetime
    type: str
    actor: str
    citizen_id: str | None
    client_id: str | None
    object: str | None
    correlation: str
    details: str


def new_id() -> str:
    """Return a UUIDv7 as text (RFC 9562 section 5.7): unique, and sorted by the time of its making."""
    return str(uuid_utils.uuid7())


def new_correlation() -> str:
    """Start a request: a short random id that can be read out over the phone, `XXX-XXX-XX`."""
    number = uuid_utils.uuid4().int  # its lowest sixty bits are random, and asking for them is no call to the system
    one, two = PAIRS[number & 1023], PAIRS[number >> 10 & 1023]
    value = f"{one}{two[0]}-{two[1]}{PAIRS[number >> 20 & 1023]}-{PAIRS[number >> 30 & 1023]}"
    correlation.set(value)
    return value


@functools.cache
def _own_fields(kind: type[Event]) -> tuple[str, ...]:
    """Return the fields of a kind of event that have no column of their own."""
    return tuple(field.name for field in fields(kind) if field.name not in SHARED)


def row_of(event: Event, *, at: int | datetime) -> dict[str, Any]:
    """Return an event as a row; for a hot statement `at` is in microseconds since 1970."""
    details = {name: getattr(event, name) for name in _own_fields(type(event))}  # type: ignore[arg-type]  # a class hashes
    return {
        "id": str(uuid_utils.uuid7()),
        "at": at,
        "type": type(event).__name__,
        "actor": event.actor,
        "citizen_id": event.citizen_id,
        "client_id": event.client_id,
        "object": event.object,
        "correlation": correlation.get(),
        "details": orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode(),
    }
