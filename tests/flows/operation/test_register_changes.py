"""What the register says after an activation: tokens, pages and logins follow a file that is imported again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from idp.storage.sql.tables import citizen as account_table
from tests.support.house import TX, House, answered, members
from tests.support.login.own_pages import OwnPages, begins_login, citizen_id_of
from tests.support.office import a_person, new_number
from tests.support.terminal import Answer, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.house import ACitizen, Portal

ONLINE = "openid service:driving-licence"
LICENCE = f"{ONLINE} offline_access"
HEADER = "number,full_name,birth_date,gender,phone_number,state\n"
PHONE = "0912345678"
BOXES = re.compile(r'type="checkbox" name="item" value="(\w+)"( checked)?')


def types(house: House, folder: Path, *words: str) -> Answer:
    """Type a command of `sen citizen` on the database of a house."""
    storage = house.settings.storage
    environ = {"SEN_STORAGE__DATABASE_URL": storage.database_url}
    return Terminal(folder, redis_url=storage.redis_url, environ=environ).types("citizen", *words)


def imports(house: House, folder: Path, citizen: ACitizen, **changed: str) -> str:
    """Import a file with one line, of a citizen; return what the command said."""
    line = {"name": "Nguyễn Thị Hoa", "phone_number": "", "state": "alive", **changed}
    file = folder / "register.csv"
    text = f"{citizen.number.digits},{line['name']},1941,Nữ,{line['phone_number']},{line['state']}\n"
    file.write_text(HEADER + text, encoding="utf-8")
    answer = types(house, folder, "import", str(file))
    assert answer.status == 0, answer.err
    return answer.out


def gets_tokens(citizen: ACitizen, portal: Portal, *ticked: str) -> dict[str, Any]:
    """Log in at a portal and agree; return the token answer."""
    login = portal.asks(scope=LICENCE)
    return members(login.redeem(citizen.arrives(login, "offline_access", *ticked)))


def consent_page(house: House, citizen: ACitizen) -> str:
    """Return what a portal that was never here makes a citizen read."""
    location = citizen.opens(house.registers_portal().asks(scope=LICENCE)).headers["Location"]
    return str(citizen.browser.get(f"{location}&lang=en").text)


def test_a_new_name_and_a_new_telephone_number_reach_tokens_that_stand_and_the_consent_page(
    any_house: House, tmp_path: Path
) -> None:
    citizen, portal = any_house.activates_citizen(), any_house.registers_portal()
    tokens = gets_tokens(citizen, portal)
    assert members(portal.asks_userinfo(tokens["access_token"]))["name"] == "Nguyễn Thị Hoa"
    before = consent_page(any_house, citizen)
    changed = {"name": "Nguyễn Thị Hồng Hoa", "phone_number": PHONE}
    assert "1 of 1 lines landed; accounts refreshed: 1, ended: 0." in imports(any_house, tmp_path, citizen, **changed)
    assert "accounts refreshed: 0, ended: 0." in imports(any_house, tmp_path, citizen, **changed)
    refreshed = members(portal.refreshes(tokens["refresh_token"]))
    for access in (tokens["access_token"], refreshed["access_token"]):
        told = members(portal.asks_userinfo(access))
        assert (told["name"], "phone_number" in told) == ("Nguyễn Thị Hồng Hoa", False), "nobody agreed to the number"
    after = consent_page(any_house, citizen)
    assert ("0912 345 678" in before, "0912 345 678" in after) == (False, True)
    assert before.count("Not in the register") == after.count("Not in the register") + 1
    other = any_house.registers_portal()
    agreed = gets_tokens(citizen, other, "phone_number")
    assert members(other.asks_userinfo(agreed["access_token"]))["phone_number"] == "+84912345678"
    history = citizen.browser.get("/account/activity?lang=en").text
    assert "Personal details updated from the population register" in history


@pytest.mark.spec("CO-01", "CO-03")
def test_what_the_register_gets_later_is_asked_of_who_never_had_the_choice_and_of_nobody_twice(
    any_house: House, tmp_path: Path
) -> None:
    citizen, portal = any_house.activates_citizen(), any_house.registers_portal()
    citizen.arrives(portal.asks(scope=ONLINE))
    silent = portal.asks(scope=ONLINE, prompt="none")
    assert "code" in answered(citizen.opens(silent))
    imports(any_house, tmp_path, citizen, phone_number=PHONE)
    assert answered(citizen.opens(silent))["error"] == "consent_required"
    location = citizen.opens(portal.asks(scope=ONLINE)).headers["Location"]
    page = str(citizen.browser.get(f"{location}&lang=en").text)
    assert "The service needs more information" in page
    assert BOXES.findall(page) == [("phone_number", "")], "it starts unticked"
    assert "code" in answered(citizen.agrees(TX.search(location)[1]))  # type: ignore[index]
    assert "code" in answered(citizen.opens(silent)), "who left it unticked is not asked again"
    imports(any_house, tmp_path, citizen, phone_number="")
    imports(any_house, tmp_path, citizen, phone_number="0987654321")
    assert "code" in answered(citizen.opens(silent))


@pytest.mark.spec("AL-10")
@pytest.mark.parametrize("state", ["dead", "cancelled"])
def test_the_session_tokens_and_passkey_of_a_person_whom_the_register_ended_are_dead_at_once_and_no_other_s(
    any_house: House, tmp_path: Path, state: str
) -> None:
    portal = any_house.registers_portal()
    citizen, stranger = any_house.activates_citizen(), any_house.activates_citizen()
    tokens, others = gets_tokens(citizen, portal), gets_tokens(stranger, portal)
    assert "accounts refreshed: 0, ended: 1." in imports(any_house, tmp_path, citizen, state=state)
    refused = lives(any_house, citizen, portal, tokens)
    assert refused == {"userinfo": 401, "refresh": 400, "session": False, "login": 400}
    granted = lives(any_house, stranger, portal, others)
    assert granted == {"userinfo": 200, "refresh": 200, "session": True, "login": 200}


def lives(house: House, citizen: ACitizen, portal: Portal, tokens: dict[str, Any]) -> dict[str, object]:
    """Try everything that a citizen and a portal have; the login comes from another browser."""
    found: dict[str, object] = {
        "userinfo": portal.asks_userinfo(tokens["access_token"]).status_code,
        "refresh": portal.refreshes(tokens["refresh_token"]).status_code,
        "session": OwnPages(citizen.browser).is_logged_in(),
    }
    citizen.browser = house.browser()
    return found | {"login": citizen.signs_in(begins_login(citizen.browser)).status_code}


@pytest.mark.spec("AL-10")
def test_a_citizen_with_a_new_number_is_the_same_one_to_every_portal(any_house: House, tmp_path: Path) -> None:
    citizen, portal = any_house.activates_citizen(), any_house.registers_portal()
    tokens = gets_tokens(citizen, portal)
    citizen_id, former, newer = citizen_id_of(any_house, citizen), citizen.number, new_number()
    given = types(any_house, tmp_path, "number", citizen_id, newer.digits)
    assert (given.status, newer.digits in given.out) == (0, False)
    assert "ended: 0." in imports(any_house, tmp_path, citizen, state="cancelled"), "it leads to nobody any more"
    citizen.number, citizen.browser = newer, any_house.browser()
    assert "refreshed: 1, ended: 0." in imports(any_house, tmp_path, citizen, name="Nguyễn Thị Hồng Hoa")
    again = gets_tokens(citizen, portal)
    told = [members(portal.asks_userinfo(each["access_token"])) for each in (tokens, again)]
    assert told[0] == told[1]
    assert (told[0]["name"], told[0]["personal_number"]) == ("Nguyễn Thị Hồng Hoa", newer.digits)
    assert portal.reads_id_token(again["id_token"])["sub"] == portal.reads_id_token(tokens["id_token"])["sub"]
    assert any_house.office.citizens.by_number_hash(number_hash=any_house.office.number_hash(former)) is None


def test_a_new_number_that_the_register_knows_already_brings_its_data_along(house: House, tmp_path: Path) -> None:
    citizen = house.activates_citizen()
    citizen_id, newer = citizen_id_of(house, citizen), new_number()
    house.office.registers(number=newer, person=a_person(full_name="Nguyễn Thị Hồng Hoa"))
    assert types(house, tmp_path, "number", citizen_id, newer.digits).status == 0
    account = house.office.citizens.by_id(citizen_id=citizen_id)
    assert account is not None
    assert account.person.full_name == "Nguyễn Thị Hồng Hoa"
    assert house.office.events_of(account)[-2:] == ["NumberGiven", "PersonRefreshed"]


@pytest.mark.spec("AL-10")
def test_a_number_that_may_not_be_given_is_refused_in_one_sentence_and_nothing_changes(
    house: House, tmp_path: Path
) -> None:
    citizen, other = house.activates_citizen(), house.activates_citizen()
    mine, somebody_elses, of_a_dead = citizen_id_of(house, citizen), new_number(), new_number()
    house.office.registers(number=somebody_elses, person=a_person(full_name="Trần Văn Nam", birth_date="2001"))
    house.office.registers(number=of_a_dead, state="dead")
    for citizen_id, number, sentence in (
        (mine, "12", "no personal number"),
        (mine, other.number.digits, "belongs, or belonged, to a citizen already"),
        (mine, citizen.number.digits, "belongs, or belonged, to a citizen already"),
        (mine, somebody_elses.digits, "has somebody else under the number"),
        (mine, of_a_dead.digits, "has a record that does not fit"),
        ("nobody", new_number().digits, "There is no citizen nobody."),
    ):
        refused = types(house, tmp_path, "number", citizen_id, number)
        assert (refused.status, len(refused.err.splitlines())) == (1, 1)
        assert sentence in refused.err
        assert number not in refused.err
    assert citizen_id_of(house, citizen) == mine
    assert len(house.office.citizens.numbers_of(citizen_id=mine)) == 1


def test_a_line_that_names_somebody_else_than_the_account_lands_with_a_warning_and_leaves_it_alone(
    house: House, tmp_path: Path
) -> None:
    citizen, damaged = house.activates_citizen(), house.activates_citizen()
    bits = update(account_table).where(account_table.c.id == citizen_id_of(house, damaged)).values(person=b"damaged")
    house.office.database.transact(lambda connection: connection.execute(bits))
    file = tmp_path / "register.csv"
    lines = (HEADER, f"{citizen.number.digits},Trần Văn Nam,2001,Nam,,", f"{damaged.number.digits},Hoa,1990,Nữ,,dead")
    file.write_text("\n".join(lines), encoding="utf-8")
    imported = types(house, tmp_path, "import", str(file))
    assert (imported.status, "accounts refreshed: 0, ended: 0." in imported.out) == (1, True)
    assert "line 3: landed, but the account under its number is of somebody with another name" in imported.err
    assert "line 4: landed, but the account under its number does not open with the master keys" in imported.err
    account = house.office.citizens.by_id(citizen_id=citizen_id_of(house, citizen))
    assert account is not None
    assert account.person.full_name == "Nguyễn Thị Hoa"
