"""The port through which views reach the consent ledger: one piece of work, one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from consent import Ledger

Result = TypeVar("Result")


class Consents(Protocol):
    """The ledger inside a transaction of its own."""

    def change(self, work: Callable[[Ledger], Result]) -> Result:
        """Run `work`; when this returns, what it recorded is durable. It may run more than once."""
        ...

    def read(self, work: Callable[[Ledger], Result]) -> Result:
        """Run `work` that only reads."""
        ...
