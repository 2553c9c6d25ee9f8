"""A new code leads a citizen back to the same account, and nobody else into it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idp.errors import CodeRefused
from idp.storage.sql.tables import citizen
from tests.support.office import (
    Office,
    a_new_passkey,
    a_person,
)


@pytest.mark.spec("AL-04")
def test_a_citizen_who_lost_every_passkey_comes_back_to_the_same_account(office: Office) -> None:
    number = office.registers()
    first = office.activates(number=number)
    code = office.issues_code(number=number)
    passkey = a_new_passkey(user_handle=first.citizen.user_handle)
    again = office.citizens.activate(activation=office.activation(number=number, code=code, passkey=passkey))
    before, now = first.citizen.person.confirmed_at, again.citizen.person.confirmed_at
    assert before is not None
    assert now is not None
    assert before < now
    assert replace(again.citizen, person=first.citizen.person) == first.citizen
    assert replace(again.citizen.person, confirmed_at=None) == replace(first.citizen.person, confirmed_at=None)
    assert office.passkeys.of_citizen(citizen_id=first.citizen.id) == (first.passkey, again.passkey)


@pytest.mark.spec("AL-04")
def test_a_code_that_proves_less_than_the_account_opens_no_way_back(office: Office) -> None:
    number = office.registers()
    first = office.activates(number=number, account_level=2)
    code = office.issues_code(number=number, account_level=1)
    plan = office.activation(number=number, code=code, passkey=a_new_passkey(user_handle=first.citizen.user_handle))
    with pytest.raises(CodeRefused):
        office.citizens.activate(activation=plan)


def test_a_code_that_proves_more_raises_the_level_of_the_account(office: Office) -> None:
    number = office.registers()
    first = office.activates(number=number, account_level=1)
    code = office.issues_code(number=number, account_level=2)
    plan = office.activation(number=number, code=code, passkey=a_new_passkey(user_handle=first.citizen.user_handle))
    assert office.citizens.activate(activation=plan).citizen.account_level == 2


@pytest.mark.parametrize("status", ["suspended", "deceased", "merged"])
def test_an_account_that_is_not_active_is_not_opened_again_and_the_code_is_kept(office: Office, status: str) -> None:
    number = office.registers()
    first = office.activates(number=number)
    code = office.issues_code(number=number)
    office.citizens.end(citizen_id=first.citizen.id, status=status, reason="asked", actor="operator")  # type: ignore[arg-type]
    plan = office.activation(number=number, code=code, passkey=a_new_passkey(user_handle=first.citizen.user_handle))
    with pytest.raises(CodeRefused):
        office.citizens.activate(activation=plan)
    assert office.codes.find(code_hash=plan.code_hash, number_hash=office.number_hash(number)) is not None


@pytest.mark.spec("AL-10")
def test_an_account_never_passes_to_another_person_who_got_the_number(office: Office) -> None:
    number = office.registers()
    first = office.activates(number=number)
    office.registers(number=number, person=a_person(full_name="Lê Văn Nam", birth_date="2001-02-03"))
    code = office.issues_code(number=number)
    plan = office.activation(number=number, code=code, passkey=a_new_passkey(user_handle=first.citizen.user_handle))
    with pytest.raises(CodeRefused):
        office.citizens.activate(activation=plan)


def test_a_citizen_whose_name_changed_comes_back_under_the_new_name(office: Office) -> None:
    number = office.registers()
    first = office.activates(number=number)
    office.registers(number=number, person=a_person(full_name="Nguyễn Thị Hoà"))
    code = office.issues_code(number=number)
    plan = office.activation(number=number, code=code, passkey=a_new_passkey(user_handle=first.citizen.user_handle))
    office.citizens.activate(activation=plan)
    found = office.citizens.by_id(citizen_id=first.citizen.id)
    assert found is not None
    assert found.person.full_name == "Nguyễn Thị Hoà"


def test_two_people_with_one_former_number_both_get_an_account(office: Office) -> None:
    for _ in range(2):
        office.activates(number=office.registers(person=a_person(former_number="024123456")))
    assert office.count(citizen) == 2
