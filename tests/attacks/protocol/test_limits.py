"""Limits at the protocol's door: counted before they are checked, per portal and per address prefix."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from idp.relying_parties import directory
from tests.attacks.messages.signing import Signer
from tests.support.house import House, members
from tests.support.login.elsewhere import Phone, begins, device_portal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.support.valkey import ValkeyServer

MOST = 20
PREFIX_MOST = 15


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house with low limits."""
    house = House.build(
        folder=tmp_path_factory.mktemp("strict"),
        redis_url=lone_valkey.url,
        SEN_LIMITS__REQUESTS_PER_CLIENT=str(MOST),
        SEN_LIMITS__REQUESTS_PER_PREFIX=str(PREFIX_MOST),
    )
    yield house
    house.services.close()


def an_address() -> str:
    """Return an address of a network that no other test uses."""
    return f"2001:db8:{secrets.randbelow(65536):x}:{secrets.randbelow(65536):x}::1"


@pytest.mark.spec("PAR-16", "LG-05")
def test_a_portal_that_sends_too_much_is_told_to_slow_down_and_others_are_not(strict: House) -> None:
    busy, other = strict.registers_portal(), strict.registers_portal()
    statuses = [busy.pushes().status_code for _ in range(MOST + 3)]
    assert statuses == [201] * MOST + [429] * 3
    refused = busy.refreshes("sen_rt_x")
    assert (refused.status_code, members(refused)["error"]) == (429, "slow_down")
    assert refused.headers["Retry-After"] == "60"
    assert other.pushes().status_code == 201


@pytest.mark.parametrize("grant", ["authorization_code", "device_code"])
@pytest.mark.spec("LG-05")
def test_what_a_busy_portal_redeems_is_there_once_its_minute_is_over(
    house: House, lone_valkey: ValkeyServer, grant: str
) -> None:
    portal, citizen = device_portal(house), house.logs_in_directly()
    if grant == "device_code":
        waiting = begins(portal)
        Phone.of(citizen).approves(waiting)
        redeem = waiting.polls
    else:
        login = portal.asks()
        arrived = citizen.arrives(login)
        redeem = partial(login.redeem, arrived)
    counter = f"rate:{portal.client_id}:"
    lone_valkey.client.set(counter, house.settings.limits.requests_per_client, ex=60)
    assert [redeem().status_code for _ in range(2)] == [429] * 2
    lone_valkey.client.delete(counter)
    assert [redeem().status_code for _ in range(2)] == [200, 400]


@pytest.mark.spec("LG-06")
def test_requests_at_the_same_moment_are_all_counted(strict: House) -> None:
    portal = strict.registers_portal()
    forms = [{**portal.authentication(), **portal.asks().parameters} for _ in range(2 * MOST)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda form: portal.http.post("/par", data=form).status_code, forms))
    assert statuses.count(201) == MOST
    assert statuses.count(429) == MOST


@pytest.mark.spec("LG-06")
def test_wrong_requests_count_as_much_as_right_ones(strict: House) -> None:
    portal = strict.registers_portal()
    statuses = [portal.redeems("unknown", "v" * 43).status_code for _ in range(MOST + 1)]
    assert statuses == [400] * MOST + [429]


@pytest.mark.spec("LG-07")
def test_whoever_cannot_prove_to_be_a_portal_does_not_use_up_its_requests(strict: House) -> None:
    portal, stranger = strict.registers_portal(), strict.registers_portal()
    for _ in range(MOST + 1):
        forged = {**stranger.authentication(iss=portal.client_id, sub=portal.client_id), "token": "x"}
        assert portal.http.post("/revoke", data=forged).status_code == 401
    assert portal.pushes().status_code == 201


def test_names_that_nobody_has_fill_no_memory(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "KEPT_UNKNOWN", 2)
    portal, provider = house.registers_portal(), house.services.provider
    for name in range(9):
        assert portal.http.get(f"/authorize?client_id=nobody-{name}").status_code == 400
        assert len(provider.directory._kept) <= 3
        assert portal.pushes().status_code == 201


@pytest.mark.spec("LG-07")
def test_a_stranger_who_uses_the_name_of_an_app_uses_up_only_what_comes_from_there(strict: House) -> None:
    portal = strict.registers_portal(profile="native", token_endpoint_auth_method="none")
    form = {"client_id": portal.client_id, "token": "x"}
    stranger, friend = {"REMOTE_ADDR": an_address()}, {"REMOTE_ADDR": an_address()}
    statuses = [portal.http.post("/revoke", data=form, environ_overrides=stranger).status_code for _ in range(MOST + 5)]
    assert statuses == [200] * PREFIX_MOST + [429] * (MOST + 5 - PREFIX_MOST)
    assert portal.http.post("/revoke", data=form, environ_overrides=friend).status_code == 200
    neighbour = {"REMOTE_ADDR": stranger["REMOTE_ADDR"].replace("::1", "::ffff:1")}
    assert portal.http.post("/revoke", data=form, environ_overrides=neighbour).status_code == 429


