"""Attacks on what is bound to a key: tokens without it or by another one, codes, refresh tokens (RFC 9449 5, 7, 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.attacks.dpop.holder import Holder, is_refused, pushed_with
from tests.support.foreign.dpop import DpopKey
from tests.support.house import answered, members

if TYPE_CHECKING:
    from tests.support.house import House, SignedIn


@pytest.mark.spec("DP-14")
def test_a_bound_token_is_no_bearer_token(holder: Holder) -> None:
    for response in (
        holder.asks_with(scheme="Bearer"),
        holder.asks_with(holder.proof("/userinfo"), scheme="Bearer"),
        holder.portal.http.post("/userinfo", data={"access_token": holder.tokens.access}),
    ):
        assert is_refused(response, "/userinfo", "invalid_token")
    assert is_refused(holder.asks_with(), "/userinfo")
    assert holder.asks_with(holder.proof("/userinfo")).status_code == 200
    assert holder.asks_with(holder.proof("/userinfo"), scheme="DPOP").status_code == 200
    posted = holder.key.proof("/userinfo", "POST", token=holder.tokens.access)
    assert holder.asks_with(posted, method="POST").status_code == 200


@pytest.mark.spec("DP-14")
def test_a_token_that_is_bound_to_nothing_is_no_dpop_token(house: House, citizen: SignedIn) -> None:
    portal, key = house.registers_portal(), DpopKey()
    token = citizen.gives_tokens(portal).access
    headers = {"Authorization": f"DPoP {token}", **key.header("/userinfo", "GET", token=token)}
    response = portal.http.get("/userinfo", headers=headers)
    assert is_refused(response, "/userinfo", "invalid_token")
    assert portal.asks_userinfo(token).status_code == 200
    unasked = {"Authorization": f"Bearer {token}", **key.header("/userinfo", "GET", token=token)}
    assert portal.http.get("/userinfo", headers=unasked).status_code == 200


@pytest.mark.spec("DP-14")
def test_who_sends_no_token_is_told_both_ways(house: House) -> None:
    response = house.browser().get("/userinfo")
    schemes = [challenge.partition(" ")[0] for challenge in response.headers.getlist("WWW-Authenticate")]
    assert (response.status_code, schemes) == (401, ["Bearer", "DPoP"])


@pytest.mark.parametrize("profile", ["fapi2", "fapi2-signing", "native"])
@pytest.mark.spec("DP-16", "TK-12")
def test_a_profile_that_binds_gives_nothing_without_a_proof(house: House, profile: str) -> None:
    method = {"native": "none"}.get(profile, "private_key_jwt")
    portal = house.registers_portal(profile=profile, token_endpoint_auth_method=method)
    portal.dpop = None
    response = portal.redeems("any", "v" * 43)
    assert (response.status_code, members(response)["error"]) == (400, "invalid_request")
    portal.dpop = DpopKey()
    assert members(portal.redeems("any", "v" * 43))["error"] == "invalid_grant"


@pytest.mark.spec("DP-16")
def test_a_web_portal_that_registers_for_it_is_held_to_it(house: House, citizen: SignedIn) -> None:
    portal = house.registers_portal(dpop_bound_access_tokens=True)
    assert members(portal.redeems("any", "v" * 43))["error"] == "invalid_request"
    portal.dpop = DpopKey()
    assert citizen.gives_tokens(portal).members["token_type"] == "DPoP"


@pytest.mark.spec("TK-12")
def test_a_code_is_not_burnt_by_a_request_without_a_proof(house: House, citizen: SignedIn) -> None:
    portal = house.registers_portal(profile="fapi2")
    login = portal.asks().pushed()
    answer = citizen.arrives(login)
    portal.dpop, key = None, portal.dpop
    assert members(login.redeem(answer))["error"] == "invalid_request"
    portal.dpop = key
    assert login.redeem(answer).status_code == 200


@pytest.mark.spec("PAR-17")
def test_a_pushed_request_names_the_key_that_it_proves(house: House) -> None:
    portal = house.registers_portal(profile="fapi2")
    mine, other = DpopKey(), DpopKey()
    assert pushed_with(portal, mine).status_code == 201
    assert pushed_with(portal, mine, dpop_jkt=mine.thumbprint).status_code == 201
    assert pushed_with(portal, None, dpop_jkt=mine.thumbprint).status_code == 201
    wrong = pushed_with(portal, mine, dpop_jkt=other.thumbprint)
    assert (wrong.status_code, members(wrong)["error"]) == (400, "invalid_request")
    for malformed in ("x", "é" * 43, "a" * 44, mine.thumbprint + "="):
        assert members(pushed_with(portal, None, dpop_jkt=malformed))["error"] == "invalid_request"
    form = {**portal.authentication(), **portal.asks().parameters}
    for header in ({"DPoP": mine.proof("/token")}, {"DPoP": mine.proof("/par", "GET")}, {"DPoP": "x"}):
        refused = portal.http.post("/par", data={**form, **portal.authentication()}, headers=header)
        assert (refused.status_code, members(refused)["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("way", ["parameter", "proof", "both"])
@pytest.mark.spec("TK-08", "PAR-17")
def test_a_code_is_bound_to_the_key_that_was_named(house: House, citizen: SignedIn, way: str) -> None:
    portal = house.registers_portal(profile="fapi2")
    key, thief = portal.dpop, DpopKey()
    assert key is not None
    login = portal.asks(**({} if way == "proof" else {"dpop_jkt": key.thumbprint}))
    headers = {} if way == "parameter" else key.header("/par")
    pushed = portal.http.post("/par", data={**portal.authentication(), **login.parameters}, headers=headers)
    uri = members(pushed)["request_uri"]
    for by, outcome in ((thief, 400), (key, 200)):
        fresh = portal.asks(**({} if way == "proof" else {"dpop_jkt": key.thumbprint}))
        headers = {} if way == "parameter" else key.header("/par")
        pushed = portal.http.post("/par", data={**portal.authentication(), **fresh.parameters}, headers=headers)
        uri = members(pushed)["request_uri"]
        citizen.agrees_to(fresh)
        url = "/authorize?" + urlencode({"client_id": portal.client_id, "request_uri": uri})
        code = answered(citizen.browser.get(url))["code"]
        portal.dpop = by
        response = portal.redeems(code, fresh.verifier)
        assert response.status_code == outcome, response.text
        if outcome == 400:
            assert members(response)["error"] == "invalid_grant"
            portal.dpop = key
            assert members(portal.redeems(code, fresh.verifier))["error"] == "invalid_grant"


@pytest.mark.spec("TK-08")
def test_a_parameter_of_the_authorization_request_binds_as_well(house: House, citizen: SignedIn) -> None:
    portal, key = house.registers_portal(), DpopKey()
    for by, outcome in ((None, 400), (DpopKey(), 400), (key, 200)):
        login = portal.asks(dpop_jkt=key.thumbprint)
        answer = citizen.arrives(login)
        portal.dpop = by
        assert login.redeem(answer).status_code == outcome


@pytest.mark.spec("DP-15", "RT-01")
def test_a_refresh_by_another_key_binds_the_new_token_to_it_and_not_the_old(house: House, citizen: SignedIn) -> None:
    portal = house.registers_portal(profile="fapi2")
    tokens, former, new = citizen.gives_tokens(portal), portal.dpop, DpopKey()
    portal.dpop = new
    answer = members(portal.refreshes(tokens.refresh))
    assert (answer["token_type"], answer["refresh_token"]) == ("DPoP", tokens.refresh)
    assert portal.asks_userinfo(answer["access_token"]).status_code == 200
    assert portal.asks_userinfo(tokens.access).status_code == 401
    portal.dpop = former
    assert portal.asks_userinfo(answer["access_token"]).status_code == 401
    assert portal.asks_userinfo(tokens.access).status_code == 200


@pytest.mark.spec("DP-15")
def test_what_was_bound_once_is_never_refreshed_as_a_bearer_token(any_house: House) -> None:
    portal, citizen = any_house.registers_portal(), any_house.logs_in_directly()
    portal.dpop = DpopKey()
    tokens = citizen.gives_tokens(portal)
    portal.dpop = None
    refused = portal.refreshes(tokens.refresh)
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_request")
    portal.dpop = DpopKey()
    assert portal.refreshes(tokens.refresh).status_code == 200


@pytest.mark.spec("DP-12")
def test_an_access_token_for_a_resource_names_the_key(house: House, citizen: SignedIn) -> None:
    resource = "https://api.example/"
    portal = house.registers_portal(profile="fapi2", resources=[resource])
    tokens = citizen.gives_tokens(portal, resource=resource)
    assert portal.dpop is not None
    claims = portal.reads_access_token(tokens.access, expected_audience=resource)
    assert claims["cnf"] == {"jkt": portal.dpop.thumbprint}
    portal.dpop = DpopKey()
    again = members(portal.refreshes(tokens.refresh))["access_token"]
    claims = portal.reads_access_token(again, expected_audience=resource)
    assert claims["cnf"] == {"jkt": portal.dpop.thumbprint}
