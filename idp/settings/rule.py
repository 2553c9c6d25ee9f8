"""A rule between settings: what it reads, what it says, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.settings.rooms import Settings


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the keys that it reads (`section.key`), its text, and whether it holds.

    A rule one of whose keys could not be read says nothing: that key has its own line already.
    """

    reads: tuple[str, ...]
    text: str
    holds: Callable[[Settings], bool]
