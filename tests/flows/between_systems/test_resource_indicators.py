"""Resource indicators: a request may name several resources, a token is for one, and a scope may be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.foreign.systems import introspects, new_resource
from tests.support.house import members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import House, Portal, SignedIn


@pytest.fixture
def resource() -> str:
    """Name a resource of this test."""
    return new_resource()


@pytest.fixture
def portal(house: House, resource: str) -> Portal:
    """Give a portal with a resource and a scope for it."""
    return house.registers_portal(resources=[resource], scope="openid profile offline_access records.read")


@pytest.fixture
def citizen(house: House) -> SignedIn:
    """Give a citizen of this test."""
    return house.logs_in_directly()


def redeem(portal: Portal, citizen: SignedIn, asked: dict[str, str], **narrower: str) -> TestResponse:
    """Let a citizen agree to a request and redeem its code."""
    login = portal.asks(**{"scope": "openid service:login offline_access", **asked})
    return login.redeem(citizen.arrives(login, "offline_access"), **narrower)


@pytest.mark.spec("RFC 8707 2.2")
def test_of_several_resources_each_token_is_for_one(house: House, citizen: SignedIn) -> None:
    first, second, third = (new_resource() for _ in range(3))
    portal = house.registers_portal(resources=[first, second, third])
    given = members(redeem(portal, citizen, {"resource": f"{first} {second}"}))
    assert portal.reads_access_token(given["access_token"], expected_audience=first)["aud"] == first
    other = members(portal.refreshes(given["refresh_token"], resource=second))
    assert portal.reads_access_token(other["access_token"], expected_audience=second)["aud"] == second
    for wrong in (third, f"{first} {second}", "https://api.elsewhere.example"):
        refused = portal.refreshes(given["refresh_token"], resource=wrong)
        assert (refused.status_code, members(refused)["error"]) == (400, "invalid_target")
    chosen = redeem(portal, citizen, {"resource": f"{first} {second}"}, resource=second)
    assert portal.reads_access_token(members(chosen)["access_token"], expected_audience=second)["aud"] == second
    unregistered = portal.pushes(resource=f"{first} https://api.elsewhere.example")
    assert members(unregistered)["error"] == "invalid_target"


@pytest.mark.spec("RFC 8707 2")
def test_resource_alone_may_be_repeated(house: House) -> None:
    first, second = new_resource(), new_resource()
    portal = house.registers_portal(resources=[first, second])
    form = {**portal.authentication(), **portal.asks().parameters}
    pushed = portal.http.post("/par", data={**form, "resource": [first, second]})
    assert pushed.status_code == 201, pushed.text
    form = {**portal.authentication(), **portal.asks().parameters}
    twice = portal.http.post("/par", data={**form, "resource": [first, second], "scope": ["openid", "openid"]})
    assert (twice.status_code, members(twice)["error"]) == (400, "invalid_request")


def test_a_scope_may_be_left_out_of_a_token_for_a_resource(portal: Portal, citizen: SignedIn, resource: str) -> None:
    scope = "openid service:login offline_access records.read"
    given = members(redeem(portal, citizen, {"resource": resource, "scope": scope}))
    less = members(portal.refreshes(given["refresh_token"], scope="records.read"))
    assert less["scope"] == "records.read"
    assert introspects(portal, less["access_token"])["scope"] == "records.read"
    more = portal.refreshes(given["refresh_token"], scope="records.read records.write")
    assert members(more)["error"] == "invalid_scope"


@pytest.mark.spec("RFC 8707 2", "RFC 9101 4")
def test_a_signed_request_names_several_resources_in_an_array(house: House) -> None:
    first, second = new_resource(), new_resource()
    portal = house.registers_portal(resources=[first, second])
    claims: dict[str, Any] = {**portal.asks().parameters, "resource": [first, second]}
    assert portal.post("/par", request=portal.assertion(sub=None, jti=None, **claims)).status_code == 201
    wrongs: tuple[Any, ...] = ([first, 1], [first, "https://api.elsewhere.example"], {"a": first}, [[first]])
    for wrong in wrongs:
        poisoned = portal.assertion(sub=None, jti=None, **{**claims, "resource": wrong})
        refused = portal.post("/par", request=poisoned)
        assert members(refused)["error"] in {"invalid_target", "invalid_request_object"}
