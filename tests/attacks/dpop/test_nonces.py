"""Nonces for DPoP: demanded or not, of this time, of every worker (RFC 9449 8 and 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp import clock
from idp.protocol.sender.dpop import NONCE_SECONDS
from tests.attacks.dpop.holder import Holder, at_both, is_refused, pushed_with
from tests.support.house import House, later, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.valkey import ValkeyServer


@pytest.fixture(scope="module")
def nonces(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house that demands nonces."""
    house = House.build(
        folder=tmp_path_factory.mktemp("nonces"), redis_url=lone_valkey.url, SEN_TOKENS__DPOP_NONCE="true"
    )
    yield house
    house.services.close()


@pytest.fixture(autouse=True)
def _a_new_nonce() -> Iterator[None]:
    """Begin each test when a nonce has just been given out, for which one it is hangs on the time of day."""
    with later(NONCE_SECONDS + 1 - clock.now().timestamp() % NONCE_SECONDS):
        yield


@pytest.mark.spec("DP-10")
def test_a_nonce_that_is_demanded_is_told_and_then_taken(nonces: House) -> None:
    portal, citizen = nonces.registers_portal(profile="fapi2"), nonces.logs_in_directly()
    login = portal.asks().pushed()
    answer = citizen.arrives(login)
    refused = login.redeem(answer)
    assert (refused.status_code, members(refused)["error"]) == (400, "use_dpop_nonce")
    (nonce,) = refused.headers.getlist("DPoP-Nonce")
    assert portal.dpop is not None
    portal.dpop.nonce = nonce
    given = login.redeem(answer)
    assert given.status_code == 200
    assert given.headers.getlist("DPoP-Nonce") == [nonce]
    access = members(given)["access_token"]
    used = portal.asks_userinfo(access)
    assert (used.status_code, used.headers.getlist("DPoP-Nonce")) == (200, [nonce])
    portal.dpop.nonce = None
    without = portal.asks_userinfo(access)
    assert is_refused(without, "/userinfo", "use_dpop_nonce")
    assert without.headers.getlist("DPoP-Nonce") == [nonce]
    pushed = pushed_with(portal, portal.dpop)
    assert (pushed.status_code, members(pushed)["error"]) == (400, "use_dpop_nonce")
    portal.dpop.nonce = nonce
    assert pushed_with(portal, portal.dpop).status_code == 201


@at_both
@pytest.mark.spec("DP-10")
def test_a_nonce_is_of_this_time_and_of_every_worker_and_of_nobody_else(nonces: House, path: str) -> None:
    portal, citizen = nonces.registers_portal(profile="fapi2"), nonces.logs_in_directly()
    assert portal.dpop is not None
    portal.dpop.nonce = portal.refreshes("sen_rt_x").headers["DPoP-Nonce"]
    holder = Holder(portal, citizen.gives_tokens(portal))
    for wrong in ("", "x", "é", "A" * 32, 7):
        response = holder.sends(path, holder.proof(path, nonce=wrong))
        assert members(response)["error"] in {"use_dpop_nonce", "invalid_dpop_proof"}
        assert response.status_code == (400 if path == "/token" else 401)
    assert holder.sends(path, holder.proof(path)).status_code == 200
    worker = nonces.beside()
    portal.moves_to(worker)
    assert holder.sends(path, holder.proof(path)).status_code == 200
    portal.moves_to(nonces)
    worker.services.close()
    with later(121):
        assert holder.sends(path, holder.proof(path)).status_code == 200
    with later(241):
        assert is_refused(holder.sends(path, holder.proof(path)), path, "use_dpop_nonce")


@at_both
@pytest.mark.spec("DP-10")
def test_a_nonce_that_nobody_demands_must_be_good_where_it_is_sent(holder: Holder, path: str) -> None:
    refused = holder.sends(path, holder.proof(path, nonce="made-up"))
    assert is_refused(refused, path, "use_dpop_nonce")
    assert holder.sends(path, holder.proof(path, nonce=refused.headers["DPoP-Nonce"])).status_code == 200
    assert "DPoP-Nonce" not in holder.sends(path, holder.proof(path)).headers
