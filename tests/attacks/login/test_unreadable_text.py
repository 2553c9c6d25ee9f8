"""A character that PostgreSQL takes in no text, in whatever is sent to a page: fields, queries, JSON of scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.pages import PAGES
from tests.support.house import members
from tests.support.login.own_pages import OWN, OwnPages, begins_login, passkeys_of

if TYPE_CHECKING:
    from tests.support.house import House

SHOWN = sorted(path for path, methods in PAGES.items() if "GET" in methods)
TAKEN = sorted(path for path, methods in PAGES.items() if "POST" in methods)
NUL_IN_FORMS = ("x=%00", "passkey=a%00b", "%00=x", "x=y&x=%00")
NUL_IN_JSON = (r'{"tx":"\u0000"}', r'{"x":{"y":["a\u0000b"]}}', r'{"\u0000":1}', r'{"x":"\\\u0000"}')
UNREADABLE = "Nội dung gửi lên không đọc được"
ESCAPED = r"\u0000 \\u0000"
"""What looks like a NUL and is none, once JSON has escaped its backslashes."""


@pytest.mark.spec("HT-10")
def test_a_nul_in_what_is_sent_to_a_page_is_refused_in_words_and_changes_nothing(any_house: House) -> None:
    citizen, stranger = any_house.activates_citizen(), any_house.browser()
    kept = passkeys_of(any_house, citizen)
    for browser in (citizen.browser, stranger):
        token = OwnPages(browser).token()
        script = {**OWN, "X-CSRFToken": token, "Content-Type": "application/json"}
        for poison in NUL_IN_FORMS:
            answers = [browser.get(f"{path}?{poison}") for path in SHOWN]
            form = f"csrf_token={token}&{poison}"
            kind = "application/x-www-form-urlencoded"
            answers += [browser.post(path, data=form, content_type=kind, headers=OWN) for path in TAKEN]
            answers += [browser.post(path, data={"csrf_token": token, "x": "\0"}, headers=OWN) for path in TAKEN]
            assert {(answer.status_code, UNREADABLE in answer.text) for answer in answers} == {(400, True)}, poison
        for poison in NUL_IN_JSON:
            calls = [browser.post(path, data=poison, headers=script) for path in TAKEN]
            assert {(call.status_code, members(call)["reason"]) for call in calls} == {(400, "unreadable_text")}, poison
    assert passkeys_of(any_house, citizen) == kept
    assert OwnPages(citizen.browser).is_logged_in()


def test_the_refusal_of_a_nul_is_told_in_english_too(house: House) -> None:
    refused = house.browser().get("/help?lang=en&x=%00")
    assert refused.status_code == 400
    assert "What was sent cannot be read" in refused.text


def test_what_only_looks_like_a_nul_is_a_name_like_any_other(any_house: House) -> None:
    citizen = any_house.activates_citizen()
    pages = OwnPages(citizen.browser)
    assert pages.adds_passkey(citizen.authenticator, name=ESCAPED).status_code == 200
    first, second = passkeys_of(any_house, citizen)
    assert second.name == ESCAPED
    renamed = pages.sends("/account/passkeys/rename", passkey=first.id, name="%00")
    assert (renamed.status_code, passkeys_of(any_house, citizen)[0].name) == (303, "%00")
    assert pages.sends("/account/passkeys/remove", passkey=second.id).status_code == 303
    assert [passkey.id for passkey in passkeys_of(any_house, citizen)] == [first.id]


@pytest.mark.parametrize("odd", [b"%ff", b"%ed%a0%80", b"x" * 15_000])
def test_letters_that_are_none_and_long_texts_name_nothing_of_a_citizen(any_house: House, odd: bytes) -> None:
    citizen = any_house.activates_citizen()
    pages = OwnPages(citizen.browser)
    kept = passkeys_of(any_house, citizen)
    form, kind = f"csrf_token={pages.token()}&name=x&passkey={odd.decode()}", "application/x-www-form-urlencoded"
    for path in ("/account/passkeys/rename", "/account/passkeys/remove"):
        answer = citizen.browser.post(path, data=form, content_type=kind, headers=OWN)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account/passkeys")
    assert passkeys_of(any_house, citizen) == kept


@pytest.mark.parametrize("half", [rb"\ud800", rb"a\udfffb"])
def test_half_a_letter_in_json_is_no_json(any_house: House, half: bytes) -> None:
    citizen = any_house.activates_citizen()
    tx = begins_login(citizen.browser)
    headers = {**OWN, "X-CSRFToken": OwnPages(citizen.browser).token(), "Content-Type": "application/json"}
    body = b'{"tx":"%s","x":"%s"}' % (tx.encode(), half)
    assert citizen.browser.post("/login/passkey/options", data=body, headers=headers).status_code == 400
    whole = b'{"tx":"%s","x":"\\ud83d\\ude00"}' % tx.encode()
    assert citizen.browser.post("/login/passkey/options", data=whole, headers=headers).status_code == 200
