"""A small circuit breaker: when a server has failed several times in a row, callers are turned away at once."""

from __future__ import annotations

import threading
from time import monotonic

from redis.exceptions import ConnectionError as ServerAwayError

FAILURES_BEFORE_OPEN = 3
REST_SECONDS = 0.3


class Breaker:
    """Counts failures in a row; while open, lets one caller through every `REST_SECONDS` to see who is back.

    A hung server therefore holds at most the callers that were already waiting, each for one answer timeout, and
    after that one caller at a time. A probe that never reports back blocks nobody: the right to probe is a matter
    of time alone. `failures` is plain, so that a calm server costs its callers no call.
    """

    __slots__ = ("_again_at", "_lock", "failures")

    def __init__(self) -> None:
        self.failures = 0
        self._again_at = 0.0
        self._lock = threading.Lock()

    @property
    def is_calm(self) -> bool:
        """Whether the last thing heard from the server was an answer."""
        return not self.failures

    def admit(self) -> None:
        """Let the caller pass, or raise `redis.exceptions.ConnectionError` while the server rests."""
        if self.failures < FAILURES_BEFORE_OPEN:
            return
        with self._lock:
            now = monotonic()
            if now < self._again_at:
                raise ServerAwayError("not asked: it failed several times in a row a moment ago")
            self._again_at = now + REST_SECONDS

    def failed(self) -> None:
        """Note that the server could not be reached or did not answer."""
        with self._lock:
            self.failures += 1
            self._again_at = monotonic() + REST_SECONDS

    def answered(self) -> None:
        """Note that the server answered."""
        if self.failures:
            self.failures = 0
