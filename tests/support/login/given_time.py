"""`python -m tests.support.login.given_time` is `sen` on a clock that others push ahead, in its workers as well.

The clock runs ahead by as many seconds as the file that GIVEN_TIME names is long: one step changes it for everybody at
once, and it never goes back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from idp import clock

VARIABLE = "GIVEN_TIME"


@dataclass(frozen=True, slots=True)
class GivenTime:
    """A clock that whoever holds the file sets ahead."""

    file: Path

    def now(self) -> datetime:
        """Return the instant on this clock, the same one in every process."""
        return datetime.now(UTC) + timedelta(seconds=self.file.stat().st_size)

    def passes(self, seconds: int) -> None:
        """Let time pass at once."""
        os.truncate(self.file, self.file.stat().st_size + seconds)


if __name__ in {"__main__", "__mp_main__"}:  # the second is the name in a worker, which reads this file again
    clock.now = GivenTime(Path(os.environ[VARIABLE])).now  # type: ignore[assignment]  # a clock all the same

if __name__ == "__main__":
    from idp.cli import main

    main()
