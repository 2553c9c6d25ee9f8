"""Attacks on the authorization endpoint: where answers go, what is asked, who is taken for whom."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import jwt
import pytest

from tests.support.house import ISSUER, House, answered, later, members
from tests.support.signed_in import ends_portal

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal, SignedIn

NATIVE = {"profile": "native", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"]}


@pytest.fixture
def portal(house: House) -> Portal:
    """Give a portal of this test."""
    return house.registers_portal()


@pytest.fixture
def citizen(house: House, portal: Portal) -> SignedIn:
    """Give a citizen who has agreed to what the portal asks for."""
    signed_in = house.logs_in_directly()
    signed_in.agrees_to(portal.asks())
    return signed_in


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


@pytest.mark.spec("AZ-18")
def test_without_a_page_the_portal_is_told_what_is_missing(house: House, portal: Portal) -> None:
    assert answered(house.browser().get(portal.asks(prompt="none").url))["error"] == "login_required"
    citizen = house.logs_in_directly()
    assert answered(citizen.opens(portal.asks(prompt="none")))["error"] == "consent_required"
    citizen.agrees_to(portal.asks())
    assert "code" in answered(citizen.opens(portal.asks(prompt="none")))


@pytest.mark.parametrize("prompt", ["none login", "none consent", "login unknown", "NONE"])
@pytest.mark.spec("AZ-18")
def test_a_prompt_that_contradicts_itself_is_refused(portal: Portal, citizen: SignedIn, prompt: str) -> None:
    assert answered(citizen.opens(portal.asks(prompt=prompt)))["error"] == "invalid_request"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "60"}, {"prompt": "none"}])
@pytest.mark.spec("AZ-19")
def test_a_login_that_must_be_fresh_is_asked_for_again(
    portal: Portal, citizen: SignedIn, changes: dict[str, str]
) -> None:
    with later(120):
        response = citizen.opens(portal.asks(**changes))
        wanted = "code=" if changes == {"prompt": "none"} else "/login?"
        assert wanted in response.headers["Location"]
        assert "code" in answered(citizen.opens(portal.asks(max_age="3600")))


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "60"}])
@pytest.mark.spec("AZ-19")
def test_a_browser_that_holds_its_session_back_at_first_has_to_log_in_all_the_same(
    portal: Portal, citizen: SignedIn, changes: dict[str, str]
) -> None:
    with later(120):
        citizen.browser.delete_cookie("sen_session")
        begun = citizen.opens(portal.asks(**changes)).headers["Location"]
        citizen.browser.set_cookie("sen_session", citizen.token)
        tx = begun.partition("tx=")[2]
        assert citizen.browser.get(f"/continue?tx={tx}").headers["Location"].startswith("/login?")
        citizen.logs_in_again()
        assert "code" in answered(citizen.browser.get(f"/continue?tx={tx}"))


@pytest.mark.parametrize("max_age", ["-1", "1.5", "x", "१२", "9" * 13, "9" * 5000, "000000000000" + "9" * 40])
@pytest.mark.spec("AZ-19")
def test_a_max_age_that_is_no_number_of_seconds_is_refused(portal: Portal, citizen: SignedIn, max_age: str) -> None:
    assert answered(citizen.opens(portal.asks(max_age=max_age)))["error"] == "invalid_request"


@pytest.mark.spec("AZ-20")
def test_a_code_is_never_for_another_person_than_the_one_who_is_named(house: House, portal: Portal) -> None:
    mai, hoa = house.logs_in_directly(), house.logs_in_directly()
    tokens = mai.gives_tokens(portal)
    hint, subject = tokens.members["id_token"], tokens.id_token["sub"]
    hoa.agrees_to(portal.asks())
    for changes in ({"id_token_hint": hint}, {"claims": f'{{"id_token":{{"sub":{{"value":"{subject}"}}}}}}'}):
        refused = answered(hoa.opens(portal.asks(prompt="none", **changes)))
        assert refused["error"] == "login_required"
        assert hoa.opens(portal.asks(**changes)).headers["Location"].startswith("/login?")
        assert "code" in answered(mai.opens(portal.asks(prompt="none", **changes)))


@pytest.mark.spec("AZ-21")
def test_a_hint_that_we_did_not_sign_for_this_portal_is_refused(house: House, portal: Portal) -> None:
    citizen = house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    claims = tokens.id_token
    hints = [
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, "s" * 64, algorithm="HS256"),
        jwt.encode(claims, portal.key, algorithm="ES256", headers={"kid": "k1"}),
        tokens.access,
        "x.y.z",
        citizen.gives_tokens(house.registers_portal()).members["id_token"],
    ]
    for hint in hints:
        assert answered(citizen.opens(portal.asks(id_token_hint=hint)))["error"] == "invalid_request"
    assert "code" in answered(citizen.opens(portal.asks(id_token_hint=tokens.members["id_token"])))


@pytest.mark.parametrize(
    "changes",
    [
        {"acr_values": "LoA3"},
        {"claims": '{"id_token":{"acr":{"essential":true,"values":["LoA4","LoA3"]}}}'},
        {"claims": '{"id_token":{"acr":{"essential":true,"value":"urn:elsewhere"}}}'},
    ],
)
@pytest.mark.spec("AZ-22")
def test_a_level_that_was_not_reached_is_never_a_success(
    portal: Portal, citizen: SignedIn, changes: dict[str, str]
) -> None:
    assert "error" in answered(citizen.opens(portal.asks(prompt="none", **changes)))
    assert "code=" not in citizen.opens(portal.asks(**changes)).headers["Location"]


@pytest.mark.spec("AZ-22")
def test_a_level_that_was_reached_is_stated_by_the_name_that_was_asked(portal: Portal, citizen: SignedIn) -> None:
    login = portal.asks(acr_values="LoA4 LoA2")
    tokens = members(login.redeem(citizen.opens(login)))
    assert portal.reads_id_token(tokens["id_token"])["acr"] == "LoA2"


@pytest.mark.parametrize("scope", ["openid " + "x" * 2100, "openid " + " ".join(f"s{n}" for n in range(40))])
@pytest.mark.spec("AZ-23")
def test_more_scopes_than_an_honest_request_has_are_refused(portal: Portal, citizen: SignedIn, scope: str) -> None:
    assert answered(citizen.opens(portal.asks(scope=scope)))["error"] == "invalid_scope"


@pytest.mark.parametrize("mode", ["fragment", "form_post", "web_message", "jwt", "query.jwt"])
@pytest.mark.spec("AZ-25")
def test_answers_go_into_the_query_only(portal: Portal, citizen: SignedIn, mode: str) -> None:
    response = citizen.opens(portal.asks(response_mode=mode))
    assert answered(response)["error"] == "invalid_request"
    assert "#" not in response.headers["Location"]
    assert "code" in answered(citizen.opens(portal.asks(response_mode="query")))


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
