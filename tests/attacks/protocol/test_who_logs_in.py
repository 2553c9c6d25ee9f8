"""Attacks on whom a code is for: prompts, the age of a login, hints at somebody else, levels that were not reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
import pytest

from tests.support.house import answered, later, members

if TYPE_CHECKING:
    from tests.support.house import House, Portal, SignedIn


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


@pytest.mark.parametrize(
    "max_age", ["-1", "1.5", "x", "१२", "315360001", "9" * 13, "9" * 5000, "000000000000" + "9" * 40]
)
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


@pytest.mark.spec("AZ-20")
def test_a_request_that_names_two_people_is_refused(house: House, portal: Portal) -> None:
    mai, hoa = house.logs_in_directly().gives_tokens(portal), house.logs_in_directly()
    tokens = hoa.gives_tokens(portal)
    for subject, told in ((mai.id_token["sub"], "error"), (tokens.id_token["sub"], "code")):
        claims = f'{{"id_token":{{"sub":{{"value":"{subject}"}}}}}}'
        asked = portal.asks(id_token_hint=tokens.members["id_token"], claims=claims)
        assert told in answered(hoa.opens(asked))


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


@pytest.mark.spec("AL-01")
def test_a_service_that_needs_a_higher_account_is_not_for_a_lower_one(house: House, portal: Portal) -> None:
    asked = {"scope": "openid service:driving-licence"}
    for account_level, told in ((1, "error"), (2, "code")):
        citizen = house.logs_in_directly(account_level=account_level)
        citizen.agrees_to(portal.asks(**asked))
        answer = answered(citizen.opens(portal.asks(**asked)))
        assert told in answer
    assert "code" in answered(house.logs_in_directly(account_level=1).arrives(portal.asks()))


@pytest.mark.spec("AZ-22")
def test_a_level_that_was_reached_is_stated_by_the_name_that_was_asked(portal: Portal, citizen: SignedIn) -> None:
    login = portal.asks(acr_values="LoA4 LoA2")
    tokens = members(login.redeem(citizen.opens(login)))
    assert portal.reads_id_token(tokens["id_token"])["acr"] == "LoA2"
