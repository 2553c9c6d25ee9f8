"""The only clock: every instant that Sen compares or stores comes from here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

now = partial(datetime.now, UTC)
"""Return the current instant as an aware UTC datetime; tests stop it here. No function of ours: every request asks."""


def epoch_seconds() -> int:
    """Return the current instant as whole seconds since 1970 (`NumericDate`, RFC 7519 section 2)."""
    return int(now().timestamp())


def after(*, seconds: float) -> datetime:
    """Return the instant that lies `seconds` from now."""
    return now() + timedelta(seconds=seconds)
