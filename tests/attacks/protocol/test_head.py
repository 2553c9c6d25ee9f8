"""Attacks by HEAD: whoever only looks, as programs that examine links do, leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.house import House
    from tests.support.valkey import ValkeyServer


def keys(server: ValkeyServer) -> set[bytes]:
    return {key for pattern in ("code:*", "tx:*", "*done:*") for key in server.client.scan_iter(pattern)}


@pytest.mark.parametrize("visitor", ["citizen", "stranger"])
def test_a_look_at_a_portals_link_begins_no_login_and_makes_no_code(
    house: House, lone_valkey: ValkeyServer, visitor: str
) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks()
    citizen.agrees_to(login)
    pushed, browser = login.pushed(), citizen.browser if visitor == "citizen" else house.browser()
    before = keys(lone_valkey)
    for link in (login.url, pushed.url):
        looked = browser.head(link)
        assert (looked.status_code, looked.headers["Allow"], looked.data) == (405, "GET, POST", b"")
        assert "Location" not in looked.headers
    assert keys(lone_valkey) <= before
    assert "code=" in citizen.opens(pushed).headers["Location"]
    assert keys(lone_valkey) - before
