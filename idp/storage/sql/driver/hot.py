"""What a store sees of a hot transaction: statements that were compiled once, and a cursor that takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement compiled for its database; `fixed` are the literals that it was written with.

    `names` are the parameters of `text` in their order, where the database counts them ($1, $2, ...).
    """

    text: str
    fixed: Mapping[str, Any]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A change and its event: `whole` is both in one statement, where the database knows such."""

    statement: Prepared
    event: Prepared
    whole: Prepared | None


class HotCursor(Protocol):
    """The inside of one transaction on the driver's own terms."""

    def run(self, statement: Prepared, parameters: Mapping[str, Any]) -> int:
        """Execute a change and return how many rows it touched."""
        ...

    def row(self, statement: Prepared, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Execute and return the first row, or None."""
        ...

    def add(self, statement: Prepared, parameters: Mapping[str, Any]) -> None:
        """Execute a change whose outcome the transaction does not look at; it may go out together with the commit.

        What is wrong with it is raised at the latest by the commit, and then nothing of the transaction is kept.
        """
        ...
