"""Attacks on the memory: what is refused for being too much, or asks about nothing, leaves nothing that grows."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.house import House
from tests.support.login.elsewhere import CIBA, DEVICE, SCOPE, Phone, begins, ciba_portal, device_portal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.portal import Portal
    from tests.support.valkey import ValkeyServer

MOST = 5


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house with low limits."""
    limit = {"SEN_LIMITS__REQUESTS_PER_PREFIX": str(MOST)}
    house = House.build(folder=tmp_path_factory.mktemp("strict"), redis_url=lone_valkey.url, **limit)
    yield house
    house.services.close()


def keys(server: ValkeyServer, pattern: str) -> int:
    return sum(1 for _ in server.client.scan_iter(pattern))


def app(house: House) -> Portal:
    """Register an app: anybody may use its name."""
    grants = ["authorization_code", "refresh_token", DEVICE]
    return house.registers_portal(profile="native", token_endpoint_auth_method="none", grant_types=grants)


@pytest.mark.spec("PAR-16")
def test_a_stranger_fills_no_memory_with_pushed_requests_in_the_name_of_an_app(
    strict: House, lone_valkey: ValkeyServer
) -> None:
    portal, before = app(strict), keys(lone_valkey, "par:*")
    from_there = {"REMOTE_ADDR": "198.51.100.77"}
    form = {**portal.asks(state="x" * 2000).parameters, "client_id": portal.client_id}
    answers = [portal.http.post("/par", data=form, environ_overrides=from_there) for _ in range(3 * MOST)]
    assert [answer.status_code for answer in answers] == [201] * MOST + [429] * 2 * MOST
    assert keys(lone_valkey, "par:*") == before + MOST


@pytest.mark.spec("DC-03")
def test_a_stranger_draws_no_codes_beyond_the_limit(strict: House, lone_valkey: ValkeyServer) -> None:
    portal, before = app(strict), keys(lone_valkey, "*usercode:*")
    form = {"client_id": portal.client_id, "scope": SCOPE}
    from_there = {"REMOTE_ADDR": "198.51.100.78"}
    answers = [
        portal.http.post("/device_authorization", data=form, environ_overrides=from_there) for _ in range(3 * MOST)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200] * MOST + [429] * 2 * MOST
    assert keys(lone_valkey, "*usercode:*") == before + 2 * MOST  # that it is drawn, and where it leads


@pytest.mark.spec("DC-02")
def test_questions_about_nothing_leave_nothing(house: House, lone_valkey: ValkeyServer) -> None:
    device, ciba = device_portal(house), ciba_portal(house)
    before = keys(lone_valkey, "wait:*")
    for _ in range(3):
        device.post("/token", grant_type=DEVICE, device_code=secrets.token_urlsafe(32))
        ciba.post("/token", grant_type=CIBA, auth_req_id=secrets.token_urlsafe(32))
    assert keys(lone_valkey, "wait:*") == before
    waiting = begins(device)
    assert [waiting.error(), waiting.error()] == ["authorization_pending", "slow_down"]
    Phone.of(house.logs_in_directly()).approves(waiting)
    assert waiting.tokens()
