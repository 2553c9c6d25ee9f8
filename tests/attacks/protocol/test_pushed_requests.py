"""Attacks on pushed authorization requests: who pushes, who uses, how often, how long, what stands beside."""

from __future__ import annotations

import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from idp.cookies import BROWSER, SESSION
from tests.support.house import ISSUER, answered, members

if TYPE_CHECKING:
    from tests.support.house import House
    from tests.support.valkey import ValkeyServer


@pytest.mark.spec("PAR-01")
def test_a_portal_that_must_push_is_refused_without(house: House) -> None:
    portal = house.registers_portal(profile="fapi2")
    citizen = house.logs_in_directly()
    login = portal.asks()
    citizen.agrees_to(login)
    assert answered(citizen.opens(login))["error"] == "invalid_request"
    assert login.redeem(citizen.opens(login.pushed())).status_code == 200


@pytest.mark.spec("PAR-01")
def test_a_form_without_cookies_is_no_way_around_a_push(house: House, lone_valkey: ValkeyServer) -> None:
    portal = house.registers_portal(profile="fapi2")
    login = portal.asks()
    kept = set(lone_valkey.client.keys("par:*"))
    refused = portal.http.post("/authorize", data=login.parameters)
    assert refused.headers["Location"].startswith(portal.redirect_uri)
    assert answered(refused)["error"] == "invalid_request"
    assert set(lone_valkey.client.keys("par:*")) == kept
    uri = answered(portal.http.post("/authorize", data=login.pushed().parameters))["request_uri"]
    assert set(lone_valkey.client.keys("par:*")) - kept == {f"par:{uri.rpartition(':')[2]}".encode()}


@pytest.mark.spec("AZ-01", "PAR-04", "PAR-05")
def test_a_form_without_cookies_is_checked_before_it_is_kept_and_kept_for_its_portal(
    house: House, lone_valkey: ValkeyServer
) -> None:
    portal, other = house.registers_portal(), house.registers_portal()
    form = portal.asks().parameters
    elsewhere = portal.http.post("/authorize", data={**form, "redirect_uri": "https://elsewhere.example/"})
    assert (elsewhere.status_code, "Location" in elsewhere.headers) == (400, False)
    sent = portal.http.post("/authorize", data=form).headers["Location"]
    key = f"par:{sent.rpartition('%3A')[2]}"
    assert 0 < lone_valkey.client.ttl(key) <= 90
    assert house.browser().get(sent.replace(portal.client_id, other.client_id)).status_code == 400
    assert "/login?tx=" in house.browser().get(sent).headers["Location"]


@pytest.mark.parametrize(
    ("hint", "is_filled_in"), [("099305000017", True), ("0" * 64, True), ("0" * 65, False), ("Tran Van Nam", False)]
)
def test_a_number_is_filled_in_for_whoever_logs_in_where_it_was_pushed_and_is_kept_sealed(
    house: House,
    lone_valkey: ValkeyServer,
    hint: str,
    is_filled_in: bool,  # noqa: FBT001  a column of the table
) -> None:
    login = house.registers_portal().asks(login_hint=hint)
    pushed = login.pushed()
    key = f"par:{pushed.parameters['request_uri'].rpartition(':')[2]}"
    kept = str(lone_valkey.client.get(key))
    assert "login_hint" in kept
    assert hint not in kept
    for asked, filled_in in ((pushed, is_filled_in), (login, False)):
        browser = house.browser()
        page = browser.get(browser.get(asked.url).headers["Location"]).text
        assert (f'value="{hint}"' in page) == filled_in


@pytest.mark.spec("PAR-02")
def test_nobody_pushes_without_proving_who_it_is(house: House) -> None:
    portal, other = house.registers_portal(), house.registers_portal()
    form = portal.asks().parameters
    of_another_kind = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}
    for authentication in (
        {},
        other.authentication(),
        {"client_assertion": "x.y.z"},
        {**portal.authentication(), **of_another_kind},
    ):
        refused = portal.http.post("/par", data={**form, **authentication})
        assert (refused.status_code, members(refused)["error"]) == (401, "invalid_client")
    assert portal.pushes().status_code == 201


