"""The code flow from the request to refreshed tokens, over the real application and real stores."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

import pytest

from idp.errors import TemporarilyUnavailable
from idp.protocol.subject import subject_for
from tests.support.house import ISSUER, answered, members

if TYPE_CHECKING:
    from tests.support.house import House


@pytest.mark.spec("ID-01", "TK-11", "AZ-12", "ID-07")
def test_a_citizen_arrives_and_the_portal_reads_who_it_is(any_house: House) -> None:
    portal, citizen = any_house.registers_portal(), any_house.logs_in_directly()
    login = portal.asks()
    answer = answered(citizen.arrives(login))
    assert answer["state"] == login.asked["state"]
    assert answer["iss"] == ISSUER
    response = portal.redeems(answer["code"], login.verifier)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"].lower() == "application/json;charset=utf-8"
    tokens = members(response)
    assert set(tokens) == {"access_token", "token_type", "expires_in", "id_token", "scope"}
    claims = portal.reads_id_token(tokens["id_token"])
    assert claims["nonce"] == login.asked["nonce"]
    assert claims["aud"] == portal.client_id
    assert claims["exp"] - claims["iat"] <= 300
    assert claims["acr"] == "urn:sen:authentication-level:2"
    assert {"sub", "auth_time", "amr", "at_hash", "sid"} <= set(claims)
    userinfo = members(portal.asks_userinfo(tokens["access_token"]))
    assert userinfo == {"sub": claims["sub"], "name": "Nguyễn Thị Hoa", "account_level": "02"}


@pytest.mark.spec("AZ-26", "RT-08")
def test_a_refresh_gives_the_same_person_the_same_login_and_the_same_refresh_token(any_house: House) -> None:
    portal, citizen = any_house.registers_portal(), any_house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    refreshed = portal.refreshes(tokens.refresh)
    assert refreshed.status_code == 200
    again = portal.reads_id_token(members(refreshed)["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert again[name] == tokens.id_token[name]
    assert "nonce" not in again
    assert members(refreshed)["refresh_token"] == tokens.refresh
    assert portal.asks_userinfo(members(refreshed)["access_token"]).status_code == 200


@pytest.mark.spec("AZ-26")
def test_without_an_agreed_offline_access_there_is_no_refresh_token(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    unticked = portal.asks(scope="openid service:login offline_access")
    response = unticked.redeem(citizen.arrives(unticked))
    assert "refresh_token" not in members(response)
    assert members(response)["scope"] == "openid service:login"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "EdDSA"])
@pytest.mark.spec("ID-01")
def test_an_id_token_is_signed_with_the_algorithm_of_its_portal(house: House, algorithm: str) -> None:
    portal = house.registers_portal(id_token_signed_response_alg=algorithm)
    citizen = house.logs_in_directly()
    login = portal.asks()
    citizen.agrees_to(login)
    tokens = members(login.redeem(citizen.opens(login.pushed())))
    claims = portal.reads_id_token(
        tokens["id_token"],
    )
    assert claims["at_hash"] == portal.half_hash(tokens["access_token"], algorithm=algorithm)


@pytest.mark.parametrize(
    "state",
    [
        "".join(secrets.choice(string.ascii_letters) for _ in range(1500)),
        "một trạng thái có dấu",
        "a&b=c#d<e>f'g\"h%20i+j k\\l",
        "https://elsewhere.example/?code=x&state=y",
        "\r\nLocation: https://elsewhere.example/",
    ],
)
@pytest.mark.spec("AZ-13")
def test_a_state_comes_back_as_it_was_sent(house: House, state: str) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks(state=state)
    response = citizen.arrives(login)
    assert answered(response)["state"] == state
    refused = citizen.opens(portal.asks(state=state, response_type="token"))
    assert answered(refused)["state"] == state
    assert "\n" not in refused.headers["Location"]


@pytest.mark.spec("AZ-13")
def test_a_state_that_is_too_long_is_refused_and_not_cut(house: House) -> None:
    portal = house.registers_portal()
    refused = answered(house.browser().get(portal.asks(state="s" * 2049).url))
    assert refused["error"] == "invalid_request"
    assert "state" not in refused


@pytest.mark.parametrize("length", [1, 64, 512])
@pytest.mark.spec("AZ-14")
def test_a_nonce_comes_back_in_the_id_token_as_it_was_sent(house: House, length: int) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    nonce = "".join(secrets.choice(string.printable[:94]) for _ in range(length))
    tokens = citizen.gives_tokens(portal, nonce=nonce)
    assert tokens.id_token["nonce"] == nonce


@pytest.mark.spec("AZ-14")
def test_a_nonce_that_is_too_long_is_refused_and_not_cut(house: House) -> None:
    refused = house.registers_portal().pushes(nonce="n" * 513)
    assert refused.status_code == 400


@pytest.mark.spec("AZ-27")
def test_a_request_by_post_is_answered_as_one_by_get(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks()
    citizen.agrees_to(login)
    posted = citizen.browser.post("/authorize", data=login.parameters)
    assert login.redeem(posted).status_code == 200
    wrong = {**login.parameters, "response_type": "token"}
    assert answered(citizen.browser.post("/authorize", data=wrong))["error"] == "unsupported_response_type"


@pytest.mark.spec("AZ-27")
@pytest.mark.parametrize("pushed", [False, True])
def test_a_form_of_another_site_comes_without_cookies_and_is_answered_as_if_it_had_brought_them(
    house: House, *, pushed: bool
) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks(prompt="none", state="mine")
    citizen.agrees_to(login)
    login = login.pushed() if pushed else login
    sent = portal.http.post("/authorize", data=login.parameters)
    assert sent.status_code == 303
    assert "Set-Cookie" not in sent.headers
    assert set(answered(sent)) == {"client_id", "request_uri"}
    back = citizen.browser.get(sent.headers["Location"])
    assert answered(back)["state"] == "mine"
    assert login.redeem(back).status_code == 200
    assert citizen.browser.get(sent.headers["Location"]).status_code == 400
    nobody = portal.http.post("/authorize", data=portal.asks(prompt="none").parameters)
    assert answered(portal.http.get(nobody.headers["Location"]))["error"] == "login_required"


@pytest.mark.spec("AZ-27")
def test_a_form_without_cookies_waits_for_its_citizen_at_the_browser_that_comes_back(house: House) -> None:
    portal, browser = house.registers_portal(), house.browser()
    first = browser.get(portal.asks().url)
    known = browser.get_cookie("sen_browser")
    second = portal.http.post("/authorize", data=portal.asks().parameters)
    for sent in (first, browser.get(second.headers["Location"])):
        assert "/login?tx=" in sent.headers["Location"]
        assert browser.get(sent.headers["Location"]).status_code == 200
    assert browser.get_cookie("sen_browser") == known


@pytest.mark.spec("AZ-09")
def test_unknown_and_empty_parameters_count_as_absent(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks()
    citizen.agrees_to(login)
    response = citizen.browser.get(f"{login.url}&foo=bar&prompt=&max_age=&request=&claims=")
    assert login.redeem(response).status_code == 200


@pytest.mark.spec("AZ-23")
def test_scopes_come_in_any_order_and_unknown_ones_are_left_out(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks(scope="unknown service:login offline_access openid")
    citizen.agrees_to(login, "offline_access")
    tokens = members(login.redeem(citizen.opens(login)))
    assert set(tokens["scope"].split()) == {"openid", "service:login", "offline_access"}


@pytest.mark.spec("TK-14")
def test_the_scope_of_the_tokens_is_never_wider_than_what_was_agreed(house: House) -> None:
    portal, citizen = house.registers_portal(scope="openid"), house.logs_in_directly()
    login = portal.asks(scope="openid service:login profile email offline_access")
    tokens = members(login.redeem(citizen.arrives(login)))
    assert tokens["scope"] == "openid service:login"


@pytest.mark.spec("ID-07")
def test_userinfo_tells_what_was_agreed_and_nothing_that_was_only_asked(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    with_claims = portal.asks(claims='{"userinfo":{"personal_number":null,"birthdate":null,"email":null}}')
    tokens = members(with_claims.redeem(citizen.arrives(with_claims)))
    assert set(members(portal.asks_userinfo(tokens["access_token"]))) == {"sub", "name", "account_level"}


@pytest.mark.spec("ID-07")
def test_a_service_that_needs_more_gets_what_its_purpose_names(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks(scope="openid service:driving-licence", claims='{"id_token":{"birthdate":null,"gender":null}}')
    tokens = members(login.redeem(citizen.arrives(login)))
    told = members(portal.asks_userinfo(tokens["access_token"]))
    assert set(told) == {"sub", "name", "personal_number", "birthdate", "account_level"}
    inside = portal.reads_id_token(tokens["id_token"])
    assert inside["birthdate"] == "1941"
    assert "gender" not in inside


@pytest.mark.spec("ID-02")
def test_two_sectors_see_two_subjects_and_one_sector_sees_one(house: House) -> None:
    citizen = house.logs_in_directly()
    first, same = house.registers_portal(), house.registers_portal()
    other = house.registers_portal(redirect_uris=["https://other.example/callback"])
    subjects = [citizen.gives_tokens(portal).id_token["sub"] for portal in (first, same, other)]
    assert subjects[0] == subjects[1] != subjects[2]
    assert citizen.citizen_id not in "".join(subjects)


@pytest.mark.spec("ID-03")
def test_two_citizens_never_share_a_subject(house: House) -> None:
    portal = house.registers_portal()
    subjects = {house.logs_in_directly().gives_tokens(portal).id_token["sub"] for _ in range(3)}
    assert len(subjects) == 3


@pytest.mark.spec("AZ-02")
@pytest.mark.parametrize("registered", ["http://127.0.0.1/cb", "http://[::1]/cb"])
def test_a_native_portal_may_listen_on_any_port_of_its_loopback_address(house: House, registered: str) -> None:
    portal = house.registers_portal(
        profile="native",
        token_endpoint_auth_method="none",
        grant_types=["authorization_code"],
        redirect_uris=[registered],
    )
    citizen = house.logs_in_directly()
    address = registered.replace("/cb", ":51004/cb")
    login = portal.asks(redirect_uri=address)
    response = citizen.arrives(login)
    assert response.headers["Location"].startswith(f"{address}?code=")
    assert login.redeem(response, redirect_uri=address).status_code == 200


@pytest.mark.spec("ID-02")
def test_two_apps_that_listen_on_their_own_machine_are_not_one_sector(house: House) -> None:
    here = ["http://127.0.0.1/cb", "http://[::1]/cb"]
    registered = [
        house.registers_portal(profile="native", token_endpoint_auth_method="none", redirect_uris=uris)
        for uris in (here, here, here[:1], ["https://app.example/cb"])
    ]
    citizen, directory = house.logs_in_directly(), house.services.provider.directory
    clients = [directory.find(portal.client_id) for portal in registered]
    sealer = house.services.provider.sealer
    subjects = {subject_for(client=one, citizen_id=citizen.citizen_id, sealer=sealer) for one in clients if one}
    assert len(subjects) == len(registered)
    both = house.registers_portal(
        profile="native", token_endpoint_auth_method="none", redirect_uris=["https://app.example/cb", *here]
    )
    with pytest.raises(TemporarilyUnavailable, match="being repaired"):
        directory.find(both.client_id)


def test_a_portal_with_a_secret_gets_tokens(house: House) -> None:
    portal = house.registers_portal(token_endpoint_auth_method="client_secret_basic")
    citizen = house.logs_in_directly()
    assert citizen.gives_tokens(portal).are_alive()


@pytest.mark.spec("PAR-06")
def test_a_pushed_request_is_answered_and_the_citizen_may_reload_before(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks().pushed()
    for _ in range(3):
        assert citizen.opens(login).headers["Location"].startswith("/consent?")
    citizen.agrees_to(login)
    assert login.redeem(citizen.opens(login)).status_code == 200
