"""Relying parties that sign, and a citizen who has agreed to what one of them asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.attacks.messages.signing import Signer

if TYPE_CHECKING:
    from tests.support.house import House, SignedIn


@pytest.fixture
def strict(house: House) -> Signer:
    """Give a relying party whose profile asks for signed messages."""
    return Signer(house.registers_portal(profile="fapi2-signing"))


@pytest.fixture
def web(house: House) -> Signer:
    """Give an ordinary relying party."""
    return Signer(house.registers_portal())


@pytest.fixture
def citizen(house: House, web: Signer) -> SignedIn:
    """Give a citizen who has agreed to what the ordinary relying party asks for."""
    signed_in = house.logs_in_directly()
    signed_in.agrees_to(web.portal.asks())
    return signed_in
