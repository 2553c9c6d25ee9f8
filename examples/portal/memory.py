"""What the demo portal must not put into a cookie. One process is enough here; yours keeps this in Redis or SQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Memory:
    """Values under random names, each for some time. Authlib uses it as its cache, too."""

    def __init__(self, *, most: int = 1000) -> None:
        self._most = most
        self._kept: dict[str, tuple[Any, float]] = {}

    def get(self, key: str) -> Any:
        """Return what was kept, or None once its time is over."""
        value, until = self._kept.get(key, (None, 0.0))
        return value if until > time.monotonic() else None

    def set(self, key: str, value: Any, seconds: float) -> None:
        """Keep a value for some seconds, and never more than the newest `most` values."""
        self._kept[key] = (value, time.monotonic() + seconds)
        for oldest in list(self._kept)[: -self._most]:
            self.delete(oldest)

    def delete_where(self, holds: Callable[[Any], bool]) -> None:
        """Forget every value of which something holds; yours has an index for this."""
        for key in [key for key, (value, _until) in list(self._kept.items()) if holds(value)]:
            self.delete(key)

    def delete(self, key: str) -> None:
        """Forget a value."""
        self._kept.pop(key, None)
