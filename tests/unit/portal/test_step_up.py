"""RFC 9470 at the demo portal: which logins are refused, and what of a challenge becomes a request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from flask.testing import FlaskClient

    from tests.support.foreign.lying_provider import Provider

FRESH = {"acr_values": "LoA2", "max_age": 300}


def test_a_login_that_is_good_enough_is_not_challenged(portal: ModuleType) -> None:
    login = {"acr": "LoA2", "auth_time": time.time() - 60}
    assert portal.challenge(login, **FRESH) is None


@pytest.mark.parametrize(
    "login",
    [{"acr": "LoA2", "auth_time": 1}, {"acr": "LoA1", "auth_time": 9e9}, {"auth_time": 9e9}, {"acr": "LoA2"}, {}],
    ids=["old", "too low", "no level", "no time", "nothing"],
)
def test_what_a_challenge_says_is_what_is_asked_for(portal: ModuleType, login: dict[str, object]) -> None:
    said = portal.challenge(login, **FRESH)
    assert said == 'Bearer error="insufficient_user_authentication", acr_values="LoA2", max_age="300"'
    assert portal.asked(said) == {"acr_values": "LoA2", "max_age": "300"}


@pytest.mark.parametrize(
    "said", ["", 'Bearer error="invalid_token", acr_values="LoA3"', 'Bearer acr_values="LoA3"', "insufficient"]
)
def test_any_other_challenge_asks_for_nothing(portal: ModuleType, said: str) -> None:
    assert portal.asked(said) == {}


def test_nothing_but_level_and_age_gets_from_a_challenge_into_a_request(portal: ModuleType) -> None:
    said = (
        'Bearer error="insufficient_user_authentication", max_age="0", redirect_uri="https://evil.example", scope="x"'
    )
    assert portal.asked(said) == {"max_age": "0"}


def test_an_answer_about_an_old_login_is_not_believed_to_be_a_new_one(browser: FlaskClient, provider: Provider) -> None:
    assert browser.get("/start/login").status_code == 303
    first = {"code": "one", "state": provider.pushed["state"], "iss": provider.issuer}
    provider.lies = {"claims": {"auth_time": int(time.time()) - 600}}
    browser.get("/callback", query_string=first)
    assert browser.get("/files").status_code == 303
    assert (provider.pushed["max_age"], provider.pushed["acr_values"]) == ("300", "LoA2")
    second = {"code": "two", "state": provider.pushed["state"], "iss": provider.issuer}
    page = browser.get("/callback", query_string=second, follow_redirects=True).text
    assert "login_too_old" in page
    provider.lies = {}
    browser.get("/files")
    third = {"code": "three", "state": provider.pushed["state"], "iss": provider.issuer}
    assert browser.get("/callback", query_string=third).headers["Location"] == "/files"
    assert browser.get("/files").status_code == 200
