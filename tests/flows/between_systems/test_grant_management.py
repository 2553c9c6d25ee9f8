"""Grant management: a relying party looks at what it was granted, and gives it back, one grant at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.support.foreign.systems import INACTIVE, gets_token, introspects, new_resource, registers_machine
from tests.support.house import ISSUER, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import House, Portal
    from tests.support.signed_in import Tokens

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
ENDPOINT = f"{ISSUER}/grants"
DETAIL: dict[str, Any] = {
    "type": "vn_document_share",
    "documents": ["birth_certificate"],
    "recipient": "tax",
    "case_number": "H1",
}


def manager(house: House, *resources: str, **metadata: Any) -> Portal:
    """Register a portal that may manage what it is granted."""
    return house.registers_portal(
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        resources=[ENDPOINT, *resources],
        scope=f"openid profile offline_access {QUERY} {REVOKE}",
        authorization_details_types=["vn_document_share"],
        **metadata,
    )


def granted(house: House, portal: Portal, **parameters: str) -> Tokens:
    """Let a new citizen grant something that can be managed."""
    return house.logs_in_directly().gives_tokens(portal, grant_management_action="create", **parameters)


def calls(portal: Portal, grant_id: str, token: str, *, method: str = "GET") -> TestResponse:
    """Call the endpoint with an access token."""
    path = f"/grants/{grant_id}"
    headers = {"Authorization": f"Bearer {token}"}
    if portal.dpop is not None:
        headers = {"Authorization": f"DPoP {token}", **portal.dpop.header(path, method, token=token)}
    return portal.http.open(path, method=method, headers=headers)


@pytest.mark.spec("Grant Management 6.3")
def test_a_relying_party_asks_what_it_was_granted(any_house: House) -> None:
    resource = new_resource()
    portal = manager(any_house, resource)
    asked = {"verification": {"trust_framework": None, "time": None}, "claims": {"name": None}}
    tokens = granted(
        any_house,
        portal,
        resource=resource,
        authorization_details=orjson.dumps([DETAIL]).decode(),
        claims=orjson.dumps({"userinfo": {"verified_claims": asked}}).decode(),
    )
    answer = calls(portal, tokens.members["grant_id"], gets_token(portal, ENDPOINT, scope=QUERY))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    told = members(answer)
    assert told["scopes"] == [{"scope": "openid service:login offline_access", "resources": [resource]}]
    assert told["claims"] == ["name", "account_level"]
    assert told["authorization_details"] == [DETAIL]


@pytest.mark.spec("Grant Management 6.4", "RT-09")
def test_a_relying_party_gives_a_grant_back(any_house: House) -> None:
    portal = manager(any_house)
    tokens, untouched = granted(any_house, portal), granted(any_house, portal)
    grant_id, revoke = tokens.members["grant_id"], gets_token(portal, ENDPOINT, scope=REVOKE)
    ended = calls(portal, grant_id, revoke, method="DELETE")
    assert (ended.status_code, ended.data) == (204, b"")
    assert introspects(portal, tokens.access) == INACTIVE
    assert not tokens.are_alive()
    again = calls(portal, grant_id, revoke, method="DELETE")
    assert again.status_code == 404
    assert calls(portal, grant_id, gets_token(portal, ENDPOINT)).status_code == 404
    assert untouched.are_alive()


def test_a_grant_is_named_only_where_that_was_asked_for(house: House) -> None:
    portal = manager(house)
    assert "grant_id" not in house.logs_in_directly().gives_tokens(portal).members
    assert granted(house, portal).members["grant_id"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"grant_management_action": "merge"},
        {"grant_management_action": "replace", "grant_id": "x"},
        {"grant_management_action": "create", "grant_id": "x"},
        {"grant_id": "x"},
    ],
)
def test_a_grant_that_is_there_is_changed_by_no_request(house: House, parameters: dict[str, str]) -> None:
    portal = manager(house)
    assert members(portal.pushes(**parameters))["error"] == "invalid_request"
    assert portal.pushes(grant_management_action="create").status_code == 201


@pytest.mark.spec("Grant Management 6.3", "Grant Management 6.4")
def test_another_one_s_grant_is_not_there(house: House) -> None:
    portal, other = manager(house), manager(house)
    tokens = granted(house, portal)
    grant_id, foreign = tokens.members["grant_id"], gets_token(other, ENDPOINT)
    unknown = calls(other, "0193-nothing", foreign)
    for method in ("GET", "DELETE"):
        answer = calls(other, grant_id, foreign, method=method)
        assert (answer.status_code, answer.data) == (404, unknown.data)
    assert tokens.are_alive()
    assert calls(portal, grant_id, gets_token(portal, ENDPOINT)).status_code == 200


@pytest.mark.spec("RFC 6750 3.1")
def test_a_token_of_another_scope_resource_or_kind_reaches_nothing(house: House) -> None:
    resource = new_resource()
    portal = manager(house, resource)
    tokens = granted(house, portal)
    grant_id = tokens.members["grant_id"]
    query, revoke = (gets_token(portal, ENDPOINT, scope=scope) for scope in (QUERY, REVOKE))
    for method, token in (("GET", revoke), ("DELETE", query)):
        narrow = calls(portal, grant_id, token, method=method)
        assert (narrow.status_code, members(narrow)["error"]) == (403, "insufficient_scope")
    elsewhere = gets_token(portal, resource)
    for token in (elsewhere, tokens.access, tokens.refresh, tokens.members["id_token"], "nothing", ""):
        answer = calls(portal, grant_id, token)
        assert (answer.status_code, members(answer)["error"]) == (401, "invalid_token")
    assert portal.http.get(f"/grants/{grant_id}").status_code == 401
    assert portal.http.get(f"/grants/{grant_id}?access_token={query}").status_code == 401
    assert calls(portal, grant_id, query).status_code == 200
    assert tokens.are_alive()


def test_a_machine_s_own_authorization_is_no_grant(house: House) -> None:
    portal = manager(house)
    token = gets_token(portal, ENDPOINT)
    own = portal.reads_access_token(token, expected_audience=ENDPOINT)["jti"].partition(".")[0]
    assert calls(portal, own, token, method="DELETE").status_code == 404
    assert introspects(portal, token)["active"] is True


@pytest.mark.spec("RFC 9449 7.1")
def test_a_bound_token_manages_with_its_key_alone(house: House) -> None:
    portal = manager(house)
    tokens = granted(house, portal)
    machine = registers_machine(house, profile="fapi2", resources=[ENDPOINT], scope=f"{QUERY} {REVOKE}")
    token = gets_token(machine, ENDPOINT)
    assert calls(machine, tokens.members["grant_id"], token).status_code == 404  # it is not its own
    assert machine.dpop is not None
    for scheme in ("Bearer", "Basic"):  # a proof, and the token under another name
        headers = {"Authorization": f"{scheme} {token}", **machine.dpop.header("/grants/x", "GET", token=token)}
        answer = machine.http.get("/grants/x", headers=headers)
        assert (answer.status_code, members(answer)["error"]) == (401, "invalid_token")
    machine.dpop = type(machine.dpop)()
    assert calls(machine, "x", token).status_code == 401


def test_a_path_with_more_or_nothing_in_it_is_not_there(any_house: House) -> None:
    portal = manager(any_house)
    token = gets_token(portal, ENDPOINT)
    assert [calls(portal, name, token).status_code for name in ("", "%ff", "x" * 9000)] == [404] * 3
    assert calls(portal, "a%00b", token).status_code == 400
    assert calls(portal, "a/b", token).status_code == 404
    assert portal.http.post("/grants/x").status_code == 405
