"""A refresh and its event: both or neither, on either database, whether done in one statement or in two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.foreign.dpop import DpopKey
from tests.support.house import members

if TYPE_CHECKING:
    from tests.support.house import House, SignedIn

MOST = 50


def refreshes_told(house: House, citizen: SignedIn) -> list[tuple[str | None, str | None, str]]:
    """Return of which relying party's authorization each event of a refresh tells, and by whom it was done."""
    trail = house.office.audit.of_citizen(citizen_id=citizen.citizen_id, limit=MOST)
    return [(event.client_id, event.object, event.actor) for event in trail if event.type == "AuthorizationRefreshed"]


@pytest.mark.spec("RT-01", "RT-02")
def test_each_refresh_leaves_one_event_and_a_refused_one_leaves_none(any_house: House) -> None:
    portal, citizen = any_house.registers_portal(), any_house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    assert portal.refreshes(tokens.refresh).status_code == 200
    assert portal.refreshes(tokens.refresh, scope="openid").status_code == 200
    told = refreshes_told(any_house, citizen)
    assert len(told) == 2
    assert len(set(told)) == 1
    assert (told[0][0], told[0][2]) == (portal.client_id, f"client:{portal.client_id}")
    assert told[0][1]

    assert portal.refreshes(tokens.refresh, scope="openid everything").status_code == 400
    assert any_house.registers_portal().refreshes(tokens.refresh).status_code == 400
    assert portal.refreshes(tokens.refresh + "x").status_code == 400
    assert refreshes_told(any_house, citizen) == told


@pytest.mark.spec("TK-12")
def test_a_key_that_was_proved_once_is_needed_at_every_refresh(any_house: House) -> None:
    portal, citizen = any_house.registers_portal(), any_house.logs_in_directly()
    portal.dpop = DpopKey()
    tokens = citizen.gives_tokens(portal)
    assert members(portal.refreshes(tokens.refresh))["token_type"] == "DPoP"
    told = refreshes_told(any_house, citizen)
    assert len(told) == 1

    key, portal.dpop = portal.dpop, None
    refused = portal.refreshes(tokens.refresh)
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_request")
    assert refreshes_told(any_house, citizen) == told

    portal.dpop = key
    assert portal.refreshes(tokens.refresh).status_code == 200
    assert len(refreshes_told(any_house, citizen)) == 2
