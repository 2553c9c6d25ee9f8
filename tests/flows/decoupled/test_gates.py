"""Gate by grant, for the two grants whose citizen answers elsewhere: before the tokens, and behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.foreign.registrant import Registrant, moves
from tests.support.house import House, members
from tests.support.login.elsewhere import CIBA, DEVICE, OFFLINE, Phone, asks_for, begins, ciba_portal, device_portal
from tests.support.portal import Portal
from tests.support.signed_in import GATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.login.elsewhere import Waiting
    from tests.support.signed_in import SignedIn


def by_device(portal: Portal, _: SignedIn) -> Waiting:
    """Let a device ask."""
    return begins(portal, scope=OFFLINE)


def by_name(portal: Portal, citizen: SignedIn) -> Waiting:
    """Let a portal name its citizen."""
    return asks_for(portal, citizen, scope=OFFLINE)


GRANTS: dict[str, tuple[Callable[..., Portal], Callable[[Portal, SignedIn], Waiting]]] = {
    "device_code": (device_portal, by_device),
    "ciba": (ciba_portal, by_name),
}


def approved(house: House, grant: str) -> tuple[Portal, SignedIn, Waiting]:
    """Return a request that its citizen has approved, and whose tokens were not yet asked for."""
    register, begin = GRANTS[grant]
    portal, citizen = register(house), house.logs_in_directly()
    request = begin(portal, citizen)
    Phone.of(citizen).approves(request, "offline_access")
    return portal, citizen, request


@pytest.mark.parametrize("gate", sorted(GATES.keys() - {"authorization ended"}))
@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.spec("TK-16", "RT-07", "CO-04")
def test_what_was_ended_between_the_answer_and_the_question_gets_no_tokens(house: House, grant: str, gate: str) -> None:
    portal, citizen, request = approved(house, grant)
    GATES[gate](citizen, portal)
    assert members(request.polls())["error"] in {"invalid_grant", "invalid_client"}


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.spec("TK-16", "RT-07", "CO-04")
def test_what_was_ended_behind_the_tokens_ends_them(house: House, grant: str, gate: str) -> None:
    portal, citizen, request = approved(house, grant)
    tokens = request.tokens()
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 200
    GATES[gate](citizen, portal)
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 401
    refused = members(portal.refreshes(tokens["refresh_token"]))
    assert refused["error"] in {"invalid_grant", "invalid_client"}


@pytest.mark.parametrize("grant", [DEVICE, CIBA])
@pytest.mark.spec("RG-06")
def test_what_waits_and_what_was_approved_end_when_the_keys_change(house: House, grant: str) -> None:
    said: dict[str, Any] = {"redirect_uris": None, "response_types": [], "grant_types": [grant], "profile": "web"}
    said |= {"token_endpoint_auth_method": "private_key_jwt"}
    said |= {"backchannel_token_delivery_mode": "poll"} if grant == CIBA else {}
    registrant, begin = Registrant(house), by_device if grant == DEVICE else by_name
    registrant.registered(**said, jwks=registrant.jwks)
    portal = Portal(house, registrant.told["client_id"], registrant.key)
    citizen, other = house.logs_in_directly(), house.logs_in_directly()
    done, waits = begin(portal, citizen), begin(portal, other)
    Phone.of(citizen).approves(done)
    phone = Phone.of(other)
    begun = phone.types(str(waits.shown)) if grant == DEVICE else phone.opens_what_waits()
    portal.key = registrant.key = Registrant(house).key
    assert registrant.changes(**said, jwks=registrant.jwks).status_code == 200
    assert done.error() == "invalid_grant"
    assert other.browser.get(begun.headers["Location"]).status_code == 400
    fresh = begin(portal, citizen)
    Phone.of(citizen).approves(fresh)
    assert fresh.tokens()


def test_what_a_suspended_portal_asks_is_not_shown_and_breaks_no_page(house: House) -> None:
    portal, citizen = ciba_portal(house), house.logs_in_directly()
    asks_for(portal, citizen)
    pages = ("/account", "/account/approvals")
    for status, is_shown in (("suspended", False), ("approved", True)):
        moves(house, portal.client_id, status=status)
        for page in pages:
            answer = citizen.browser.get(page)
            assert answer.status_code == 200
            assert ("Cổng thử nghiệm" in answer.text) == is_shown
        assert members(citizen.browser.get("/account/approvals/state")) == {"waiting": is_shown}
