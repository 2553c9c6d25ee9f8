"""Attacks on the authorization endpoint: where answers go, and what may be asked."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from idp.relying_parties import directory
from tests.support.house import ISSUER, House, answered, members
from tests.support.signed_in import ends_portal

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal, SignedIn

NATIVE = {"profile": "native", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"]}


def says_so_on_a_page(response: TestResponse) -> bool:
    """Tell whether an error stays with us: a page, no address to go to, and nothing of our inside on it."""
    assert "Location" not in response.headers
    assert "code=" not in response.text
    assert response.headers["Content-Type"].startswith("text/html")
    return response.status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/callback",
        "https://portal.example/callback/",
        "https://portal.example/callbac",
        "https://portal.example/CALLBACK",
        "https://PORTAL.example/callback",
        "https://portal.example:443/callback",
        "https://portal.example/callback?x=1",
        "https://portal.example/callback#f",
        "https://portal.example/%63allback",
        "https://portal.example/x/../callback",
        "https://portal.example\\@elsewhere.example/callback",
        "https://portal.example@elsewhere.example/callback",
        "https://portal.example/callback\t",
        "https://portal.example/callback ",
        "http://portal.example/callback",
        "https://*.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "//portal.example/callback",
        "x" * 4000,
    ],
)
@pytest.mark.spec("AZ-01", "AZ-04", "AZ-05")
def test_an_address_that_is_not_registered_letter_by_letter_gets_nothing(
    portal: Portal, citizen: SignedIn, address: str
) -> None:
    assert says_so_on_a_page(citizen.opens(portal.asks(redirect_uri=address)))
    assert portal.pushes(redirect_uri=address).status_code == 400
    assert "code" in answered(citizen.opens(portal.asks()))


@pytest.mark.spec("AZ-05")
def test_the_query_of_a_registered_address_is_part_of_it(house: House) -> None:
    registered = "https://portal.example/callback?tenant=1"
    portal, citizen = house.registers_portal(redirect_uris=[registered]), house.logs_in_directly()
    citizen.agrees_to(portal.asks())
    for address in ("https://portal.example/callback", registered + "&more=2", registered.replace("1", "2")):
        assert says_so_on_a_page(citizen.opens(portal.asks(redirect_uri=address)))
    arrived = citizen.opens(portal.asks())
    assert arrived.headers["Location"].startswith(registered + "&code=")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/cb?x=1",
        "http://localhost:51004/cb",
        "http://127.0.0.2:51004/cb",
        "http://[::1]:51004/cb",
        "https://127.0.0.1:51004/cb",
        "http://127.0.0.1:51004@elsewhere.example/cb",
        "http://127.0.0.1:x/cb",
    ],
)
@pytest.mark.spec("AZ-02")
def test_of_a_loopback_address_only_the_port_is_free(house: House, address: str) -> None:
    portal = house.registers_portal(**NATIVE, redirect_uris=["http://127.0.0.1/cb"])
    citizen = house.logs_in_directly()
    citizen.agrees_to(portal.asks())
    assert says_so_on_a_page(citizen.opens(portal.asks(redirect_uri=address)))
    assert "code" in answered(citizen.opens(portal.asks(redirect_uri="http://127.0.0.1:51004/cb")))


@pytest.mark.spec("AZ-02")
def test_the_port_of_a_web_portal_is_not_free(house: House) -> None:
    portal = house.registers_portal(redirect_uris=["http://127.0.0.1:9000/cb"])
    assert says_so_on_a_page(house.browser().get(portal.asks(redirect_uri="http://127.0.0.1:9001/cb").url))
    assert house.browser().get(portal.asks().url).status_code == 303


@pytest.mark.spec("AZ-03")
def test_the_address_must_be_sent_even_where_there_is_only_one(portal: Portal, citizen: SignedIn) -> None:
    assert says_so_on_a_page(citizen.opens(portal.asks(redirect_uri="")))
    assert portal.pushes(redirect_uri="").status_code == 400


@pytest.mark.spec("AZ-24")
def test_a_request_without_openid_goes_nowhere_else_either(portal: Portal, citizen: SignedIn) -> None:
    assert says_so_on_a_page(citizen.opens(portal.asks(scope="", redirect_uri="https://elsewhere.example/callback")))
    assert answered(citizen.opens(portal.asks(scope="profile")))["error"] == "invalid_scope"


@pytest.mark.parametrize("client_id", ["nobody", "", "x" * 5000, "portal\x01", "bố", "' OR 1=1 --"])
@pytest.mark.spec("AZ-06", "AZ-28")
def test_an_unknown_portal_gets_a_page(any_house: House, client_id: str) -> None:
    portal = any_house.registers_portal()
    assert says_so_on_a_page(any_house.browser().get(portal.asks(client_id=client_id).url))
    assert any_house.browser().get(portal.asks().url).status_code == 303


@pytest.mark.spec("AZ-06")
def test_an_ended_portal_gets_a_page(house: House) -> None:
    portal = house.registers_portal()
    ends_portal(portal)
    assert says_so_on_a_page(house.browser().get(portal.asks().url))


@pytest.mark.spec("AZ-06")
def test_a_portal_that_was_ended_elsewhere_just_now_gets_no_code(
    portal: Portal, citizen: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "FRESH_SECONDS", 60.0)  # what this worker knows is out of date for as long
    assert "code" in answered(citizen.opens(portal.asks()))
    ends_portal(portal)
    assert answered(citizen.opens(portal.asks()))["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    "response_type", ["token", "id_token", "code id_token", "code token", "id_token token", "none", "Code", ""]
)
@pytest.mark.spec("AZ-07", "AZ-12")
def test_only_a_code_is_ever_answered(portal: Portal, citizen: SignedIn, response_type: str) -> None:
    response = citizen.opens(portal.asks(response_type=response_type))
    answer = answered(response)
    assert answer["error"] == ("unsupported_response_type" if response_type else "invalid_request")
    assert answer["iss"] == ISSUER
    assert not {"code", "access_token", "id_token"} & set(answer)
    assert "#" not in response.headers["Location"]


@pytest.mark.parametrize(
    "name",
    [
        "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "code_challenge",
        "code_challenge_method", "response_mode", "acr_values", "claims", "request", "request_uri", "id_token_hint",
        "login_hint", "ui_locales", "unknown",
    ],
)  # fmt: skip
@pytest.mark.spec("AZ-08")
def test_no_parameter_may_stand_twice(portal: Portal, citizen: SignedIn, name: str) -> None:
    login = portal.asks()
    once = login.parameters.get(name, "query" if name == "response_mode" else "x")
    query = urlencode({**login.parameters, name: once}) + "&" + urlencode({name: once})
    assert says_so_on_a_page(citizen.browser.get(f"/authorize?{query}"))
    assert says_so_on_a_page(citizen.browser.get(f"/authorize?{login.url.partition('?')[2]}&{name}=&{name}="))
    assert "code" in answered(citizen.opens(login))


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": ""},
        {"code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"},
        {"code_challenge": "a" * 42},
        {"code_challenge": "a" * 44},
        {"code_challenge": "a" * 42 + "="},
        {"code_challenge": "a" * 42 + "+"},
        {"code_challenge": "a" * 42 + "ạ"},
        {"code_challenge": "a" * 43 + "\n"},
    ],
)
@pytest.mark.spec("AZ-10", "AZ-11")
def test_a_request_without_a_sound_s256_challenge_is_refused(
    portal: Portal, citizen: SignedIn, changes: dict[str, str]
) -> None:
    assert answered(citizen.opens(portal.asks(**changes)))["error"] == "invalid_request"
    assert portal.pushes(**changes).status_code == 400
    assert "code" in answered(citizen.opens(portal.asks()))


@pytest.mark.spec("AZ-13", "AZ-29")
def test_a_state_never_reaches_a_page_as_markup(portal: Portal, citizen: SignedIn) -> None:
    for changes in ({"client_id": "<script>x"}, {"redirect_uri": "https://x.example/<script>x"}):
        page = citizen.opens(portal.asks(state="<script>x", **changes))
        assert "<script>x" not in page.text


@pytest.mark.spec("AZ-16")
def test_no_other_site_may_read_the_authorization_endpoint(portal: Portal, citizen: SignedIn) -> None:
    login, origin = portal.asks(), {"Origin": "https://elsewhere.example"}
    response = citizen.browser.get(login.url, headers=origin)
    asked = {**origin, "Access-Control-Request-Method": "GET"}
    preflight = citizen.browser.options("/authorize", headers=asked)
    assert preflight.status_code == 405
    for answer in (response, preflight):
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]
    assert citizen.browser.get("/jwks", headers=origin).headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("scope", ["openid " + "x" * 2100, "openid " + " ".join(f"s{n}" for n in range(40))])
@pytest.mark.spec("AZ-23")
def test_more_scopes_than_an_honest_request_has_are_refused(portal: Portal, citizen: SignedIn, scope: str) -> None:
    assert answered(citizen.opens(portal.asks(scope=scope)))["error"] == "invalid_scope"


@pytest.mark.parametrize("mode", ["fragment", "form_post", "web_message", "jwt", "query.jwt", "QUERY", "query jwt"])
@pytest.mark.spec("AZ-25")
def test_answers_go_where_the_relying_party_has_registered_and_nowhere_else(
    house: House, citizen: SignedIn, mode: str
) -> None:
    modest = house.registers_portal(response_modes=["query"])
    response = citizen.opens(modest.asks(response_mode=mode))
    assert answered(response)["error"] == "invalid_request"
    assert "#" not in response.headers["Location"]
    citizen.agrees_to(modest.asks())
    assert "code" in answered(citizen.opens(modest.asks(response_mode="query")))


@pytest.mark.parametrize(
    "changes",
    [
        {"claims": "[" * 3000},
        {"claims": '{"id_token":[]}'},
        {"claims": '{"id_token":{"acr":{"values":"LoA2"}}}'},
        {"claims": '{"id_token":{"acr":{"value":7}}}'},
        {"claims": '{"id_token":{"sub":{"value":{}}}}'},
        {"claims": '{"userinfo":{"name":true}}'},
        {"claims": '{"userinfo":{"name":"\\ud800"}}'},
        {"claims": "7"},
        {"acr_values": " ".join(["LoA2"] * 30)},
        {"resource": "https://api.elsewhere.example"},
        {"scope": "openid service:login service:e-tax"},
        {"scope": "openid service:e-tax"},
        {"scope": "openid service:../login"},
        {"request": "e30.e30."},
    ],
)
@pytest.mark.spec("AZ-29", "HT-10")
def test_what_cannot_be_understood_is_refused_and_breaks_nothing(
    portal: Portal, citizen: SignedIn, changes: dict[str, str]
) -> None:
    answer = answered(citizen.opens(portal.asks(**changes)))
    assert answer["error"] not in {"server_error", "temporarily_unavailable"}
    assert answer["iss"] == ISSUER
    assert "Traceback" not in answer["error_description"]
    assert portal.pushes(**changes).status_code == 400


@pytest.mark.spec("AZ-13")
def test_letters_that_were_not_encoded_are_refused_and_not_changed(portal: Portal, citizen: SignedIn) -> None:
    login = portal.asks()
    query = login.url.partition("?")[2].encode() + b"&ui_locales=" + "vị".encode()
    response = citizen.browser.get("/authorize", environ_overrides={"QUERY_STRING": query.decode("latin-1")})
    assert says_so_on_a_page(response)


@pytest.mark.spec("AZ-12", "AZ-15")
def test_every_way_back_is_a_303_that_names_the_issuer(portal: Portal, citizen: SignedIn) -> None:
    for login in (portal.asks(), portal.asks(prompt="none login"), portal.asks(state=secrets.token_urlsafe(900))):
        response = citizen.opens(login)
        assert response.status_code == 303
        assert answered(response)["iss"] == members(citizen.browser.get("/.well-known/openid-configuration"))["issuer"]


@pytest.mark.spec("AZ-17")
def test_pages_cannot_be_framed_and_tell_nobody_where_they_were(house: House, portal: Portal) -> None:
    browser = house.browser()
    page = browser.get(browser.get(portal.asks().url).headers["Location"])
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "no-referrer"
