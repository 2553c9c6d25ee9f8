"""What the ledger needs remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from consent.record import Consent, Standing, Withdrawal


class ConsentStore(Protocol):
    """The port to the ledger's memory, bound to one transaction that its owner commits.

    It adds and reads; it has no verb that changes or removes. Each addition writes its audit event in the same
    transaction, so that neither exists without the other.
    """

    def lock(self, *, subject: str) -> None:
        """Let every other transaction that changes this citizen's consents wait until this one ends."""
        ...

    def append(self, given: Consent) -> None:
        """Add a consent.

        Raises:
            Outdated: another record already follows the one that it supersedes.
        """
        ...

    def end(self, withdrawal: Withdrawal) -> None:
        """Add a withdrawal; a consent that is already ended stays ended by its first withdrawal.

        Raises:
            NotThere: no such consent of this subject.
        """
        ...

    def by_id(self, consent_id: str) -> Standing | None:
        """Return one consent with its withdrawal."""
        ...

    def head(self, *, subject: str, recipient: str, purpose: str) -> Standing | None:
        """Return the record that no other supersedes, in force or not: one index look-up, on the path of a login."""
        ...

    def line(self, *, subject: str, recipient: str, purpose: str) -> tuple[Standing, ...]:
        """Return every record of one purpose, in any order."""
        ...

    def of_subject(self, subject: str) -> tuple[Standing, ...]:
        """Return every record of one citizen, in any order."""
        ...
