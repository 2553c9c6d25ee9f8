"""Registrations in the wrong hands, at the wrong time, twice; and the removal of passkeys."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from idp import clock
from idp.login import passkey
from idp.pages import ceremony
from tests.support.authenticator import SoftwareAuthenticator, from_base64url
from tests.support.house import ISSUER, House, members
from tests.support.login.own_pages import OwnPages, begins_login, citizen_id_of, passkeys_of
from tests.support.login.stranger import AStranger

if TYPE_CHECKING:
    from tests.support.house import ACitizen
    from tests.support.valkey import ValkeyServer


def _asks(pages: OwnPages) -> dict[str, Any]:
    options = pages.calls("/account/passkeys/options")
    assert options.status_code == 200, options.text
    return members(options)


@pytest.mark.spec("WR-04")
def test_the_challenge_of_a_registration_is_good_once_even_when_it_failed(citizen: ACitizen) -> None:
    pages, phone = OwnPages(citizen.browser), SoftwareAuthenticator()
    options = _asks(pages)
    phone.user_verified = False
    refused = pages.calls("/account/passkeys/verify", credential=phone.register(options, origin=ISSUER))
    assert refused.status_code == 400
    assert members(refused)["message"] == "Chưa tạo được khóa truy cập. Hãy thử lại, hoặc dùng thiết bị khác."
    assert members(refused)["incident"]
    phone.user_verified = True
    again = pages.calls("/account/passkeys/verify", credential=phone.register(options, origin=ISSUER))
    assert again.status_code == 400
    assert pages.adds_passkey(phone).status_code == 200, "with a challenge of its own it is kept"


@pytest.mark.spec("WR-04")
def test_the_challenge_of_a_registration_is_for_this_session_alone(house: House, citizen: ACitizen) -> None:
    mine, victim = OwnPages(house.activates_citizen().browser), OwnPages(citizen.browser)
    phone = SoftwareAuthenticator()
    theirs = phone.register(_asks(victim), origin=ISSUER)
    assert mine.calls("/account/passkeys/verify", credential=theirs).status_code == 400
    _asks(mine)
    assert mine.calls("/account/passkeys/verify", credential=theirs).status_code == 400
    assert victim.calls("/account/passkeys/verify", credential=theirs).status_code == 200


@pytest.mark.spec("WR-04")
def test_the_challenge_of_a_registration_dies_with_the_login_that_it_was_made_in(citizen: ACitizen) -> None:
    pages, phone = OwnPages(citizen.browser), SoftwareAuthenticator()
    made = phone.register(_asks(pages), origin=ISSUER)
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 200
    assert pages.calls("/account/passkeys/verify", credential=made).status_code == 400
    assert pages.adds_passkey(phone).status_code == 200


@pytest.mark.spec("WR-04")
def test_the_challenge_of_a_login_is_none_for_a_registration_and_the_other_way_round(citizen: ACitizen) -> None:
    pages, phone = OwnPages(citizen.browser), SoftwareAuthenticator()
    tx = begins_login(citizen.browser)
    login = members(pages.calls("/login/passkey/options", tx=tx))
    swapped = phone.register({**_asks(pages), "challenge": login["challenge"]}, origin=ISSUER)
    assert pages.calls("/account/passkeys/verify", credential=swapped).status_code == 400
    for_a_new_one = _asks(pages)
    answer = citizen.authenticator.sign_in({**login, "challenge": for_a_new_one["challenge"]}, origin=ISSUER)
    assert pages.calls("/login/passkey/verify", tx=tx, credential=answer).status_code == 400
    assert citizen.signs_in(tx).status_code == 200


@pytest.mark.spec("WR-04", "LG-11")
def test_a_challenge_is_long_lives_for_five_minutes_and_gives_way_to_the_next(
    house: House, citizen: ACitizen, lone_valkey: ValkeyServer
) -> None:
    stranger = AStranger.at(house)
    first = members(stranger.asks_options())
    assert len(from_base64url(first["challenge"])) >= 16
    assert 0 < lone_valkey.client.ttl(f"ceremony:passkey:{stranger.tx}") <= 300
    second = members(stranger.asks_options())
    assert stranger.answers(citizen.authenticator.sign_in(first, origin=ISSUER)).status_code == 400
    third = members(stranger.asks_options())
    assert stranger.answers(citizen.authenticator.sign_in(third, origin=ISSUER)).status_code == 200
    assert len({options["challenge"] for options in (first, second, third)}) == 3


@pytest.mark.spec("WR-14")
def test_a_passkey_that_is_registered_already_is_refused_and_stays_its_owners(house: House, citizen: ACitizen) -> None:
    thief = house.activates_citizen()
    (before,) = passkeys_of(house, citizen)
    copied = SoftwareAuthenticator(credential_id_length=32)
    pages = OwnPages(thief.browser)
    options = _asks(pages)
    key = next(iter(citizen.authenticator.keys.values()))
    forged = _register_with_id(copied, options, key.credential_id)
    assert pages.calls("/account/passkeys/verify", credential=forged).status_code == 400
    assert passkeys_of(house, citizen) == (before,)
    assert len(passkeys_of(house, thief)) == 1
    assert pages.adds_passkey(copied).status_code == 200
    citizen.browser = house.browser()
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 200, "the owner still logs in"


@pytest.mark.spec("WR-14")
def test_a_passkey_that_was_removed_does_not_come_back_under_its_id(house: House, citizen: ACitizen) -> None:
    pages, phone = OwnPages(citizen.browser), SoftwareAuthenticator()
    assert pages.adds_passkey(phone).status_code == 200
    removed = passkeys_of(house, citizen)[1]
    pages.sends("/account/passkeys/remove", passkey=removed.id)
    again = _register_with_id(SoftwareAuthenticator(), _asks(pages), removed.credential_id)
    assert pages.calls("/account/passkeys/verify", credential=again).status_code == 400
    assert len(passkeys_of(house, citizen)) == 1


def _register_with_id(
    authenticator: SoftwareAuthenticator, options: dict[str, Any], credential_id: bytes
) -> dict[str, Any]:
    """Register a key of one's own under somebody else's credential id."""

    class Copying(SoftwareAuthenticator):
        """Calls its keys what it likes."""

    copying = Copying(credential_id_length=len(credential_id))
    drawn = iter([credential_id])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.authenticator.secrets.token_bytes", lambda _length: next(drawn))
        made = copying.register(options, origin=ISSUER)
    authenticator.keys |= copying.keys
    return made


@pytest.mark.spec("WR-15", "SS-09")
def test_passkeys_are_added_and_removed_only_within_five_minutes_of_a_login(house: House, citizen: ACitizen) -> None:
    pages, phone = OwnPages(citizen.browser), SoftwareAuthenticator()
    assert pages.adds_passkey(phone).status_code == 200
    second = passkeys_of(house, citizen)[1]
    with time_machine.travel(clock.now() + timedelta(seconds=302), tick=True):
        options = pages.calls("/account/passkeys/options")
        assert options.status_code == 401
        assert members(options)["next"].startswith("/login?tx=")
        for answer in (
            pages.sends("/account/passkeys/remove", passkey=second.id),
            pages.browser.get(f"/account/passkeys/remove?passkey={second.id}"),
        ):
            assert answer.headers["Location"].startswith("/login?tx=")
        assert len(passkeys_of(house, citizen)) == 2
        assert pages.is_logged_in(), "everything else goes on"
        tx = members(options)["next"].partition("tx=")[2]
        assert pages.browser.get(f"/continue?tx={tx}").headers["Location"] == "/account/passkeys"
        assert pages.calls("/account/passkeys/options").status_code == 401, "going on is no login"
        assert citizen.signs_in(tx).status_code == 200
        pages.sends("/account/passkeys/remove", passkey=second.id)
    assert len(passkeys_of(house, citizen)) == 1


@pytest.mark.spec("WR-15")
def test_without_a_session_or_a_proved_code_nobody_gets_a_registration(house: House, citizen: ACitizen) -> None:
    nobody = OwnPages(house.browser())
    assert nobody.calls("/account/passkeys/options").status_code == 401
    assert nobody.calls("/account/passkeys/verify", credential={}).status_code == 401
    stranger = AStranger.at(house, "/activate")
    assert stranger.posts("/activate/passkey/options").status_code == 400
    refused = stranger.posts("/activate/passkey/verify", credential={})
    assert (refused.status_code, members(refused)["reason"]) == (400, "code_refused")
    assert members(refused)["message"].startswith("Bước trước đã hết hiệu lực.")
    assert stranger.browser.get(f"/activate/passkey?tx={stranger.tx}").status_code == 400
    assert OwnPages(citizen.browser).calls("/account/passkeys/options").status_code == 200


@pytest.mark.spec("WR-15", "AL-04")
def test_a_code_that_was_proved_opens_its_own_account_in_its_own_browser_only(house: House) -> None:
    owner, other = house.registers_citizen(), house.registers_citizen()
    at_home, elsewhere = AStranger.at(house, "/activate"), AStranger.at(house, "/activate")
    assert at_home.tries_code(owner.number, owner.code).status_code == 303
    elsewhere.tx = at_home.tx
    assert elsewhere.posts("/activate/passkey/options").status_code == 400
    options = members(at_home.posts("/activate/passkey/options"))
    made = SoftwareAuthenticator().register(options, origin=ISSUER)
    assert elsewhere.posts("/activate/passkey/verify", credential=made).status_code == 400
    assert at_home.tries_code(other.number, owner.code).status_code == 400
    assert at_home.posts("/activate/passkey/verify", credential=made).status_code == 200
    assert len(passkeys_of(house, owner)) == 1
    assert house.office.citizens.by_number_hash(number_hash=house.office.number_hash(other.number)) is None
    again = AStranger.at(house, "/activate")
    assert again.tries_code(owner.number, owner.code).status_code == 400, "a code is good once"


@pytest.mark.spec("WR-15")
def test_what_was_proved_for_an_activation_is_forgotten_once_the_account_is_open(house: House) -> None:
    owner, stranger = house.registers_citizen(), AStranger.at(house, "/activate")
    assert stranger.tries_code(owner.number, owner.code).status_code == 303
    options = members(stranger.posts("/activate/passkey/options"))
    made = SoftwareAuthenticator().register(options, origin=ISSUER)
    assert stranger.posts("/activate/passkey/verify", credential=made).status_code == 200
    assert stranger.posts("/activate/passkey/options").status_code == 400


@pytest.mark.spec("WR-15", "AL-01")
def test_a_passkey_is_worth_no_more_than_the_login_that_added_it(
    house: House, citizen: ACitizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = passkey.verify_registration

    def as_if_attested(**given: Any) -> Any:
        return replace(honest(**given), attested=True, biometric_only=True, hardware_bound=True)

    monkeypatch.setattr(ceremony, "verify_registration", as_if_attested)
    pages, phone = OwnPages(citizen.browser), SoftwareAuthenticator()
    assert pages.adds_passkey(phone).status_code == 200
    added = passkeys_of(house, citizen)[1]
    assert (added.attested, added.biometric_only, added.hardware_bound) == (False, False, False)
    citizen.browser, citizen.authenticator = house.browser(), phone
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 200
    (newest, *_) = house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen))
    assert newest.level == 2
    proofed = house.registers_citizen()
    assert proofed.activates().status_code == 200, "a code proves the person: there the same passkey counts in full"
    assert passkeys_of(house, proofed)[0].attested
    assert house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, proofed))[0].level == 3


@pytest.mark.parametrize("passkeys", [2])
@pytest.mark.spec("AL-07")
def test_the_last_passkey_cannot_be_removed_by_a_form(house: House, citizen: ACitizen, passkeys: int) -> None:
    pages = OwnPages(citizen.browser)
    for _ in range(passkeys - 1):
        assert pages.adds_passkey(SoftwareAuthenticator()).status_code == 200
    for mine in reversed(passkeys_of(house, citizen)):
        pages.sends("/account/passkeys/remove", passkey=mine.id)
    assert len(passkeys_of(house, citizen)) == 1
    assert pages.is_logged_in()


@pytest.mark.spec("HT-10", "AL-07")
def test_ids_of_others_and_of_nobody_change_nothing_and_break_nothing(house: House, citizen: ACitizen) -> None:
    pages, victim = OwnPages(citizen.browser), house.activates_citizen()
    assert pages.adds_passkey(SoftwareAuthenticator()).status_code == 200
    (theirs,) = passkeys_of(house, victim)
    for passkey_id in (theirs.id, str(uuid.uuid4()), "", "' OR 1=1 --"):
        for path in ("/account/passkeys/remove", "/account/passkeys/rename"):
            assert pages.sends(path, passkey=passkey_id, name="x").status_code == 303
        assert pages.sends("/account/withdraw", consent=passkey_id).status_code == 303
    assert passkeys_of(house, victim) == (theirs,)
    mine = passkeys_of(house, citizen)[0]
    assert pages.sends("/account/passkeys/rename", passkey=mine.id, name="Máy\nbàn").status_code == 303
    assert passkeys_of(house, citizen)[0].name == "Máy bàn"
