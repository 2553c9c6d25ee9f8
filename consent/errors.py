"""What can go wrong with a consent, drawn as a tree. No text here names a person or a value.

ConsentError
├── Refused        the citizen did not agree, or did not answer: nothing is recorded
├── NotOffered     the answer ticks something that was not offered to be ticked
├── ShownDiffers   the answer belongs to another page than the one that was shown
├── Outdated       the ledger has moved on since the page was made: decide and show again
└── NotThere       no such consent of this citizen
"""

from __future__ import annotations


class ConsentError(Exception):
    """The root."""


class Refused(ConsentError):
    """The citizen did not agree; silence counts as refusal (Law 91/2025/QH15 article 9)."""


class NotOffered(ConsentError):
    """The answer ticks something that was not offered; `claims` names it."""

    def __init__(self, claims: frozenset[str]) -> None:
        """Keep what was ticked without having been offered."""
        super().__init__("ticked without having been offered: " + ", ".join(sorted(claims)))
        self.claims = claims


class ShownDiffers(ConsentError):
    """The answer does not belong to what was shown."""


class Outdated(ConsentError):
    """What the decision rests on is no longer the newest record."""


class NotThere(ConsentError):
    """No such consent, or another citizen's: one answer for both."""
