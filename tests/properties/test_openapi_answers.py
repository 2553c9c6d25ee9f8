"""The description is whole, and every good answer and every refusal of real flows is as it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from idp.endpoints import ROUTES
from idp.errors import (
    AccessDenied,
    ConsentRequired,
    InsufficientScope,
    LoginRequired,
    ProtocolError,
    UnsupportedMediaType,
)
from idp.openapi import EXAMPLE, PATHS, document, written
from idp.openapi.answers import ALWAYS
from idp.openapi.operations import OPERATIONS
from idp.openapi.parameters import GRANT_PARAMETERS
from idp.protocol.grants import GRANTS
from tests.support.foreign.dpop import DpopKey
from tests.support.foreign.registrant import Registrant, gives_token
from tests.support.foreign.systems import Line, gets_token, introspects
from tests.support.house import ISSUER, House, Portal, house, members
from tests.support.login.elsewhere import Phone, asks_for, begins, ciba_portal, device_portal
from tests.support.project.described import Described

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["house"]

WRITTEN = Path(__file__).parents[2] / "docs" / "openapi.json"
ONLY_AT_THE_REDIRECT = {AccessDenied, ConsentRequired, LoginRequired}
"""Errors that a browser carries to the redirect address: never the status of an answer."""


@pytest.fixture
def watched(house: House) -> Iterator[tuple[House, Described]]:
    """Give the house with every answer compared, and see at the end that none differed."""
    described = Described(house.app)
    yield replace(house, app=described), described  # type: ignore[arg-type]  # called in the same way
    assert described.differing == []


def every_error(kind: type[ProtocolError] = ProtocolError) -> set[type[ProtocolError]]:
    """Return every error that is told to relying parties."""
    return {error for child in kind.__subclasses__() for error in {child, *every_error(child)}}


def test_what_is_written_down_is_what_the_tables_say() -> None:
    assert WRITTEN.read_bytes() == written(EXAMPLE), "type: .venv/bin/sen openapi > docs/openapi.json"


def test_every_path_and_method_is_described_and_no_other() -> None:
    described = document(ISSUER)["paths"]
    assert {path: {method.lower() for method in route.methods} for path, route in ROUTES.items()} == {
        path: set(described[PATHS[path]]) for path in ROUTES
    }
    assert described.keys() - PATHS.values() == {"/logout"}


def test_every_grant_and_every_error_is_described() -> None:
    assert GRANT_PARAMETERS.keys() == GRANTS.keys()
    operations = [operation for methods in OPERATIONS.values() for operation in methods.values()]
    named = {*ALWAYS, UnsupportedMediaType, *(refusal for operation in operations for refusal in operation.refusals)}
    assert every_error() - named == ONLY_AT_THE_REDIRECT


def test_a_login_a_refresh_and_their_ends_are_answered_as_described(watched: tuple[House, Described]) -> None:
    house, described = watched
    portal = house.registers_portal()
    citizen = house.logs_in_directly()
    login = portal.asks(scope="openid service:login offline_access profile").pushed()
    assert "/consent" in citizen.opens(login).headers["Location"]
    citizen.agrees_to(login, "offline_access")
    login = portal.asks(scope="openid service:login offline_access profile").pushed()
    tokens = members(login.redeem(citizen.opens(login)))
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 200
    assert portal.refreshes(tokens["refresh_token"]).status_code == 200
    assert introspects(portal, tokens["access_token"])["active"]
    assert portal.revokes(tokens["refresh_token"]).status_code == 200
    assert not introspects(portal, tokens["access_token"])["active"]
    posted = portal.asks(response_mode="form_post")
    assert citizen.browser.post("/authorize", data=posted.parameters).status_code == 200
    assert citizen.browser.get("/authorize").status_code == 400
    assert described.seen["/par", "POST", 201] == 2
    assert described.seen["/token", "POST", 200] == 2


def test_signed_and_encrypted_answers_are_as_described(watched: tuple[House, Described]) -> None:
    house, _ = watched
    portal = house.registers_portal(userinfo_signed_response_alg="ES256", introspection_signed_response_alg="ES256")
    tokens = house.logs_in_directly().gives_tokens(portal)
    assert portal.asks_userinfo(tokens.access).content_type == "application/jwt"
    assert portal.post("/introspect", token=tokens.access).content_type == "application/token-introspection+jwt"


def test_tokens_that_are_bound_to_a_key_are_answered_as_described(watched: tuple[House, Described]) -> None:
    house, described = watched
    portal = house.registers_portal(profile="fapi2")
    tokens = house.logs_in_directly().gives_tokens(portal)
    assert portal.asks_userinfo(tokens.access).status_code == 200
    stolen = portal.http.get("/userinfo", headers={"Authorization": f"DPoP {tokens.access}", **DpopKey().header("/")})
    assert stolen.status_code == 401
    portal.dpop = None
    assert portal.refreshes(tokens.refresh).status_code == 400
    assert described.seen["/userinfo", "GET", 401] == 1


def test_systems_are_answered_as_described(watched: tuple[House, Described]) -> None:
    house, _ = watched
    line = Line(house)
    assert line.exchanged()["issued_token_type"]
    assert introspects(line.server, line.tokens.access)["active"]
    gets_token(line.server, line.second)


def test_grants_are_looked_at_and_given_back_as_described(watched: tuple[House, Described]) -> None:
    house, described = watched
    query, revoke, endpoint = "grant_management_query", "grant_management_revoke", f"{ISSUER}/grants"
    portal = house.registers_portal(
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        resources=[endpoint],
        scope=f"openid offline_access {query} {revoke}",
    )
    granted = house.logs_in_directly().gives_tokens(portal, grant_management_action="create")
    path = f"/grants/{granted.members['grant_id']}"
    read, end = ({"Authorization": f"Bearer {gets_token(portal, endpoint, scope=scope)}"} for scope in (query, revoke))
    assert portal.http.get(path, headers=read).status_code == 200
    assert portal.http.head(path, headers=read).status_code == 200
    assert portal.http.delete(path, headers=read).status_code == InsufficientScope.status
    assert portal.http.delete(path, headers=end).status_code == 204
    assert portal.http.get("/grants/nobody", headers=read).status_code == 404
    assert portal.http.head("/grants/nobody", headers=read).status_code == 404
    assert described.seen[PATHS["/grants/"], "GET", 404] == 1


def test_devices_and_waiting_portals_are_answered_as_described(watched: tuple[House, Described]) -> None:
    house, described = watched
    citizen, device, ciba = house.logs_in_directly(), begins(device_portal(house)), ciba_portal(house)
    assert device.error() == "authorization_pending"
    assert device.error() == "slow_down"
    Phone.of(citizen).approves(device)
    assert device.tokens()
    asked = asks_for(ciba, citizen)
    Phone.of(citizen).approves(asked)
    assert asked.tokens()
    assert ciba.post("/bc-authorize", scope="openid service:login", login_hint="x").status_code == 400
    assert described.seen["/bc-authorize", "POST", 200] == 1


def test_registrations_are_answered_as_described(watched: tuple[House, Described]) -> None:
    house, described = watched
    waits = Registrant(house, gives_token(house, approved=False)).registered()
    assert waits.told["registration_status"] == "pending"
    registrant = Registrant(house, gives_token(house)).registered(**{"client_name#en": "Self-registered portal"})
    assert registrant.reads().status_code == 200
    assert registrant.changes(tos_uri="https://portal.example/tos").status_code == 200
    assert registrant.changes(redirect_uris=["javascript:alert(1)"]).status_code == 400
    assert registrant.changes(software_id=5).status_code == 400
    assert registrant.ends().status_code == 204
    assert registrant.reads(token="x").status_code == 401
    assert described.seen["/register", "POST", 201] == 2


@pytest.mark.parametrize("path", [path for path in ROUTES if not path.endswith("/")])
def test_documents_and_common_refusals_are_as_described(watched: tuple[House, Described], path: str) -> None:
    house, described = watched
    browser = house.browser()
    if "GET" in ROUTES[path].methods:
        whole = browser.get(path)
        kept = {"If-None-Match": whole.headers.get("ETag", "")}
        assert browser.get(path, headers=kept).status_code in {304, whole.status_code}
        assert browser.head(path).data == b""
    assert browser.open(path, method="PATCH").status_code == 405
    elsewhere = browser.open(path, method=min(ROUTES[path].methods - {"HEAD"}), headers={"Host": "elsewhere.example"})
    assert elsewhere.status_code == (200 if path.startswith(("/health", "/metrics")) else 421)
    assert browser.post(path, data="a=" + "b" * 70_000).status_code in {405, 413, 429}
    assert browser.open(path + "?" + "a" * 20_000, method=min(ROUTES[path].methods - {"HEAD"})).status_code == 413
    assert browser.open(path, method="POST", json={}).status_code in {400, 401, 405, 415}
    assert len(described.seen) >= 4


def test_a_lie_is_found(house: House) -> None:
    described = Described(house.app)
    lying: dict[str, Any] = described.document["components"]["schemas"]
    lying["Health"]["properties"]["status"] = {"enum": ["dead"]}
    del described.document["paths"]["/par"]["post"]["responses"]["401"]
    portal = Portal(replace(house, app=described), "nobody", key=None)  # type: ignore[arg-type]  # neither is looked at
    portal.http.get("/health/live")
    portal.http.post("/par", data={"client_id": "nobody", "client_secret": "x"})
    assert [lie.partition(":")[0] for lie in described.differing] == ["GET /health/live 200", "POST /par 401"]
