"""Token exchange: narrower, shorter, with the name of who acts; and dead with what it came from."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import func, select

from idp.storage.sql.tables import authorization
from tests.support.foreign.systems import (
    ACCESS_TOKEN,
    EXCHANGE,
    Line,
    exchanges,
    gets_token,
    introspects,
    new_resource,
    registers_machine,
)
from tests.support.house import later, members

if TYPE_CHECKING:
    from tests.support.house import House, Portal

JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture
def line(house: House) -> Line:
    """Give a portal and servers that stand in a line, for this test."""
    return Line(house)


def refused(answer: Any) -> str:
    """Return the error of a refusal that tells nothing else."""
    assert answer.status_code == 400, answer.text
    assert set(members(answer)) == {"error", "error_description"}
    return str(members(answer)["error"])


@pytest.mark.spec("RFC 8693 2.2", "RFC 8693 4.1")
def test_a_server_exchanges_what_it_received_for_the_next_one(any_house: House) -> None:
    line = Line(any_house)
    given = line.exchanged()
    token = given.pop("access_token")
    assert given.pop("expires_in") <= 300
    assert given == {
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "scope": "records.read records.write",
    }
    before = line.portal.reads_access_token(line.tokens.access, expected_audience=line.first)
    after = line.portal.reads_access_token(token, expected_audience=line.second)
    assert after["act"] == {"sub": line.server.client_id}
    assert after["client_id"] == line.server.client_id
    assert {name: after[name] for name in ("sub", "acr", "auth_time", "amr")} == {
        name: before[name] for name in ("sub", "acr", "auth_time", "amr")
    }
    told = introspects(line.next, token)
    assert (told["active"], told["act"], told["sub"]) == (True, after["act"], before["sub"])


@pytest.mark.spec("RFC 8693 2.2")
def test_nothing_comes_beside_the_token(line: Line) -> None:
    assert not {"refresh_token", "id_token"} & set(line.exchanged())


@pytest.mark.spec("RFC 8693 4.1")
def test_who_acts_is_a_chain_and_the_newest_stands_outside(line: Line) -> None:
    second = line.exchanged()["access_token"]
    answer = exchanges(line.next, second, resource=line.third, scope="records.read")
    claims = line.portal.reads_access_token(members(answer)["access_token"], expected_audience=line.third)
    assert claims["act"] == {"sub": line.next.client_id, "act": {"sub": line.server.client_id}}
    assert claims["scope"] == "records.read"


@pytest.mark.spec("RFC 8693 4.1")
def test_a_token_is_handed_on_three_times_and_no_more(house: House, line: Line) -> None:
    ring = [new_resource() for _ in range(5)]
    servers = [
        registers_machine(
            house,
            grant_types=["client_credentials", EXCHANGE],
            resources=[after],
            resources_served=[served],
            exchange={"resources": [after], "scopes": ["records.read"]},
        )
        for served, after in itertools.pairwise(ring)
    ]
    machine = registers_machine(house, resources=[ring[0]])
    token = gets_token(machine, ring[0])
    for server, after in zip(servers[:3], ring[1:], strict=False):
        answer = exchanges(server, token, resource=after)
        assert answer.status_code == 200, answer.text
        token = members(answer)["access_token"]
        assert introspects(server, token)["active"] is True
    assert refused(exchanges(servers[3], token, resource=ring[4])) == "invalid_request"
    assert introspects(servers[3], token)["active"] is True
    assert line.exchanged()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resource": ""}, "invalid_target"),
        ({"resource": "https://api.elsewhere.example"}, "invalid_target"),
        ({"audience": "somebody"}, "invalid_target"),
        ({"scope": "records.read records.delete"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "service:login"}, "invalid_scope"),
        ({"subject_token": "nothing"}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"actor_token": "nothing"}, "invalid_request"),
        ({"actor_token": "nothing", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"authorization_details": '[{"type":"vn_document_share"}]'}, "invalid_authorization_details"),
    ],
)
@pytest.mark.spec("RFC 8693 2.1", "RFC 8693 2.2.2")
def test_whatever_is_wider_or_malformed_is_refused(line: Line, changes: dict[str, str], error: str) -> None:
    poisoned = {"resource": line.second, **changes}
    token = poisoned.pop("subject_token", line.tokens.access)
    assert refused(exchanges(line.server, token, **poisoned)) == error
    assert exchanges(line.server, line.tokens.access, resource=line.second).status_code == 200


def test_a_policy_allows_only_the_scopes_that_it_names(house: House, line: Line) -> None:
    narrow = registers_machine(
        house,
        grant_types=[EXCHANGE],
        resources_served=[line.first],
        exchange={"resources": [line.second], "scopes": ["records.read"]},
    )
    given = members(exchanges(narrow, line.tokens.access, resource=line.second))
    assert given["scope"] == "records.read"
    assert (
        refused(exchanges(narrow, line.tokens.access, resource=line.second, scope="records.write")) == "invalid_scope"
    )
    nothing = registers_machine(
        house,
        grant_types=[EXCHANGE],
        resources_served=[line.first],
        exchange={"resources": [line.second], "scopes": ["other.scope"]},
    )
    assert refused(exchanges(nothing, line.tokens.access, resource=line.second)) == "invalid_scope"


@pytest.mark.spec("RFC 8693 2.1")
def test_who_neither_got_the_token_nor_serves_its_resource_cannot_exchange_it(house: House, line: Line) -> None:
    thief = registers_machine(
        house,
        grant_types=[EXCHANGE],
        resources_served=[new_resource()],
        exchange={"resources": [line.second], "scopes": ["records.read"]},
    )
    stolen = exchanges(thief, line.tokens.access, resource=line.second)
    unknown = exchanges(thief, "nothing", resource=line.second)
    assert refused(stolen) == refused(unknown) == "invalid_request"
    assert stolen.data == unknown.data
    assert line.exchanged()["token_type"] == "Bearer"


def test_who_is_not_registered_for_it_exchanges_nothing(line: Line) -> None:
    assert refused(exchanges(line.portal, line.tokens.access, resource=line.second)) == "unauthorized_client"
    assert refused(exchanges(line.last, line.tokens.access, resource=line.third)) == "unauthorized_client"


def test_a_refresh_token_and_an_id_token_are_not_exchanged(house: House) -> None:
    resource, target = new_resource(), new_resource()
    portal = exchanging_portal(house, resource=resource, target=target)
    tokens = house.logs_in_directly().gives_tokens(
        portal, resource=resource, scope="openid service:login offline_access records.read"
    )
    for token in (tokens.refresh, tokens.members["id_token"], portal.assertion()):
        assert refused(exchanges(portal, token, resource=target)) == "invalid_request"
    assert exchanges(portal, tokens.access, resource=target).status_code == 200


def exchanging_portal(house: House, *, resource: str, target: str, **metadata: Any) -> Portal:
    """Register a portal that may exchange the tokens that it got itself."""
    return house.registers_portal(
        grant_types=["authorization_code", "refresh_token", "client_credentials", EXCHANGE],
        resources=[resource],
        scope="openid offline_access records.read records.write",
        exchange={"resources": [target], "scopes": ["records.read"]},
        **metadata,
    )


def test_a_portal_narrows_a_token_of_its_own(house: House) -> None:
    resource, target = new_resource(), new_resource()
    portal = exchanging_portal(house, resource=resource, target=target)
    tokens = house.logs_in_directly().gives_tokens(
        portal, resource=resource, scope="openid service:login records.read records.write"
    )
    given = members(exchanges(portal, tokens.access, resource=target, subject_token_type=JWT))
    claims = portal.reads_access_token(given["access_token"], expected_audience=target)
    assert (claims["scope"], claims["act"]) == ("records.read", {"sub": portal.client_id})


def test_a_token_for_userinfo_is_exchanged_by_whom_it_was_given_to_alone(house: House, line: Line) -> None:
    target = new_resource()
    portal = exchanging_portal(house, resource=new_resource(), target=target)
    opaque = house.logs_in_directly().gives_tokens(portal, scope="openid service:login records.read").access
    assert refused(exchanges(line.server, opaque, resource=line.second)) == "invalid_request"
    assert exchanges(portal, opaque, resource=target).status_code == 200


@pytest.mark.spec("RFC 8693 4.1")
def test_an_actor_token_is_the_actor_s_own(line: Line) -> None:
    own, other = gets_token(line.server, line.second), gets_token(line.next, line.third)
    kind = {"actor_token_type": ACCESS_TOKEN}
    good = line.exchanged(actor_token=own, **kind)
    claims = line.portal.reads_access_token(good["access_token"], expected_audience=line.second)
    assert claims["act"] == {"sub": line.server.client_id}
    for foreign in (other, line.tokens.access, line.tokens.refresh):
        answer = exchanges(line.server, line.tokens.access, resource=line.second, actor_token=foreign, **kind)
        assert refused(answer) == "invalid_request"
    misnamed = {"actor_token": own, "actor_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}
    assert refused(exchanges(line.server, line.tokens.access, resource=line.second, **misnamed)) == "invalid_request"
    line.server.revokes(own)
    dead = exchanges(line.server, line.tokens.access, resource=line.second, actor_token=own, **kind)
    assert refused(dead) == "invalid_request"


def test_a_token_lives_no_longer_than_the_one_that_it_came_from(line: Line) -> None:
    with later(240):
        given = line.exchanged()
        before = introspects(line.portal, line.tokens.access)
        after = introspects(line.next, given["access_token"])
        assert after["exp"] == before["exp"]
        assert given["expires_in"] <= 60
    with later(301):
        assert refused(exchanges(line.server, line.tokens.access, resource=line.second)) == "invalid_request"


def test_a_bound_token_is_exchanged_with_its_key_and_the_new_one_is_bound_too(house: House) -> None:
    target = new_resource()
    bound = registers_machine(
        house,
        profile="fapi2",
        grant_types=["client_credentials", EXCHANGE],
        resources=[target],
        exchange={"resources": [target], "scopes": ["records.read"]},
    )
    assert bound.dpop is not None
    token, key = gets_token(bound, target), bound.dpop
    given = members(exchanges(bound, token, resource=target))
    assert given["token_type"] == "DPoP"
    assert introspects(bound, given["access_token"])["cnf"] == {"jkt": key.thumbprint}
    bound.dpop = type(key)()
    assert refused(exchanges(bound, token, resource=target)) == "invalid_request"


def test_a_refused_exchange_leaves_no_row(house: House, line: Line) -> None:
    def rows() -> int:
        count = select(func.count()).select_from(authorization).where(authorization.c.parent_id.is_not(None))
        return house.office.database.consult(lambda connection: connection.execute(count).scalar_one())

    before = rows()
    refused(exchanges(line.server, line.tokens.access, resource="https://api.elsewhere.example"))
    refused(exchanges(line.server, line.tokens.access, resource=line.second, scope="records.delete"))
    assert rows() == before
    line.exchanged()
    assert rows() == before + 1


def test_details_are_handed_on_only_where_they_are_asked_for_and_were_agreed(house: House) -> None:
    line = Line(house)
    detail = {"type": "vn_document_share", "documents": ["birth_certificate"], "recipient": "tax", "case_number": "H1"}
    asked = orjson.dumps([detail]).decode()
    answer = exchanges(line.server, line.tokens.access, resource=line.second, authorization_details=asked)
    assert refused(answer) == "invalid_authorization_details"
    assert "authorization_details" not in line.exchanged()
