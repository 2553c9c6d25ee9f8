"""A citizen, and a portal with tokens that are bound to its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.attacks.dpop.holder import Holder

if TYPE_CHECKING:
    from tests.support.house import House, SignedIn


@pytest.fixture(scope="module")
def citizen(house: House) -> SignedIn:
    """Give a citizen of the tests of one module."""
    return house.logs_in_directly()


@pytest.fixture(scope="module")
def holder(house: House, citizen: SignedIn) -> Holder:
    """Give a portal of the profile fapi2 with tokens."""
    portal = house.registers_portal(profile="fapi2")
    return Holder(portal, citizen.gives_tokens(portal))
