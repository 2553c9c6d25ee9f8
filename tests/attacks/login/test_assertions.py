"""Assertions twice, late, elsewhere, and at two workers at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.house import ISSUER, House, members
from tests.support.login.own_pages import OwnPages, begins_login, citizen_id_of, passkeys_of
from tests.support.login.stranger import AStranger
from tests.support.office import at_once

if TYPE_CHECKING:
    from tests.support.house import ACitizen


@pytest.mark.spec("WV-10")
def test_an_assertion_is_good_once_on_any_worker(any_house: House) -> None:
    citizen = any_house.activates_citizen()
    stranger = AStranger.at(any_house)
    answer = citizen.authenticator.sign_in(members(stranger.asks_options()), origin=ISSUER)
    assert stranger.answers(answer).status_code == 200
    assert stranger.answers(answer).status_code == 400
    other_worker = any_house.beside()
    same_browser = OwnPages(other_worker.browser())
    for cookie in ("sen_browser", "sen_form"):
        found = stranger.browser.get_cookie(cookie)
        assert found is not None
        same_browser.browser.set_cookie(cookie, found.value)
    assert same_browser.calls("/login/passkey/verify", tx=stranger.tx, credential=answer).status_code == 400
    fresh = members(same_browser.calls("/login/passkey/options", tx=stranger.tx))
    good = citizen.authenticator.sign_in(fresh, origin=ISSUER)
    assert same_browser.calls("/login/passkey/verify", tx=stranger.tx, credential=good).status_code == 200
    other_worker.services.close()


@pytest.mark.spec("WV-10")
def test_of_ten_workers_with_the_same_assertion_one_lets_the_citizen_in(house: House, citizen: ACitizen) -> None:
    stranger = AStranger.at(house)
    answer = citizen.authenticator.sign_in(members(stranger.asks_options()), origin=ISSUER)
    cookies = {name: stranger.browser.get_cookie(name) for name in ("sen_browser", "sen_form")}

    def once() -> int:
        browser = house.browser()
        for name, cookie in cookies.items():
            assert cookie is not None
            browser.set_cookie(name, cookie.value)
        twin = AStranger(house, browser, stranger.tx, stranger.token)
        return twin.answers(answer).status_code

    assert sorted(at_once(*[once] * 10)) == [200] + [400] * 9


@pytest.mark.spec("WV-10")
def test_an_assertion_for_one_login_is_none_for_another(house: House, citizen: ACitizen) -> None:
    here, there = AStranger.at(house), AStranger.at(house)
    answer = citizen.authenticator.sign_in(members(here.asks_options()), origin=ISSUER)
    there.asks_options()
    assert there.answers(answer).status_code == 400
    assert here.answers(answer).status_code == 200


@pytest.mark.spec("WV-08", "AU-01")
def test_a_counter_that_went_back_is_refused_flagged_and_told(house: House, citizen: ACitizen) -> None:
    citizen.browser = house.browser()
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 200
    session = OwnPages(citizen.browser)
    key = next(iter(citizen.authenticator.keys.values()))
    key.counter -= 1
    copied = house.browser()
    citizen.browser = copied
    assert citizen.signs_in(begins_login(copied)).status_code == 400
    assert passkeys_of(house, citizen)[0].sign_count == 1
    told = house.office.audit.of_citizen(citizen_id=citizen_id_of(house, citizen), limit=10)
    assert told[0].type == "PasskeyCounterWentBack"
    assert told[0].object == passkeys_of(house, citizen)[0].id
    assert "sao chép" in session.browser.get("/account/activity?lang=vi").text
    key.counter += 1
    assert citizen.signs_in(begins_login(copied)).status_code == 200


@pytest.mark.spec("WV-08")
def test_of_two_uses_of_one_counter_at_two_workers_one_wins(any_house: House) -> None:
    citizen = any_house.activates_citizen()
    key = next(iter(citizen.authenticator.keys.values()))
    other_worker = any_house.beside()
    strangers = [AStranger.at(house) for house in (any_house, other_worker)]
    answers = []
    for stranger in strangers:
        key.counter = 6
        answers.append(citizen.authenticator.sign_in(members(stranger.asks_options()), origin=ISSUER))
    found = at_once(*(partial(stranger.answers, answer) for stranger, answer in zip(strangers, answers, strict=True)))
    assert sorted(response.status_code for response in found) == [200, 400]
    assert passkeys_of(any_house, citizen)[0].sign_count == 7
    other_worker.services.close()


@pytest.mark.parametrize("ended", ["passkey", "citizen"])
@pytest.mark.spec("WV-11")
def test_what_was_revoked_while_the_answer_was_on_its_way_lets_nobody_in(any_house: House, ended: str) -> None:
    citizen = any_house.activates_citizen()
    office, stranger = any_house.office, AStranger.at(any_house)
    answer = citizen.authenticator.sign_in(members(stranger.asks_options()), origin=ISSUER)
    if ended == "passkey":
        (passkey,) = passkeys_of(any_house, citizen)
        office.passkeys.end(passkey_id=passkey.id, expected_citizen_id=None, reason="test", actor="operator")
    else:
        account = citizen_id_of(any_house, citizen)
        office.citizens.end(citizen_id=account, status="suspended", reason="test", actor="operator")
    refused = stranger.answers(answer)
    assert refused.status_code == 400
    assert "Set-Cookie" not in refused.headers
    told = members(refused)
    assert (set(told), told["reason"]) == ({"message", "reason", "incident"}, "assertion_refused"), "and nothing of why"
    twin = any_house.activates_citizen()
    other = AStranger.at(any_house)
    good = twin.authenticator.sign_in(members(other.asks_options()), origin=ISSUER)
    assert other.answers(good).status_code == 200


@pytest.mark.spec("WV-11", "SS-05")
def test_revoking_a_passkey_and_using_it_at_the_same_moment_leaves_no_session_behind(any_house: House) -> None:
    office = any_house.office
    for _ in range(5):
        citizen = any_house.activates_citizen()
        stranger = AStranger.at(any_house)
        answer = citizen.authenticator.sign_in(members(stranger.asks_options()), origin=ISSUER)
        (passkey,) = passkeys_of(any_house, citizen)
        revoke = partial(
            office.passkeys.end, passkey_id=passkey.id, expected_citizen_id=None, reason="test", actor="operator"
        )
        _revoked, response = at_once(revoke, partial(stranger.answers, answer))
        assert response.status_code in {200, 400}
        assert office.sessions.of_citizen(citizen_id=citizen_id_of(any_house, citizen)) == ()
        assert not OwnPages(stranger.browser).is_logged_in()
