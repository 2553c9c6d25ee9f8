"""Odd spellings of a path lead nowhere: neither to what is for the machine alone, nor past the check of a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.house import ISSUER

if TYPE_CHECKING:
    from tests.support.house import House

STRANGER = {"REMOTE_ADDR": "203.0.113.5"}
SPELLINGS = (
    "{0}", "{0};x=1", "{0}/", "/{0}", "/.{0}", "/x/..{0}", "/%2e%2e{0}", "/jwks/..{0}", "{0}%00", "{0}%2f", "{0}/.",
    "{0}\\", "/;{0}", "/%2f{0}", "{0}%20", "{0}.json", "{0}?", "{0}%3f", "/static/..{0}", "/static/%2e%2e%2f..{0}",
)  # fmt: skip


def spellings(path: str) -> list[str]:
    """Return a path as attackers write it, in other letters too."""
    return [spelling.format(path) for spelling in SPELLINGS] + [path.upper(), path.title()]


@pytest.mark.spec("HT-04")
def test_the_counters_are_for_the_machine_however_their_path_is_written(house: House) -> None:
    browser = house.browser()
    for path in spellings("/metrics"):
        answer = browser.get(path, environ_overrides=STRANGER)
        assert answer.status_code in {404, 405, 308}, path  # 308: to the path with one slash, which is refused
        assert b"sen_requests" not in answer.data
    assert b"sen_requests" in browser.get("/metrics").data


@pytest.mark.spec("HT-04")
@pytest.mark.parametrize("page", ["/account", "/account/passkeys", "/account/sessions"])
def test_no_spelling_shows_an_account_to_who_is_not_logged_in(house: House, page: str) -> None:
    for path in spellings(page):
        assert house.browser().get(path).status_code != 200, path
    assert house.logs_in_directly().browser.get(page).status_code == 200


@pytest.mark.spec("HT-04")
def test_no_spelling_of_the_logout_gets_a_foreign_form_past_its_check(house: House) -> None:
    citizen = house.logs_in_directly()
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for path in [*spellings("/logout/confirm"), "/logout;/confirm", "/logout//confirm", "/logout/../logout/confirm"]:
        citizen.browser.post(path, headers=foreign)
        assert citizen.browser.get("/account").status_code == 200, path
    html = citizen.browser.get("/logout").text
    token = html.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    citizen.browser.post("/logout/confirm", data={"csrf_token": token}, headers={"Origin": ISSUER})
    assert citizen.browser.get("/account").status_code != 200
