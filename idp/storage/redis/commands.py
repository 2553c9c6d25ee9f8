"""Packs commands into bytes as Redis reads them (RESP)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hiredis

if TYPE_CHECKING:
    from collections.abc import Callable

# hiredis takes a tuple of any length; its own annotation allows one element alone.
command: Callable[[tuple[str | bytes | int, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]
