"""An account that does not open with a good code: the operator, and who holds the code, hear why in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from idp.audit.events import NumberGiven
from tests.support.house import House, members
from tests.support.login.at_activation import AtActivation
from tests.support.office import a_person, new_number
from tests.support.terminal import Answer, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idp.citizens.enrolment import Activated
    from idp.citizens.national_id import PersonalNumber
    from tests.support.office import Office


def _is_suspended(office: Office, account: Activated, _number: PersonalNumber) -> None:
    office.citizens.end(citizen_id=account.citizen.id, status="suspended", reason="test", actor="operator")


def _has_ended(office: Office, account: Activated, _number: PersonalNumber) -> None:
    office.citizens.end(citizen_id=account.citizen.id, status="deceased", reason="test", actor="operator")


def _is_of_another(office: Office, _account: Activated, number: PersonalNumber) -> None:
    office.registers(number=number, person=a_person(full_name="Trần Văn Nam", birth_date="1999-01-02", gender="Nam"))


def _has_another_number(office: Office, account: Activated, _number: PersonalNumber) -> None:
    event = NumberGiven(actor="operator", citizen_id=account.citizen.id, object=account.citizen.id)
    office.citizens.give_number(citizen_id=account.citizen.id, number=new_number(), event=event)


def _stays(_office: Office, _account: Activated, _number: PersonalNumber) -> None:
    """Let nothing befall the account: it is of level 2."""


@dataclass(frozen=True)
class Case:
    """What befalls an account of level 2, the level of the code, and how its holder, the operator and the log hear."""

    befalls: Callable[[Office, Activated, PersonalNumber], None]
    code_level: int
    vi: str
    en: str
    typed: str
    logged: str


CASES = {
    "level": Case(
        _stays,
        1,
        "cao hơn mức độ của mã bạn vừa nhập",
        "higher level than the code that you typed",
        "sen citizen code - --account-level 2",
        "code_refused: level the code proves less than the account",
    ),
    "suspended": Case(
        _is_suspended,
        2,
        "đang bị khóa, nên không mã kích hoạt nào",
        "is locked, so no activation code opens it",
        "sen citizen show -",
        "code_refused: suspended the account is suspended",
    ),
    "ended": Case(
        _has_ended,
        2,
        "đã đóng, nên không mã kích hoạt nào",
        "is closed, so no activation code opens it",
        "sen citizen show -",
        "code_refused: ended the account is deceased",
    ),
    "person": Case(
        _is_of_another,
        2,
        "của tài khoản không khớp với <strong>Cơ sở dữ liệu quốc gia về dân cư</strong>",
        "of the account do not match the <strong>National Population Database</strong>",
        "sen citizen show -",
        "code_refused: person the register names another person than the account does",
    ),
    "number": Case(
        _has_another_number,
        2,
        "chỉ mở bằng số mới",
        "opens with the new number only",
        "sen citizen code -",
        "code_refused: number the number is no longer valid",
    ),
}


def _account(house: House, case: Case) -> PersonalNumber:
    """Let there be an account, and let that happen to it."""
    number = house.office.registers()
    account = house.office.activates(number=number)
    case.befalls(house.office, account, number)
    return number


@pytest.mark.spec("AL-04", "AL-07")
@pytest.mark.parametrize("reason", CASES)
def test_who_proved_a_code_hears_why_the_account_does_not_open_before_a_passkey_is_made(
    any_house: House, reason: str
) -> None:
    case = CASES[reason]
    number = _account(any_house, case)
    person = AtActivation(any_house, number, any_house.office.issues_code(number=number, account_level=case.code_level))
    with capture_logs() as logged:
        page = person.types_code()
    english = person.looks_in_english()
    assert (page.status_code, english.status_code) == (409, 409)
    assert case.vi in page.text
    assert case.en in english.text
    assert not [name for name, other in CASES.items() if name != reason and other.vi in page.text]
    person.is_logged(case.logged, logged)
    assert person.own.calls("/activate/passkey/options", tx=person.tx).status_code == 400


@pytest.mark.spec("LG-03")
@pytest.mark.parametrize("reason", CASES)
def test_a_stranger_with_a_wrong_code_hears_nothing_of_the_account(house: House, reason: str) -> None:
    known, unknown = (
        AtActivation(house, number, "BCFG-2345-HJKM-67").types_code()
        for number in (_account(house, CASES[reason]), new_number())
    )
    assert (known.status_code, unknown.status_code) == (400, 400)
    assert len(known.data) == len(unknown.data)


@pytest.mark.spec("AL-07")
def test_an_account_that_is_suspended_meanwhile_is_told_after_the_passkey(house: House) -> None:
    number = house.office.registers()
    account = house.office.activates(number=number)
    person = AtActivation(house, number, house.office.issues_code(number=number))
    assert person.types_code().status_code == 200
    credential = person.makes_passkey()
    _is_suspended(house.office, account, number)
    with capture_logs() as logged:
        refused = person.hands_in(credential)
    assert (refused.status_code, list(members(refused))) == (400, ["next"])
    page = person.browser.get(members(refused)["next"])
    assert page.status_code == 409
    assert CASES["suspended"].vi in page.text
    person.is_logged(CASES["suspended"].logged, logged)
    assert len(house.office.passkeys.of_citizen(citizen_id=account.citizen.id)) == 1


def _types(house: House, folder: Path, *words: str, number: PersonalNumber) -> Answer:
    storage = house.settings.storage
    environ = {"SEN_STORAGE__DATABASE_URL": storage.database_url}
    terminal = Terminal(folder, redis_url=storage.redis_url, environ=environ)
    return terminal.types("citizen", "code", "-", *words, stdin=number.digits)


@pytest.mark.spec("AL-04", "AL-07")
@pytest.mark.parametrize("reason", CASES)
def test_an_operator_gets_no_code_that_would_not_open_the_account_and_hears_what_to_type(
    house: House, tmp_path: Path, reason: str
) -> None:
    case = CASES[reason]
    number = _account(house, case)
    refused = _types(house, tmp_path, "--account-level", str(case.code_level), number=number)
    assert (refused.status, refused.out) == (1, "")
    assert len(refused.err.splitlines()) == 1
    assert case.typed in refused.err
    assert number.digits not in refused.err


@pytest.mark.spec("AL-04")
def test_what_the_operator_is_told_to_type_gives_a_code_that_opens_the_account(house: House, tmp_path: Path) -> None:
    number = _account(house, CASES["level"])
    issued = _types(house, tmp_path, "--account-level", "2", number=number)
    assert issued.status == 0, issued.err
    person = AtActivation(house, number, issued.out.split()[0])
    assert person.types_code().status_code == 200
    assert person.hands_in(person.makes_passkey()).status_code == 200
    assert person.own.is_logged_in()
