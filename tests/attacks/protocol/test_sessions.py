"""Attacks on login sessions and logout: old ids, idle ones, other browsers, other sites, stolen cookies."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import jwt
import pytest

from idp.sessions import key_of
from tests.support.house import ISSUER, TX, House, answered, later

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import ACitizen, Portal, SignedIn
    from tests.support.valkey import ValkeyServer

OWN = {"Origin": ISSUER}
BYE = "https://portal.example/bye"


def has_session(citizen: SignedIn, portal: Portal, token: str | None = None) -> bool:
    """Tell whether a session's cookie still gives codes, in a browser that holds nothing else."""
    browser = citizen.house.browser()
    browser.set_cookie("sen_session", citizen.token if token is None else token)
    answer = answered(browser.get(portal.asks(prompt="none").url))
    assert ("code" in answer) != (answer.get("error") == "login_required")
    return "code" in answer


def activated(house: House, portal: Portal) -> ACitizen:
    """Return a person who came by the portal, activated an account in the browser and agreed."""
    person = house.registers_citizen()
    login = portal.asks()
    tx = TX.search(person.opens(login).headers["Location"])
    assert tx
    assert person.activates(tx[1]).status_code == 200
    assert "code" in answered(person.arrives(login))
    return person


def cookie_of(person: ACitizen) -> str:
    """Return the value of the session's cookie in a person's browser."""
    cookie = person.browser.get_cookie("sen_session")
    assert cookie is not None
    return cookie.value


@pytest.mark.spec("SS-02")
def test_a_new_login_gives_a_new_session_and_the_former_one_is_dead(house: House, portal: Portal) -> None:
    person = activated(house, portal)
    former = cookie_of(person)
    assert "code" in answered(person.arrives(portal.asks(prompt="login")))
    assert cookie_of(person) != former
    thief = house.browser()
    thief.set_cookie("sen_session", former)
    assert answered(thief.get(portal.asks(prompt="none").url))["error"] == "login_required"
    assert "code" in answered(person.browser.get(portal.asks(prompt="none").url))


@pytest.mark.spec("SS-02")
def test_a_session_that_was_planted_before_the_login_is_not_the_one_after_it(house: House, portal: Portal) -> None:
    person = house.registers_citizen()
    person.browser.set_cookie("sen_session", "planted-by-somebody-else")
    login = portal.asks()
    tx = TX.search(person.opens(login).headers["Location"])
    assert tx
    assert person.activates(tx[1]).status_code == 200
    assert cookie_of(person) != "planted-by-somebody-else"


@pytest.mark.spec("SS-03")
def test_a_session_is_256_random_bits_and_only_their_hash_is_kept(
    citizen: SignedIn, portal: Portal, lone_valkey: ValkeyServer
) -> None:
    assert len(citizen.token) == 43
    assert lone_valkey.client.exists(key_of(citizen.token))
    hash_itself = key_of(citizen.token).removeprefix("session:")
    assert not has_session(citizen, portal, hash_itself)
    assert not has_session(citizen, portal, citizen.token[:-1] + ("A" if citizen.token[-1] != "A" else "B"))
    assert has_session(citizen, portal)


@pytest.mark.spec("SS-04")
def test_a_session_ends_after_a_quarter_of_an_hour_without_use(citizen: SignedIn, portal: Portal) -> None:
    with later(14 * 60):
        assert has_session(citizen, portal)
    with later(28 * 60):
        assert has_session(citizen, portal)
    with later(44 * 60):
        assert not has_session(citizen, portal)


@pytest.mark.spec("SS-04")
def test_the_memory_itself_forgets_an_idle_session(citizen: SignedIn, lone_valkey: ValkeyServer) -> None:
    assert 890 <= lone_valkey.client.ttl(key_of(citizen.token)) <= 900


@pytest.mark.spec("SS-04")
def test_a_session_ends_with_its_last_hour_however_much_it_is_used(citizen: SignedIn, portal: Portal) -> None:
    for quarter in range(5):
        with later(quarter * 14 * 60):
            used = has_session(citizen, portal)
            assert used == (quarter * 14 * 60 < 3600)


@pytest.mark.spec("SS-04")
def test_a_clock_that_is_turned_back_lengthens_no_session(citizen: SignedIn, portal: Portal) -> None:
    with later(-20 * 60):
        assert not has_session(citizen, portal)
    assert has_session(citizen, portal)


@pytest.mark.spec("SS-08")
def test_a_login_that_was_begun_here_cannot_be_finished_elsewhere(house: House, portal: Portal) -> None:
    attacker, victim = house.browser(), house.logs_in_directly()
    victim.agrees_to(portal.asks())
    tx = attacker.get(portal.asks().url).headers["Location"].partition("tx=")[2]
    for path in (f"/login?tx={tx}", f"/continue?tx={tx}", f"/consent?tx={tx}"):
        response = victim.browser.get(path)
        assert response.status_code == 400
        assert "Location" not in response.headers
    assert attacker.get(f"/login?tx={tx}").status_code == 200


