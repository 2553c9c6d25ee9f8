"""Whoever got no answer asks again: the same comes out of it or a clean refusal, and never two of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

import idp.protocol.tokens
from idp.storage.sql.authorizations import SqlAuthorizations
from idp.storage.sql.tables import authorization
from tests.support.house import later, members
from tests.support.login.killed import Worker, after, before, die, nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.house import House, SignedIn

AFTER_GRACE = 11
CRASHES: dict[str, Callable[[], None]] = {
    "before storing": before(SqlAuthorizations, "refresh"),
    "after storing": after(SqlAuthorizations, "refresh"),
    "after signing": after(idp.protocol.tokens, "sign_jwt"),
    "before the reply": nothing,
}
METHODS = {"web": "private_key_jwt", "native": "none"}


def _living(citizen: SignedIn) -> int:
    """Return how many authorizations of a citizen have not ended."""
    mine = select(func.count()).where(
        authorization.c.citizen_id == citizen.citizen_id, authorization.c.ended_at.is_(None)
    )
    return citizen.house.office.database.consult(lambda connection: connection.execute(mine).scalar_one())


@pytest.mark.parametrize("point", CRASHES)
@pytest.mark.parametrize("profile", METHODS)
@pytest.mark.spec("F12", "I6", "RT-04")
def test_a_refresh_whose_answer_is_lost_may_be_asked_for_again(house: House, profile: str, point: str) -> None:
    portal = house.registers_portal(profile=profile, token_endpoint_auth_method=METHODS[profile])
    citizen = house.logs_in_directly()
    held = citizen.gives_tokens(portal).refresh

    def work(anew: House) -> None:
        CRASHES[point]()
        portal.moves_to(anew)
        portal.refreshes(held)
        die()

    assert Worker.start(house, work).ends() is None
    again, once_more = portal.refreshes(held), portal.refreshes(held)
    assert (again.status_code, once_more.status_code) == (200, 200)
    assert members(again)["refresh_token"] == members(once_more)["refresh_token"], "there is one successor"
    assert (members(again)["refresh_token"] == held) == (profile == "web")
    assert portal.asks_userinfo(members(again)["access_token"]).status_code == 200
    assert _living(citizen) == 1
    with later(AFTER_GRACE):
        assert portal.refreshes(members(again)["refresh_token"]).status_code == 200


@pytest.mark.spec("I6", "TK-02")
@pytest.mark.parametrize("profile", METHODS)
def test_a_code_whose_answer_is_lost_is_refused_cleanly_and_the_login_begins_anew(house: House, profile: str) -> None:
    portal = house.registers_portal(profile=profile, token_endpoint_auth_method=METHODS[profile])
    citizen = house.logs_in_directly()
    login = portal.asks(scope="openid service:login offline_access")
    answer = citizen.arrives(login, "offline_access")
    assert login.redeem(answer).status_code == 200  # nobody hears it
    again = login.redeem(answer)
    assert (again.status_code, members(again)["error"]) == (400, "invalid_grant")
    assert _living(citizen) == 0, "whoever holds the lost tokens holds nothing"
    assert citizen.gives_tokens(portal).are_alive()
    assert _living(citizen) == 1
