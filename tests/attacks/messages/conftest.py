"""Relying parties that sign, and a citizen who has agreed to what one of them asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.attacks.messages.signing import Signer
from tests.support.signed_in import citizen, portal

if TYPE_CHECKING:
    from tests.support.house import House, Portal

__all__ = ["citizen", "portal", "strict", "web"]


@pytest.fixture
def strict(house: House) -> Signer:
    """Give a relying party whose profile asks for signed messages."""
    return Signer(house.registers_portal(profile="fapi2-signing"))


@pytest.fixture
def web(portal: Portal) -> Signer:
    """Give an ordinary relying party."""
    return Signer(portal)