@pytest.mark.spec("SS-08")
def test_a_code_goes_to_the_browser_that_logged_in_and_not_to_the_one_that_sent_the_link(
    house: House, portal: Portal
) -> None:
    attacker, victim = house.browser(), activated(house, portal)
    tx = attacker.get(portal.asks().url).headers["Location"].partition("tx=")[2]
    victim.browser.get(f"/continue?tx={tx}")
    assert attacker.get(f"/continue?tx={tx}").headers["Location"].startswith("/login?")


@pytest.mark.spec("SS-01")
def test_cookies_are_for_us_alone(house: House, portal: Portal) -> None:
    person = activated(house, portal)
    for name in ("sen_session", "sen_browser"):
        cookie = person.browser.get_cookie(name)
        assert cookie is not None
        assert (cookie.http_only, cookie.same_site, cookie.path, cookie.origin_only) == (True, "Lax", "/", True)


def confirms(browser: object, page: TestResponse) -> TestResponse:
    """Press the button of the logout page."""
    found = re.findall(r'name="([a-z_]+)"[^>]*value="([^"]*)"', page.text)
    fields = {name: html.unescape(value) for name, value in found}
    assert "csrf_token" in fields, page.text[:2000]
    response: TestResponse = browser.post("/logout/confirm", data=fields, headers=OWN)  # type: ignore[attr-defined]  # a test client
    return response


@pytest.mark.spec("LO-04", "SS-02")
def test_after_a_logout_the_cookie_is_worth_nothing(citizen: SignedIn, portal: Portal) -> None:
    assert has_session(citizen, portal)
    page = citizen.browser.get("/logout")
    assert page.status_code == 200
    assert has_session(citizen, portal)
    assert confirms(citizen.browser, page).status_code == 200
    assert not has_session(citizen, portal)
    assert citizen.browser.get_cookie("sen_session") is None
    assert citizen.opens(portal.asks()).headers["Location"].startswith("/login?")


@pytest.mark.spec("LO-04")
def test_a_memory_that_remembers_an_older_state_brings_no_session_back(
    citizen: SignedIn, portal: Portal, lone_valkey: ValkeyServer
) -> None:
    key = key_of(citizen.token)
    older = lone_valkey.ask("GET", key)
    confirms(citizen.browser, citizen.browser.get("/logout"))
    lone_valkey.ask("SET", key, older, "EX", 900)
    assert not has_session(citizen, portal)


@pytest.mark.spec("LO-01")
def test_a_logout_leads_to_a_registered_address_of_a_portal_that_an_id_token_vouches_for(
    citizen: SignedIn, portal: Portal
) -> None:
    hint = citizen.gives_tokens(portal).members["id_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "s&1"}
    response = confirms(citizen.browser, citizen.browser.get("/logout", query_string=query))
    assert (response.status_code, response.headers["Location"]) == (303, f"{BYE}?state=s%261")


@pytest.mark.parametrize(
    "address", [f"{BYE}/", f"{BYE}?x=1", "https://elsewhere.example/", "javascript:alert(1)", "//x"]
)
@pytest.mark.spec("LO-01")
def test_a_logout_leads_to_no_other_address(citizen: SignedIn, portal: Portal, address: str) -> None:
    hint = citizen.gives_tokens(portal).members["id_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": address}
    response = confirms(citizen.browser, citizen.browser.get("/logout", query_string=query))
    assert response.status_code == 200
    assert "Location" not in response.headers
    assert address not in response.text


@pytest.mark.spec("LO-01", "LO-02")
def test_a_logout_without_an_id_token_of_ours_leads_nowhere(citizen: SignedIn, portal: Portal) -> None:
    claims = citizen.gives_tokens(portal).id_token
    forged = [
        "",
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, portal.key, algorithm="ES256"),
        jwt.encode(claims, "s" * 64, algorithm="HS256"),
    ]
    for hint in forged:
        citizen.logs_in_again()
        query = {"id_token_hint": hint, "client_id": portal.client_id, "post_logout_redirect_uri": BYE}
        page = citizen.browser.get("/logout", query_string=query)
        assert page.status_code == 200
        assert has_session(citizen, portal)
        assert "Location" not in confirms(citizen.browser, page).headers


@pytest.mark.spec("LO-03", "SS-07")
def test_another_site_cannot_log_anybody_out(citizen: SignedIn, portal: Portal) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    citizen.browser.get("/logout", headers=foreign)
    citizen.browser.post("/logout", headers=foreign)
    assert citizen.browser.post("/logout/confirm", headers=foreign).status_code in {400, 403}
    assert citizen.browser.post("/logout/confirm", headers=OWN).status_code in {400, 403}
    assert has_session(citizen, portal)
