"""client_credentials: a system gets a token for itself, for one resource, and for nothing that is a citizen's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from idp.storage.sql.tables import audit_event
from tests.support.foreign.registrant import moves
from tests.support.foreign.systems import (
    INACTIVE,
    asks_for_token,
    gets_token,
    introspects,
    new_resource,
    registers_machine,
)
from tests.support.house import later, members
from tests.support.signed_in import ends_portal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.house import House, Portal


@pytest.fixture
def resource() -> str:
    """Name a resource of this test."""
    return new_resource()


@pytest.fixture
def machine(house: House, resource: str) -> Portal:
    """Give a system of this test."""
    return registers_machine(house, resources=[resource])


@pytest.mark.spec("RFC 6749 4.4", "RFC 9068 2.2", "RFC 8707 2.2")
def test_a_machine_gets_a_token_for_a_resource_and_nothing_else(any_house: House, resource: str) -> None:
    machine = registers_machine(any_house, resources=[resource])
    answer = asks_for_token(machine, resource=resource, scope="records.read")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    given = members(answer)
    token = given.pop("access_token")
    assert given == {"token_type": "Bearer", "expires_in": 300, "scope": "records.read"}
    claims = machine.reads_access_token(token, expected_audience=resource)
    assert set(claims) == {"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope"}
    assert claims["sub"] == claims["client_id"] == machine.client_id
    assert claims["exp"] - claims["iat"] == 300


def test_who_names_no_scope_gets_all_that_are_registered_and_about_no_citizen(house: House, resource: str) -> None:
    web = house.registers_portal(
        grant_types=["authorization_code", "client_credentials"],
        scope="openid profile service:login offline_access vn_legacy records.read",
        resources=[resource],
    )
    assert members(asks_for_token(web, resource=resource))["scope"] == "records.read"
    assert members(asks_for_token(web, resource=resource, scope="vn_legacy"))["error"] == "invalid_scope"
    bare = registers_machine(house, resources=[resource], scope="openid vn_legacy")
    assert "scope" not in members(asks_for_token(bare, resource=resource))


@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_basic", "client_secret_post"])
def test_a_machine_proves_itself_by_any_method_of_its_profile(house: House, resource: str, method: str) -> None:
    machine = registers_machine(house, resources=[resource], token_endpoint_auth_method=method)
    assert asks_for_token(machine, resource=resource).status_code == 200
    stranger = registers_machine(house, resources=[resource], token_endpoint_auth_method=method)
    stranger.client_id, stranger.secret = machine.client_id, "guessed"
    assert members(asks_for_token(stranger, resource=resource))["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resource": ""}, "invalid_target"),
        ({"resource": "https://api.elsewhere.example"}, "invalid_target"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "records.read offline_access"}, "invalid_scope"),
        ({"scope": "service:login"}, "invalid_scope"),
        ({"scope": "records.delete"}, "invalid_scope"),
        ({"scope": "records.read  records.write"}, "invalid_scope"),
        ({"authorization_details": '[{"type":"vn_document_share"}]'}, "invalid_authorization_details"),
    ],
)
@pytest.mark.spec("RFC 8707 2.2")
def test_more_than_what_is_registered_is_refused(
    machine: Portal, resource: str, changes: dict[str, str], error: str
) -> None:
    refused = asks_for_token(machine, **{"resource": resource, **changes})
    assert (refused.status_code, members(refused)["error"]) == (400, error)
    assert asks_for_token(machine, resource=resource, scope="records.read").status_code == 200


def test_a_token_is_for_one_resource_even_where_several_are_registered(house: House, resource: str) -> None:
    other = new_resource()
    machine = registers_machine(house, resources=[resource, other])
    both = machine.post("/token", grant_type="client_credentials", resource=f"{resource} {other}")
    assert members(both)["error"] == "invalid_target"
    for one in (resource, other):
        assert machine.reads_access_token(gets_token(machine, one), expected_audience=one)["aud"] == one


def test_who_is_not_registered_for_it_gets_none(house: House, resource: str) -> None:
    portal = house.registers_portal(resources=[resource], scope="openid records.read")
    refused = asks_for_token(portal, resource=resource)
    assert (refused.status_code, members(refused)["error"]) == (400, "unauthorized_client")
    native = house.registers_portal(
        profile="native", token_endpoint_auth_method="none", redirect_uris=["http://127.0.0.1/cb"], resources=[resource]
    )
    assert members(asks_for_token(native, resource=resource, client_id=native.client_id))["error"] in {
        "unauthorized_client",
        "invalid_request",
    }


@pytest.mark.spec("RT-09")
def test_a_token_that_is_given_back_is_dead_and_another_s_is_not(house: House, resource: str) -> None:
    machine, other = (registers_machine(house, resources=[resource]) for _ in range(2))
    mine, its = gets_token(machine, resource), gets_token(other, resource)
    assert machine.revokes(mine).status_code == 200
    assert machine.revokes(its).status_code == 200
    assert introspects(machine, mine) == INACTIVE
    assert introspects(other, its)["active"] is True


def suspends_portal(machine: Portal) -> None:
    """Suspend a relying party, as the operator does."""
    moves(machine.house, machine.client_id, status="suspended")


@pytest.mark.parametrize("shuts", [ends_portal, suspends_portal])
@pytest.mark.spec("TK-16", "RT-07")
def test_a_machine_that_is_shut_out_gets_nothing_and_what_it_had_is_dead(
    any_house: House, resource: str, shuts: Callable[[Portal], None]
) -> None:
    server = registers_machine(any_house, resources=[resource], resources_served=[resource])
    machine, other = (registers_machine(any_house, resources=[resource]) for _ in range(2))
    token, others_token = gets_token(machine, resource), gets_token(other, resource)
    assert introspects(server, token)["active"] is True
    shuts(machine)
    refused = asks_for_token(machine, resource=resource)
    assert members(refused)["error"] in {"invalid_grant", "invalid_client"}
    assert introspects(server, token) == INACTIVE
    assert introspects(server, others_token)["active"] is True


def test_a_token_ends_by_itself(machine: Portal, resource: str) -> None:
    token = gets_token(machine, resource)
    assert introspects(machine, token)["active"] is True
    with later(301):
        assert introspects(machine, token) == INACTIVE


def test_a_machine_s_token_tells_nothing_of_anybody(machine: Portal, resource: str) -> None:
    refused = machine.asks_userinfo(gets_token(machine, resource))
    assert (refused.status_code, members(refused)["error"]) == (401, "invalid_token")


def test_every_token_leaves_its_event(house: House, machine: Portal, resource: str) -> None:
    token = gets_token(machine, resource, scope="records.read")
    jti = machine.reads_access_token(token, expected_audience=resource)["jti"]
    assert events_of(house, object_id=jti.partition(".")[0]) == ["MachineAuthorized"]


def events_of(house: House, *, object_id: str) -> list[str]:
    """Return the types of the audit events about one thing."""
    chosen: Any = select(audit_event.c.type).where(audit_event.c.object == object_id)
    return list(house.office.database.consult(lambda connection: connection.execute(chosen).scalars().all()))