@pytest.mark.spec("PAR-03")
def test_a_push_is_a_post_of_a_form_and_names_no_other_request(house: House) -> None:
    portal = house.registers_portal()
    form = {**portal.authentication(), **portal.asks().parameters}
    assert portal.http.get("/par", query_string=form).status_code == 405
    assert portal.http.put("/par", data=form).status_code == 405
    assert portal.http.post("/par", json=form).status_code == 415
    assert portal.http.post("/par", data="{}", content_type="text/plain").status_code == 415
    assert members(portal.http.post("/par?x=1", data=form))["error"] == "invalid_request"
    nested = portal.pushes(request_uri="urn:ietf:params:oauth:request_uri:x")
    assert (nested.status_code, members(nested)["error"]) == (400, "invalid_request")
    assert portal.http.post("/par", data=form).status_code == 201


@pytest.mark.spec("PAR-04", "PAR-08")
def test_a_pushed_request_is_of_use_to_nobody_else(house: House) -> None:
    mine, citizen = house.registers_portal(), house.logs_in_directly()
    citizen.agrees_to(mine.asks())
    login = mine.asks().pushed()
    for other in (house.registers_portal(), mine.twin()):
        citizen.agrees_to(other.asks())
        stolen = citizen.browser.get(login.url.replace(mine.client_id, other.client_id))
        assert stolen.status_code == 400
        assert "Location" not in stolen.headers
    assert "code" in answered(citizen.opens(login))
    identifier = login.parameters["request_uri"].rpartition(":")[2]
    assert len(identifier) == 43
    assert len({mine.asks().pushed().parameters["request_uri"] for _ in range(3)}) == 3


@pytest.mark.spec("PAR-05")
def test_a_pushed_request_does_not_live_for_ever(house: House, lone_valkey: ValkeyServer) -> None:
    portal = house.registers_portal()
    response = portal.pushes()
    uri = members(response)["request_uri"]
    assert members(response)["expires_in"] == 90
    key = f"par:{uri.rpartition(':')[2]}"
    assert 85 <= lone_valkey.client.ttl(key) <= 90
    lone_valkey.client.delete(key)  # as if its time were over
    late = house.browser().get("/authorize", query_string={"client_id": portal.client_id, "request_uri": uri})
    assert late.status_code == 400
    assert "Location" not in late.headers


