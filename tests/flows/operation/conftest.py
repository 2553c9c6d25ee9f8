"""Stores for servers that are asked all the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def quick_valkey() -> Iterator[ValkeyServer]:
    """Give a Valkey that writes its file once a second, as `sen demo` has it, so that a busy disk delays nobody."""
    server = ValkeyServer.alone(appendfsync="everysec")
    yield server
    server.stop()
