"""What a person typed does not have its form. It never repeats what was typed, so it may be shown and logged."""

from __future__ import annotations

from typing import Literal

Reason = Literal["empty", "characters", "length", "calendar", "unknown"]

SENTENCES: dict[Reason, str] = {
    "empty": "is missing",
    "characters": "has characters that do not belong there",
    "length": "has the wrong length",
    "calendar": "is not a date of the calendar",
    "unknown": "is not one of the known values",
}


class Malformed(ValueError):
    """A typed value does not have its form; `field` and `reason` pick the text of a page."""

    def __init__(self, field: str, reason: Reason) -> None:
        """Keep both words; `field` is a name of ours such as `birth_date`."""
        super().__init__(f"{field} {SENTENCES[reason]}")
        self.field = field
        self.reason = reason
