"""The life of an account: levels that say what happened, the way back, a withdrawal in a race, who knows what."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from idp.assurance import Evidence
from idp.ephemeral import Replace
from idp.sessions import key_of
from idp.storage.sql.tables import activation_code
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.house import House, answered, members
from tests.support.login.at_activation import AtActivation
from tests.support.login.own_pages import OwnPages, begins_login, citizen_id_of, passkeys_of
from tests.support.office import a_person, at_once

if TYPE_CHECKING:
    from tests.support.house import ACitizen


@pytest.mark.spec("AL-01", "AZ-22")
def test_a_token_names_the_level_of_what_happened_and_never_a_higher_one(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    login = portal.asks()
    claims = portal.reads_id_token(members(login.redeem(citizen.arrives(login)))["id_token"])
    assert claims["acr"] == "urn:sen:authentication-level:2"
    assert claims["vn_account_level"] == "02"
    assert "hwk" not in claims["amr"], "hardware is claimed only where its maker vouches for it"
    higher = citizen.opens(portal.asks(acr_values="LoA3"))
    assert higher.headers["Location"].startswith("/login")
    tx = higher.headers["Location"].partition("tx=")[2]
    assert citizen.browser.get(f"/continue?tx={tx}").headers["Location"].startswith("/login"), "going on is no login"
    assert citizen.signs_in(tx).status_code == 200
    refused = answered(citizen.browser.get(f"/continue?tx={tx}"))
    assert refused["error"] == "unmet_authentication_requirements"
    assert "code" not in refused
    lower = portal.asks(acr_values="LoA1")
    assert portal.reads_id_token(members(lower.redeem(citizen.arrives(lower)))["id_token"])["acr"] == "LoA1"


@pytest.mark.spec("AL-01", "AL-02", "WR-10")
def test_each_proof_reaches_its_level_and_a_claim_without_a_voucher_reaches_no_more(house: House) -> None:
    def level(*factors: str, **said: bool) -> int:
        conditions = {"phishing_resistant": True, "hardware_bound": False, "attested": False, **said}
        evidence = Evidence(method="passkey", amr=("pop",), factors=frozenset(factors), **conditions)
        return house.services.provider.assurance.level_of((evidence,))

    assert level("possession") == 1
    assert level("possession", "local") == 2
    assert level("possession", "biometric") == 2
    assert level("possession", "biometric", attested=True) == 2
    assert level("possession", "biometric", hardware_bound=True) == 2
    assert level("possession", "biometric", attested=True, hardware_bound=True) == 3
    assert level("possession", "local", attested=True, hardware_bound=True) == 2


@pytest.mark.spec("AZ-19", "AL-01")
def test_a_session_that_was_held_back_at_first_is_no_fresh_login(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    citizen.arrives(portal.asks())
    held_back = citizen.browser.get_cookie("sen_session")
    assert held_back is not None
    citizen.browser.delete_cookie("sen_session")
    _ages_by(house, held_back.value, seconds=60)
    begun = citizen.browser.get(portal.asks(prompt="login").url)
    tx = begun.headers["Location"].partition("tx=")[2]
    citizen.browser.set_cookie("sen_session", held_back.value)
    assert citizen.browser.get(f"/continue?tx={tx}").headers["Location"].startswith("/login")
    assert citizen.signs_in(tx).status_code == 200
    assert "code" in answered(citizen.browser.get(f"/continue?tx={tx}"))


def _ages_by(house: House, token: str, *, seconds: int) -> None:
    session = house.services.sessions.find(token)
    assert session is not None
    older = replace(session, auth_time=session.auth_time - seconds, started_at=session.started_at - seconds)
    house.services.provider.ephemeral.wave(Replace(key_of(token), older.to_json(), 900))


@pytest.mark.spec("AL-04")
def test_the_way_back_asks_for_as_much_as_the_way_in(house: House, citizen: ACitizen) -> None:
    lost = citizen.authenticator
    citizen.authenticator, citizen.browser = SoftwareAuthenticator(), house.browser()
    citizen.code = house.office.issues_code(number=citizen.number, account_level=1)
    refused = AtActivation(house, citizen.number, citizen.code).types_code()
    assert refused.status_code == 409, "a code of level 1 opens no account of level 2"
    citizen.code = house.office.issues_code(number=citizen.number, account_level=2)
    assert citizen.activates().status_code == 200
    first, second = passkeys_of(house, citizen)
    assert OwnPages(citizen.browser).sends("/account/passkeys/remove", passkey=first.id).status_code == 303
    assert [passkey.id for passkey in passkeys_of(house, citizen)] == [second.id]
    citizen.authenticator, citizen.browser = lost, house.browser()
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 400, "the lost one is of no use any more"


@pytest.mark.spec("AL-04", "AL-10")
def test_a_number_that_went_to_another_person_opens_nobodys_account(house: House, citizen: ACitizen) -> None:
    house.office.registers(
        number=citizen.number, person=a_person(full_name="Trần Văn Nam", birth_date="1999-01-02", gender="Nam")
    )
    code = house.office.issues_code(number=citizen.number)
    assert AtActivation(house, citizen.number, code).types_code().status_code == 409
    assert len(passkeys_of(house, citizen)) == 1


@pytest.mark.spec("AL-07")
def test_a_suspended_account_opens_with_no_passkey_and_no_code(house: House, citizen: ACitizen) -> None:
    house.office.citizens.end(
        citizen_id=citizen_id_of(house, citizen), status="suspended", reason="test", actor="operator"
    )
    citizen.browser = house.browser()
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 400
    code = house.office.issues_code(number=citizen.number)
    assert AtActivation(house, citizen.number, code).types_code().status_code == 409
    assert len(passkeys_of(house, citizen)) == 1


@pytest.mark.spec("AL-08", "AL-05")
def test_a_code_is_kept_as_a_hash_replaces_older_ones_and_touches_no_passkey(house: House, citizen: ACitizen) -> None:
    before = passkeys_of(house, citizen)
    older = house.office.issues_code(number=citizen.number)
    newer = house.office.issues_code(number=citizen.number)
    statement = select(activation_code).where(activation_code.c.number_hash == house.office.number_hash(citizen.number))
    rows = house.office.database.consult(lambda connection: connection.execute(statement).all())
    kept = b"".join(cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row)
    for secret in (older, newer, older.replace("-", ""), newer.replace("-", ""), citizen.number.digits):
        assert secret.encode() not in kept
    assert passkeys_of(house, citizen) == before
    assert OwnPages(citizen.browser).is_logged_in()
    citizen.authenticator, citizen.browser, citizen.code = SoftwareAuthenticator(), house.browser(), newer
    assert citizen.activates().status_code == 200


@pytest.mark.spec("CO-05", "TK-16")
def test_a_withdrawal_that_races_a_redemption_leaves_no_token_alive(any_house: House) -> None:
    portal = any_house.registers_portal(token_endpoint_auth_method="client_secret_basic")
    for _ in range(6):
        person = any_house.logs_in_directly()
        login = portal.asks()
        code = person.arrives(login)
        consent_id = person.newest_consent_id(portal)
        answer, _withdrawn = at_once(partial(login.redeem, code), partial(person.withdraws, consent_id))
        assert answer.status_code in {200, 400}
        if answer.status_code == 200:
            assert portal.asks_userinfo(members(answer)["access_token"]).status_code == 401
    kept = any_house.logs_in_directly()
    login = portal.asks()
    assert login.redeem(kept.arrives(login)).status_code == 200
