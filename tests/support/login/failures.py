"""What a fixture may know of the test that it served: whether it failed."""

from __future__ import annotations

from typing import Final

import pytest

HAS_FAILED: Final = pytest.StashKey[bool]()
"""Stands in the stash of a test that has failed: then a fixture tells on its way out what it saw."""
