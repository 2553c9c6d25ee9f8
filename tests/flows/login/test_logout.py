"""Logging out: asked for by a portal or not, confirmed by the citizen, and then really over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.house import House, answered, later, members
from tests.support.login.leaving import Leaving
from tests.support.login.own_pages import OwnPages, citizen_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.house import ACitizen

BYE = "https://portal.example/bye"
SESSION = "sen_session"


@pytest.mark.spec("LO-01")
def test_a_portal_with_an_id_token_gets_its_citizen_back_after_the_question(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    asked = {"id_token_hint": citizen.gets_id_token(portal), "post_logout_redirect_uri": BYE, "state": "a&b ă"}
    leaving = Leaving.asks(citizen.browser, **asked)
    assert leaving.question.status_code == 200
    assert "Cổng thử nghiệm" in leaving.question.text
    assert asked["id_token_hint"] not in leaving.question.text
    assert OwnPages(citizen.browser).is_logged_in(), "nothing ends by looking"
    done = leaving.presses()
    assert done.status_code == 303
    assert done.headers["Location"].startswith(BYE + "?")
    assert answered(done) == {"state": "a&b ă"}
    assert not OwnPages(citizen.browser).is_logged_in()


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        BYE + "/",
        BYE + "?x=1",
        BYE.upper(),
        "https://portal.example\\@evil.example/bye",
        "//evil.example/bye",
        "javascript:alert(1)",
        BYE + "\r\nX: y",
    ],
)
@pytest.mark.spec("LO-01")
def test_an_address_that_is_not_registered_is_not_followed(house: House, citizen: ACitizen, address: str) -> None:
    portal = house.registers_portal()
    asked = {"id_token_hint": citizen.gets_id_token(portal), "post_logout_redirect_uri": address}
    leaving = Leaving.asks(citizen.browser, **asked)
    assert leaving.question.status_code == 200
    assert f'href="{address}' not in leaving.question.text
    done = leaving.presses()
    assert done.status_code == 200
    assert f'href="{address}' not in done.text
    assert "Location" not in done.headers
    assert not OwnPages(citizen.browser).is_logged_in()
    assert "Location" not in house.browser().get("/logout", query_string=asked).headers


@pytest.mark.parametrize("forgery", ["none", "own key", "cut", "another portal's", "a client assertion"])
@pytest.mark.spec("LO-02", "LO-01")
def test_a_hint_that_we_did_not_sign_for_this_portal_opens_no_way_back(
    house: House, citizen: ACitizen, forgery: str
) -> None:
    portal, other = house.registers_portal(), house.registers_portal()
    honest = citizen.gets_id_token(portal)
    claims = jwt.decode(honest, options={"verify_signature": False})
    header = jwt.get_unverified_header(honest)
    hints: dict[str, Callable[[], str]] = {
        "none": lambda: jwt.encode(claims, "", algorithm="none"),
        "own key": lambda: jwt.encode(
            claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": header["kid"]}
        ),
        "cut": lambda: honest.rpartition(".")[0] + ".",
        "another portal's": lambda: citizen.gets_id_token(other),
        "a client assertion": portal.assertion,
    }
    asked = {
        "id_token_hint": hints[forgery](),
        "client_id": portal.client_id,
        "post_logout_redirect_uri": BYE,
    }
    leaving = Leaving.asks(citizen.browser, **asked)
    assert leaving.question.status_code == 200
    assert f'href="{BYE}' not in leaving.question.text
    assert OwnPages(citizen.browser).is_logged_in()
    done = leaving.presses()
    assert (done.status_code, "Location" in done.headers) == (200, False)
    assert f'href="{BYE}' not in done.text
    good = {**asked, "id_token_hint": honest}
    assert citizen.browser.get("/logout", query_string=good).headers["Location"] == BYE


@pytest.mark.spec("LO-03", "SS-07")
def test_another_site_can_ask_for_a_logout_and_end_nothing(house: House, citizen: ACitizen) -> None:
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    posted = citizen.browser.post("/logout", headers=foreign)
    assert posted.status_code == 303, "a form of another site comes without the cookie: it is asked for again with GET"
    for answer in (citizen.browser.get("/logout"), citizen.browser.get(posted.headers["Location"])):
        assert answer.status_code == 200
        assert 'name="csrf_token"' in answer.text
    assert citizen.browser.post("/logout/confirm", headers=foreign).status_code == 403
    assert OwnPages(citizen.browser).is_logged_in()
    assert OwnPages(citizen.browser).sends("/logout/confirm").status_code == 200
    assert not OwnPages(citizen.browser).is_logged_in()
    assert house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen)) == ()


@pytest.mark.spec("LO-04", "SS-02")
def test_after_a_logout_the_old_cookie_is_nobodys_even_where_the_memory_still_has_it(any_house: House) -> None:
    citizen, portal = any_house.activates_citizen(), any_house.registers_portal()
    citizen.arrives(portal.asks())
    assert "code" in answered(citizen.opens(portal.asks(prompt="none")))
    cookie = citizen.browser.get_cookie(SESSION)
    assert cookie is not None
    kept = any_house.services.sessions.find(cookie.value)
    assert kept is not None
    done = OwnPages(citizen.browser).sends("/logout/confirm")
    assert any(header.startswith(f"{SESSION}=;") for header in done.headers.getlist("Set-Cookie"))
    replayed = any_house.browser()
    replayed.set_cookie(SESSION, cookie.value)
    assert answered(replayed.get(portal.asks(prompt="none").url))["error"] == "login_required"
    assert not OwnPages(replayed).is_logged_in()
    back_from_the_dead = any_house.services.sessions.open(kept, replaces=None)
    replayed.set_cookie(SESSION, back_from_the_dead)
    assert answered(replayed.get(portal.asks(prompt="none").url))["error"] == "login_required"
    assert not OwnPages(replayed).is_logged_in()


@pytest.mark.spec("LO-04", "SS-02")
def test_a_logout_ends_the_logins_that_the_present_one_replaced(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    login = portal.asks()
    first = members(login.redeem(citizen.arrives(login)))["access_token"]
    again = portal.asks(prompt="login")
    second = members(again.redeem(citizen.arrives(again)))["access_token"]
    assert [portal.asks_userinfo(token).status_code for token in (first, second)] == [200, 200]
    OwnPages(citizen.browser).sends("/logout/confirm")
    assert [portal.asks_userinfo(token).status_code for token in (first, second)] == [401, 401]


@pytest.mark.spec("LO-01", "LO-03")
def test_a_portal_that_only_names_itself_gets_a_link_and_no_redirect(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    asked = {"client_id": portal.client_id, "post_logout_redirect_uri": BYE, "state": "s"}
    leaving = Leaving.asks(citizen.browser, **asked)
    assert "Cổng thử nghiệm" in leaving.question.text
    done = leaving.presses()
    assert (done.status_code, "Location" in done.headers) == (200, False)
    assert f'href="{BYE}?state=s"' in done.text
    assert "data-goes-on" not in done.text
    assert not OwnPages(citizen.browser).is_logged_in()
    foreign = Leaving.asks(citizen.browser, **{**asked, "post_logout_redirect_uri": "https://evil.example/"})
    assert "evil.example" not in foreign.question.text


@pytest.mark.spec("LO-02")
def test_a_hint_that_has_long_expired_still_vouches(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    hint = citizen.gets_id_token(portal)
    with later(300 * 86400):
        answer = house.browser().get("/logout", query_string={"id_token_hint": hint, "post_logout_redirect_uri": BYE})
        assert answer.headers["Location"] == BYE
    with later(401 * 86400):
        answer = house.browser().get("/logout", query_string={"id_token_hint": hint, "post_logout_redirect_uri": BYE})
        assert answer.status_code == 200


@pytest.mark.spec("LO-01")
def test_a_form_of_the_portal_does_what_its_link_does(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    hint = citizen.gets_id_token(portal)
    form = {
        "id_token_hint": hint,
        "client_id": portal.client_id,
        "post_logout_redirect_uri": BYE,
        "state": "x",
        "logout_hint": "anyone",
        "ui_locales": "en",
    }
    answer = citizen.browser.post("/logout", data=form, headers={"Origin": "https://portal.example"})
    assert hint not in answer.headers["Location"]
    leaving = Leaving(citizen.browser, citizen.browser.get(answer.headers["Location"]))
    assert "Do you want to log out?" in leaving.question.text
    assert leaving.presses().headers["Location"] == f"{BYE}?state=x"


@pytest.mark.parametrize("twice", ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"])
@pytest.mark.spec("LO-01")
def test_what_is_said_twice_is_not_believed_and_never_an_error_in_json(
    house: House, citizen: ACitizen, twice: str
) -> None:
    portal = house.registers_portal()
    asked = {
        "id_token_hint": citizen.gets_id_token(portal),
        "client_id": portal.client_id,
        "post_logout_redirect_uri": BYE,
        "state": "x",
    }
    answer = house.browser().get("/logout", query_string=[*asked.items(), (twice, asked[twice])])
    assert (answer.status_code, answer.content_type) in {(200, "text/html; charset=utf-8"), (303, answer.content_type)}
    assert answer.headers.get("Location") in ({BYE + "?state=x"} if twice == "client_id" else {None, BYE})


@pytest.mark.parametrize("poison", ["", "x", "AAAA", "%00", "a" * 9000])
@pytest.mark.spec("LO-01", "LO-03")
def test_a_request_that_we_did_not_seal_is_none(house: House, citizen: ACitizen, poison: str) -> None:
    leaving = Leaving.asks(citizen.browser, asked=poison)
    assert leaving.question.status_code == 200
    done = leaving.presses()
    assert (done.status_code, "Location" in done.headers) == (200, False)
    assert not OwnPages(citizen.browser).is_logged_in()
    assert house.browser().get("/logout", query_string={"asked": poison}).status_code == 200


def test_who_was_logged_out_elsewhere_meanwhile_is_told_that_it_is_over(house: House, citizen: ACitizen) -> None:
    leaving = Leaving.asks(citizen.browser)
    house.office.citizens.end(
        citizen_id=citizen_id_of(house, citizen), status="suspended", reason="test", actor="operator"
    )
    done = leaving.presses()
    assert (done.status_code, citizen.browser.get_cookie(SESSION)) == (200, None)


def test_a_sealed_request_ends_with_its_hour(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    asked = {"id_token_hint": citizen.gets_id_token(portal), "post_logout_redirect_uri": BYE}
    posted = citizen.browser.post("/logout", data=asked).headers["Location"]
    assert house.browser().get(posted).headers["Location"] == BYE
    with later(7200):
        assert house.browser().get(posted).status_code == 200