@pytest.mark.spec("LG-05")
def test_an_address_that_asks_too_often_gets_a_page_and_its_neighbours_do_not(strict: House) -> None:
    portal, address = strict.registers_portal(), an_address()
    url = portal.asks().url
    statuses = [
        strict.browser().get(url, environ_overrides={"REMOTE_ADDR": address}).status_code
        for _ in range(PREFIX_MOST + 2)
    ]
    assert statuses == [303] * PREFIX_MOST + [429] * 2
    page = strict.browser().get(url, environ_overrides={"REMOTE_ADDR": address.replace("::1", "::ffff:1")})
    assert (page.status_code, page.headers["Retry-After"]) == (429, "60")
    assert "Location" not in page.headers
    assert strict.browser().get(url, environ_overrides={"REMOTE_ADDR": an_address()}).status_code == 303


@pytest.mark.spec("LG-08")
def test_a_header_that_names_another_address_is_not_believed(strict: House) -> None:
    portal, address = strict.registers_portal(), an_address()
    url = portal.asks().url
    statuses = [
        strict.browser()
        .get(
            url,
            headers={"X-Forwarded-For": an_address(), "Forwarded": f"for={an_address()}", "X-Real-IP": an_address()},
            environ_overrides={"REMOTE_ADDR": address},
        )
        .status_code
        for _ in range(PREFIX_MOST + 2)
    ]
    assert statuses == [303] * PREFIX_MOST + [429] * 2


@pytest.mark.spec("LG-08")
def test_behind_a_proxy_of_ours_the_address_that_it_saw_counts_and_not_the_one_it_was_told(
    tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer
) -> None:
    house = House.build(
        folder=tmp_path_factory.mktemp("proxied"),
        redis_url=lone_valkey.url,
        SEN_LIMITS__REQUESTS_PER_PREFIX=str(PREFIX_MOST),
        SEN_SERVER__TRUSTED_PROXIES="192.0.2.7",
    )
    url, proxy, seen = house.registers_portal().asks().url, {"REMOTE_ADDR": "192.0.2.7"}, an_address()
    statuses = [
        house.browser()
        .get(url, headers={"X-Forwarded-For": f"{an_address()}, {seen}"}, environ_overrides=proxy)
        .status_code
        for _ in range(PREFIX_MOST + 1)
    ]
    assert statuses == [303] * PREFIX_MOST + [429]
    other = house.browser().get(url, headers={"X-Forwarded-For": an_address()}, environ_overrides=proxy)
    assert other.status_code == 303
    house.services.close()


@pytest.mark.spec("LG-05")
def test_without_the_counters_nothing_is_answered_uncounted(
    tmp_path_factory: pytest.TempPathFactory, own_valkey: ValkeyServer
) -> None:
    house = House.build(folder=tmp_path_factory.mktemp("uncounted"), redis_url=own_valkey.url)
    portal = house.registers_portal()
    assert house.browser().get(portal.asks().url).status_code == 303
    own_valkey.kill()
    assert house.browser().get(portal.asks().url).status_code == 503
    assert portal.pushes().status_code == 503
    house.services.close()


@pytest.mark.spec("LG-07", "PAR-12")
def test_a_signed_request_that_a_citizen_sends_again_and_again_uses_up_nothing_of_its_portal(strict: House) -> None:
    signer = Signer(strict.registers_portal())
    link, browser = signer.link(signer.signs()), strict.browser()
    for _ in range(MOST + 2):
        assert browser.get(link, environ_overrides={"REMOTE_ADDR": an_address()}).status_code == 303
    assert signer.portal.pushes().status_code == 201


@pytest.mark.spec("LG-05", "PAR-16")
def test_who_sends_too_many_signed_requests_waits_on_a_page_and_others_do_not(
    strict: House, lone_valkey: ValkeyServer
) -> None:
    signer, address = Signer(strict.registers_portal()), an_address()

    def opens(network: str) -> TestResponse:
        return strict.browser().get(signer.link(signer.signs()), environ_overrides={"REMOTE_ADDR": network})

    assert opens(address).status_code == 303
    (counter,) = lone_valkey.client.keys(f"rate:{signer.portal.client_id}:*")
    lone_valkey.client.set(counter, PREFIX_MOST, ex=60)
    page = opens(address)
    assert (page.status_code, page.headers["Retry-After"], "Location" in page.headers) == (429, "60", False)
    assert opens(an_address()).status_code == 303
