"""Attacks on refresh tokens that are replaced at each use: old ones, stolen ones, made-up ones, many at once."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.foreign.dpop import DpopKey
from tests.support.house import House, later, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal, SignedIn
    from tests.support.signed_in import Tokens

AFTER_GRACE = 11
AT_ONCE = 50


def an_app(house: House) -> tuple[Portal, Tokens, SignedIn]:
    """Give a native app with tokens of a citizen."""
    portal = house.registers_portal(profile="native", token_endpoint_auth_method="none")
    citizen = house.logs_in_directly()
    return portal, citizen.gives_tokens(portal), citizen


def refreshed(portal: Portal, token: str) -> dict[str, Any]:
    """Use a refresh token that is good."""
    response = portal.refreshes(token)
    assert response.status_code == 200, response.text
    return members(response)


def is_refused(response: TestResponse) -> bool:
    """Tell whether it is the one answer for every refresh token that is not good."""
    assert members(response)["error"] == "invalid_grant"
    return response.status_code == 400


@pytest.mark.spec("RT-04", "DP-15")
def test_each_use_gives_a_new_token_and_the_newest_goes_on_working(any_house: House) -> None:
    portal, tokens, _ = an_app(any_house)
    seen = [tokens.refresh]
    for _ in range(4):
        answer = refreshed(portal, seen[-1])
        assert answer["token_type"] == "DPoP"
        assert portal.asks_userinfo(answer["access_token"]).status_code == 200
        seen.append(answer["refresh_token"])
    assert len(set(seen)) == len(seen)
    with later(29 * 86_400):
        refreshed(portal, seen[-1])


@pytest.mark.spec("RT-04", "I6")
def test_the_token_before_gives_the_same_new_one_for_a_moment_and_then_ends_everything(any_house: House) -> None:
    portal, tokens, citizen = an_app(any_house)
    first = refreshed(portal, tokens.refresh)
    again = refreshed(portal, tokens.refresh)
    assert again["refresh_token"] == first["refresh_token"]
    assert portal.asks_userinfo(again["access_token"]).status_code == 200
    with later(AFTER_GRACE):
        assert is_refused(portal.refreshes(tokens.refresh))
        for access in (tokens.access, first["access_token"], again["access_token"]):
            assert portal.asks_userinfo(access).status_code == 401
        assert is_refused(portal.refreshes(first["refresh_token"]))
    events = any_house.office.events_of(citizen.account.citizen)
    assert events.count("AuthorizationEnded") == 1
    assert events.count("AuthorizationRefreshed") == 2


@pytest.mark.spec("RT-04", "RT-06")
def test_a_token_of_long_ago_ends_everything_even_within_a_moment(any_house: House) -> None:
    portal, tokens, _ = an_app(any_house)
    second = refreshed(portal, tokens.refresh)["refresh_token"]
    third = refreshed(portal, second)
    assert is_refused(portal.refreshes(tokens.refresh))
    assert is_refused(portal.refreshes(third["refresh_token"]))
    assert portal.asks_userinfo(third["access_token"]).status_code == 401


@pytest.mark.spec("RT-06")
def test_an_old_token_is_refused_by_a_worker_that_was_started_anew(house: House) -> None:
    portal, tokens, _ = an_app(house)
    newest = refreshed(portal, refreshed(portal, tokens.refresh)["refresh_token"])
    worker = house.beside()
    portal.moves_to(worker)
    assert refreshed(portal, newest["refresh_token"])
    assert is_refused(portal.refreshes(tokens.refresh))
    portal.moves_to(house)
    assert is_refused(portal.refreshes(newest["refresh_token"]))
    worker.services.close()


@pytest.mark.spec("RT-01", "DP-15")
def test_a_stolen_token_is_worth_nothing_and_its_use_ends_nothing(any_house: House) -> None:
    portal, tokens, _ = an_app(any_house)
    mine = portal.dpop
    portal.dpop = DpopKey()
    assert is_refused(portal.refreshes(tokens.refresh))
    other = any_house.registers_portal(profile="native", token_endpoint_auth_method="none")
    other.dpop = mine
    assert is_refused(other.refreshes(tokens.refresh))
    portal.dpop = mine
    newer = refreshed(portal, tokens.refresh)["refresh_token"]
    portal.dpop = DpopKey()
    assert is_refused(portal.refreshes(tokens.refresh))
    assert is_refused(portal.refreshes(newer))
    portal.dpop = mine
    refreshed(portal, newer)


@pytest.mark.spec("RT-04")
def test_a_token_that_somebody_made_up_ends_nothing(any_house: House) -> None:
    portal, tokens, _ = an_app(any_house)
    text = tokens.refresh.removeprefix("sen_rt_")
    raw = base64.urlsafe_b64decode(text + "==")
    forged = [raw[:16] + bytes(32) + raw[48:], raw[:48] + bytes(16), raw[:16] + raw[16:48] + bytes(17), raw[:40]]
    spelled = ["sen_rt_" + base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in forged]
    for token in (*spelled, text, tokens.refresh + "=", tokens.refresh[:-1], "sen_rt_" + "é" * 86, "sen_rt_", "x"):
        assert is_refused(portal.refreshes(token)), token
    refreshed(portal, tokens.refresh)


@pytest.mark.spec("RT-02")
def test_a_refused_use_replaces_nothing(any_house: House) -> None:
    portal, tokens, _ = an_app(any_house)
    assert members(portal.refreshes(tokens.refresh, scope="openid admin"))["error"] == "invalid_scope"
    with later(AFTER_GRACE):
        newer = refreshed(portal, tokens.refresh)["refresh_token"]
        refreshed(portal, newer)


@pytest.mark.spec("RT-09", "RT-10")
def test_either_of_the_last_two_tokens_gives_the_authorization_back(any_house: House) -> None:
    for which in range(2):
        portal, tokens, _ = an_app(any_house)
        newer = refreshed(portal, tokens.refresh)
        assert portal.revokes((tokens.refresh, newer["refresh_token"])[which]).status_code == 200
        assert portal.asks_userinfo(newer["access_token"]).status_code == 401
        assert is_refused(portal.refreshes(newer["refresh_token"]))


@pytest.mark.spec("RT-05")
def test_fifty_uses_at_once_give_one_new_token(any_house: House) -> None:
    portal, tokens, citizen = an_app(any_house)
    workers = [any_house, any_house.beside()]
    assert portal.dpop is not None
    form = {"client_id": portal.client_id, "grant_type": "refresh_token", "refresh_token": tokens.refresh}
    proofs = [portal.dpop.proof() for _ in range(AT_ONCE)]

    def use(number: int) -> TestResponse:
        browser = workers[number % 2].browser()
        return browser.post("/token", data=form, headers={"DPoP": proofs[number]})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(use, range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200}
    (newest,) = {members(answer)["refresh_token"] for answer in answers}
    assert newest != tokens.refresh
    refreshed(portal, newest)
    assert any_house.office.events_of(citizen.account.citizen).count("AuthorizationEnded") == 0
    workers[1].services.close()


@pytest.mark.parametrize("profile", ["web", "fapi2"])
@pytest.mark.spec("RT-04")
def test_a_confidential_portal_keeps_its_token(any_house: House, profile: str) -> None:
    portal, citizen = any_house.registers_portal(profile=profile), any_house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    for _ in range(3):
        assert refreshed(portal, tokens.refresh)["refresh_token"] == tokens.refresh