@pytest.mark.spec("PAR-06")
def test_a_pushed_request_is_completed_once(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    citizen.agrees_to(portal.asks())
    login = portal.asks().pushed()
    assert "code" in answered(citizen.opens(login))
    again = citizen.opens(login)
    assert again.status_code == 400
    assert "Location" not in again.headers


@pytest.mark.spec("PAR-06")
def test_a_pushed_request_is_completed_once_in_two_windows_at_the_same_time(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    citizen.agrees_to(portal.asks())
    login = portal.asks().pushed()

    def open_it(_: int) -> bool:
        window = house.browser()
        window.set_cookie("sen_session", citizen.token)
        return "code=" in window.get(login.url).headers.get("Location", "")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(open_it, range(8))) == 1


@pytest.mark.spec("PAR-06")
def test_a_request_that_waits_in_two_windows_is_completed_once(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks().pushed()
    first, second = (citizen.opens(login).headers["Location"].partition("tx=")[2] for _ in range(2))
    citizen.agrees_to(login)
    assert "code" in answered(citizen.browser.get(f"/continue?tx={first}"))
    assert answered(citizen.browser.get(f"/continue?tx={second}"))["error"] == "invalid_request_uri"


def test_a_login_that_waits_is_completed_once_at_the_same_time(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks()
    waiting = [citizen.opens(login).headers["Location"].partition("tx=")[2] for _ in range(4)]
    citizen.agrees_to(login)

    def goes_on(transaction: str) -> bool:
        window = house.browser()
        for name in (SESSION, BROWSER):
            cookie = citizen.browser.get_cookie(name)
            assert cookie is not None
            window.set_cookie(name, cookie.value)
        return "code=" in window.get(f"/continue?tx={transaction}").headers.get("Location", "")

    with ThreadPoolExecutor(8) as pool:
        assert [sum(pool.map(goes_on, [transaction] * 8)) for transaction in waiting] == [1] * len(waiting)


@pytest.mark.spec("PAR-07")
def test_what_stands_beside_a_pushed_request_changes_nothing(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    asked = portal.asks()
    citizen.agrees_to(asked)
    pushed = asked.pushed()
    beside = {
        **pushed.parameters,
        "redirect_uri": "https://elsewhere.example/cb",
        "scope": "openid service:driving-licence offline_access",
        "state": "other",
        "nonce": "other",
        "prompt": "login",
        "max_age": "0",
        "code_challenge": "A" * 43,
        "response_type": "token",
    }
    response = citizen.browser.get("/authorize", query_string=beside)
    assert response.headers["Location"].startswith(f"{portal.redirect_uri}?code=")
    assert answered(response)["state"] == asked.asked["state"]
    tokens = members(asked.redeem(response))
    assert tokens["scope"] == "openid service:login"
    assert portal.reads_id_token(tokens["id_token"])["nonce"] == asked.asked["nonce"]


@pytest.mark.spec("PAR-09")
def test_all_that_is_wrong_is_found_when_it_is_pushed(house: House) -> None:
    portal = house.registers_portal()
    for changes, error in (
        ({"redirect_uri": "https://elsewhere.example/cb"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
    ):
        refused = portal.pushes(**changes)
        assert (refused.status_code, members(refused)["error"]) == (400, error)


@pytest.mark.spec("PAR-13")
def test_a_request_object_beside_a_pushed_request_is_refused(house: House) -> None:
    portal = house.registers_portal()
    login = portal.asks().pushed()
    response = house.browser().get(login.url + "&request=e30.e30.x")
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert house.browser().get(login.url).status_code == 303


@pytest.mark.spec("PAR-14")
def test_a_request_is_never_fetched_from_anywhere_and_a_relying_party_hears_so_at_its_own_address(house: House) -> None:
    portal = house.registers_portal()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.3)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/request.jwt"
        query = {**portal.asks().parameters, "request_uri": address}
        told = answered(house.browser().get("/authorize", query_string=query))
        assert (told["error"], told["state"], told["iss"]) == ("request_uri_not_supported", query["state"], ISSUER)
        for unknown in ("", "https://elsewhere.example/"):
            page = house.browser().get("/authorize", query_string={**query, "redirect_uri": unknown})
            assert (page.status_code, "Location" in page.headers) == (400, False)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.spec("PAR-15", "HT-05")
def test_a_push_larger_than_any_honest_one_is_refused_unread(house: House) -> None:
    portal = house.registers_portal()
    form = {**portal.authentication(), **portal.asks().parameters}
    assert portal.http.post("/par", data={**form, "more": "x" * 70_000}).status_code == 413
    assert portal.http.post("/par", data={**form, "more": "x" * 50_000}).status_code == 201


@pytest.mark.parametrize("uri", ["urn:ietf:params:oauth:request_uri:", "urn:ietf:params:oauth:request_uri:x", "urn:x"])
@pytest.mark.spec("PAR-05")
def test_a_request_that_nobody_pushed_gets_a_page(house: House, uri: str) -> None:
    portal = house.registers_portal()
    query = {"client_id": portal.client_id, "request_uri": uri}
    response = house.browser().get("/authorize", query_string=query)
    assert response.status_code == 400
    assert "Location" not in response.headers


def test_a_pushed_request_cannot_be_read_under_the_name_of_something_else(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    key = f"../session:{secrets.token_hex(8)}"
    query = {"client_id": portal.client_id, "request_uri": f"urn:ietf:params:oauth:request_uri:{key}"}
    assert citizen.browser.get("/authorize", query_string=query).status_code == 400
