"""Wrong answers, however many: a code has few tries for as long as it lives, and nobody's way in is taken by them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from idp.citizens.activation import ALPHABET, LIFETIME, SIGNS
from tests.support.house import House, later, settings_for
from tests.support.login.own_pages import begins_login
from tests.support.login.stranger import OWN, AStranger
from tests.support.portal import members

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.valkey import ValkeyServer

WRONG = "BCFG-2345-HJKM-67"
MOST_IN_A_ROW = 100
"""After so many, NIST SP 800-63B-4 section 3.2.2 would have an authenticator disabled."""


@pytest.fixture
def lonely(tmp_path: Path, own_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house whose counts are shared with nobody."""
    house = House.build(folder=tmp_path, redis_url=own_valkey.url)
    yield house
    house.close()


@pytest.mark.spec("LG-04", "LG-05")
def test_wrong_codes_count_for_the_number_wherever_they_come_from_and_end_no_code(
    lonely: House, own_valkey: ValkeyServer
) -> None:
    citizen = lonely.registers_citizen()
    most, window = lonely.settings.limits.per_account, lonely.settings.limits.window_seconds

    def tries(stranger: AStranger, code: str, *, address: str) -> int:
        form = {"tx": stranger.tx, "number": citizen.number.digits, "code": code, "csrf_token": stranger.token}
        whence = {"REMOTE_ADDR": address}
        return stranger.browser.post("/activate", data=form, headers=OWN, environ_overrides=whence).status_code

    with later(window + 1):  # a memory that is younger gives fewer
        stranger = AStranger.at(lonely, "/activate")
        statuses = [tries(stranger, WRONG, address=f"198.51.100.{at}") for at in range(most + 2)]
        assert statuses == [400] * most + [429] * 2
        assert tries(stranger, citizen.code, address="203.0.113.1") == 429, "the right one neither"
        for key in own_valkey.client.scan_iter("*limit:activation:account:*"):
            assert 0 < own_valkey.client.ttl(key) <= window
            own_valkey.client.delete(key)  # as it goes by itself when the window is over
        assert tries(stranger, citizen.code, address="203.0.113.1") == 303, "no stranger uses up a citizen's code"


@pytest.mark.parametrize("path", ["/activate", "/login/number"])
def test_a_number_that_is_none_is_asked_for_again(house: House, path: str) -> None:
    stranger = AStranger.at(house, path.removesuffix("/number"))
    for number in ("", "12345", "00114112341x", "1" * 65):
        form = {"tx": stranger.tx, "number": number, "code": WRONG, "csrf_token": stranger.token}
        answer = stranger.browser.post(path, data=form, headers=OWN)
        assert (answer.status_code, "Số định danh cá nhân có 12 chữ số." in answer.text) == (400, True)


def test_a_number_that_was_not_typed_at_this_login_tells_of_no_passkey(house: House) -> None:
    citizen = house.activates_citizen()
    stranger, other = AStranger.at(house), AStranger.at(house)
    typed = stranger.sealed(citizen.number)
    nobody, known = (members(stranger.asks_options(sealed)) for sealed in (None, typed))
    assert (bool(nobody["allowCredentials"]), bool(known["allowCredentials"])) == (False, True)
    for told in (other.asks_options(typed), stranger.asks_options("no base64"), stranger.asks_options("AAAA")):
        assert (told.status_code, members(told)["allowCredentials"]) == (200, [])


@pytest.mark.spec("LG-04")
def test_all_tries_of_a_codes_life_are_nothing_against_the_chance_in_it(tmp_path: Path) -> None:
    limits = settings_for(folder=tmp_path, redis_url="unix:///nowhere").limits
    tries = limits.per_account * (LIFETIME / timedelta(seconds=limits.window_seconds) + 1)
    assert tries / len(ALPHABET) ** SIGNS < 2**-50


@pytest.mark.spec("LG-04", "LG-07")
def test_a_passkey_works_after_more_wrong_answers_than_any_authenticator_may_have_in_a_row(lonely: House) -> None:
    citizen = lonely.activates_citizen()
    stranger = AStranger.at(lonely)
    sealed = stranger.sealed(citizen.number)
    answers = [stranger.answers(stranger.forges(sealed, citizen.authenticator)) for _ in range(MOST_IN_A_ROW + 1)]
    assert {answer.status_code for answer in answers} == {400}
    citizen.browser = lonely.browser()
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 200
