"""A clock that jumps ends things early, or changes nothing; it never lets anything live for longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.house import later, members
from tests.support.signed_in import OFFLINE_SCOPE

if TYPE_CHECKING:
    from tests.support.house import House, Portal, SignedIn

RESOURCE = "https://archive.example/"
MINUTE, HOUR, DAY = 60, 3600, 86_400
LITTLE = 10
"""Seconds by which clocks may differ and nobody notices."""


@pytest.fixture
def portal(house: House) -> Portal:
    """Give a portal that needs no clock to prove who it is."""
    served = {"resources": [RESOURCE], "resources_served": [RESOURCE]}
    return house.registers_portal(token_endpoint_auth_method="client_secret_basic", **served)


@pytest.fixture
def citizen(house: House) -> SignedIn:
    """Give a citizen who has just logged in."""
    return house.logs_in_directly()


def _works(portal: Portal, citizen: SignedIn, *, jump: int) -> dict[str, bool]:
    """Have one of everything, let the clock jump, and tell what still works."""
    tokens = citizen.gives_tokens(portal)
    remote = citizen.gives_tokens(portal, scope=OFFLINE_SCOPE, resource=RESOURCE)
    login, hinted = portal.asks(), portal.asks(prompt="none")
    code = citizen.arrives(login)
    with later(jump):
        return {
            "session": "code=" in citizen.browser.get(hinted.url).headers["Location"],
            "access token": portal.asks_userinfo(tokens.access).status_code == 200,
            "access token for a resource": members(portal.post("/introspect", token=remote.access))["active"],
            "code": login.redeem(code).status_code == 200,
            "refresh token": portal.refreshes(tokens.refresh).status_code == 200,
        }


@pytest.mark.parametrize("jump", [-LITTLE, 0, LITTLE])
@pytest.mark.spec("F17")
def test_a_small_jump_is_noticed_by_nobody(portal: Portal, citizen: SignedIn, jump: int) -> None:
    assert set(_works(portal, citizen, jump=jump).values()) == {True}


@pytest.mark.parametrize(
    ("jump", "alive"),
    [
        (-DAY, {"code", "refresh token"}),
        (-HOUR, {"code", "refresh token"}),
        (-5 * MINUTE, {"code", "refresh token", "session"}),
        (5 * MINUTE, {"refresh token", "session"}),
        (DAY, {"refresh token"}),
    ],
)
@pytest.mark.spec("F17")
def test_a_jump_ends_what_could_live_longer_by_it_but_what_the_memory_forgets_by_itself(
    portal: Portal, citizen: SignedIn, jump: int, alive: set[str]
) -> None:
    works = _works(portal, citizen, jump=jump)
    assert {name for name, it_works in works.items() if it_works} == alive
