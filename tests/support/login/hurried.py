"""`python -m tests.support.login.hurried` is `sen` on a clock that runs many times too fast, in its workers as well.

A signing key needs minutes from its announcement to its end. On this clock they pass while somebody waits.
"""

from __future__ import annotations

from datetime import UTC, datetime

from idp import clock

TIMES = 4
DAWN = datetime(2026, 1, 1, tzinfo=UTC)
"""When all hurried clocks agreed with the real ones: any instant that is over will do."""


def now() -> datetime:
    """Return the instant on the hurried clock, the same one in every process."""
    return DAWN + (datetime.now(UTC) - DAWN) * TIMES


if __name__ in {"__main__", "__mp_main__"}:  # the second is the name in a worker, which reads this file again
    clock.now = now  # type: ignore[assignment]  # a clock all the same

if __name__ == "__main__":
    from idp.cli import main

    main()
