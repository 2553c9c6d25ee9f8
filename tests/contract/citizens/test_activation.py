"""A code, the register and a passkey make an account, once, on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from sqlalchemy import select

from idp import clock
from idp.citizens.activation import issue_code
from idp.citizens.national_id import FormerNumber
from idp.errors import CodeRefused, RegisterAnswer, RegistrationRefused
from idp.storage.sql.tables import METADATA, activation_code, audit_event, citizen, citizen_number, login_session
from tests.support.office import (
    Office,
    a_new_passkey,
    a_person,
    at_once,
    new_number,
    with_same_credential,
)

if TYPE_CHECKING:
    from idp.citizens.enrolment import Activation

TAKERS = 50


def test_a_code_and_the_register_make_a_citizen_with_number_passkey_session_and_events(office: Office) -> None:
    number = office.registers(person=a_person(former_number="024 123 456"))
    code = office.issues_code(number=number)
    done = office.citizens.activate(activation=office.activation(number=number, code=code))

    found = office.citizens.by_number_hash(number_hash=office.number_hash(number))
    assert found == done.citizen == office.citizens.by_id(citizen_id=done.citizen.id)
    assert found is not None
    assert (found.status, found.account_level, found.person.birth_date.oidc()) == ("active", 2, "1941")
    assert {held.number for held in office.citizens.numbers_of(citizen_id=found.id)} == {
        number,
        FormerNumber("024123456"),
    }
    assert office.passkeys.by_credential_id(credential_id=done.passkey.credential_id) == (done.passkey, found)
    assert office.sessions.of_citizen(citizen_id=found.id) == (done.session,)
    assert office.events_of(found) == ["CitizenActivated", "PasskeyAdded", "LoginSucceeded"]


@pytest.mark.spec("AL-05")
def test_a_code_works_once(office: Office) -> None:
    number = office.registers()
    code = office.issues_code(number=number)
    office.citizens.activate(activation=office.activation(number=number, code=code))
    with pytest.raises(CodeRefused):
        office.citizens.activate(activation=office.activation(number=number, code=code))


@pytest.mark.spec("AL-05")
def test_of_fifty_activations_with_one_code_at_the_same_moment_one_succeeds(office: Office) -> None:
    number = office.registers()
    code = office.issues_code(number=number)
    plans = [office.activation(number=number, code=code) for _ in range(TAKERS)]
    results = at_once(*(lambda plan=plan: office.citizens.activate(activation=plan) for plan in plans))
    assert sum(isinstance(result, CodeRefused) for result in results) == TAKERS - 1
    assert office.count(citizen) == office.count(login_session) == 1


def test_two_codes_of_one_number_used_at_the_same_moment_lead_to_one_citizen(office: Office) -> None:
    number = office.registers()
    handle = a_new_passkey().user_handle
    plans: list[Activation] = []
    for _ in range(2):
        with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=len(plans))):
            code = office.issues_code(number=number)
        plans.append(office.activation(number=number, code=code, passkey=a_new_passkey(user_handle=handle)))
    revive = activation_code.update().values(expires_at=clock.after(seconds=60))
    office.database.transact(lambda connection: connection.execute(revive))
    results = at_once(*(lambda plan=plan: office.citizens.activate(activation=plan) for plan in plans))
    assert not [result for result in results if isinstance(result, Exception)]
    assert office.count(citizen) == 1
    assert office.count(citizen_number) == 1


@pytest.mark.spec("WR-15")
def test_a_code_opens_the_account_of_its_own_number_only(office: Office) -> None:
    mine, theirs = office.registers(), office.registers()
    code = office.issues_code(number=mine)
    with pytest.raises(CodeRefused):
        office.citizens.activate(activation=office.activation(number=theirs, code=code))
    assert office.citizens.activate(activation=office.activation(number=mine, code=code))


def test_a_code_is_good_for_seven_days_and_not_a_second_longer(office: Office) -> None:
    number = office.registers()
    code = office.code_hash(office.issues_code(number=number))
    hashed = office.number_hash(number)
    with time_machine.travel(clock.now() + timedelta(days=7, seconds=-60)):
        assert office.codes.find(code_hash=code, number_hash=hashed) is not None
    with time_machine.travel(clock.now() + timedelta(days=7, seconds=1)):
        assert office.codes.find(code_hash=code, number_hash=hashed) is None


def test_looking_at_a_code_does_not_use_it_up(office: Office) -> None:
    number = office.registers()
    code = office.issues_code(number=number)
    for _ in range(3):
        found = office.codes.find(code_hash=office.code_hash(code), number_hash=office.number_hash(number))
        assert found is not None
    assert office.codes.find(code_hash=office.code_hash(code), number_hash=office.number_hash(new_number())) is None
    assert office.citizens.activate(activation=office.activation(number=number, code=code))


def test_a_new_code_ends_the_one_before_and_leaves_those_of_other_numbers(office: Office) -> None:
    number, other = office.registers(), office.registers()
    older, others = office.issues_code(number=number), office.issues_code(number=other)
    newer = office.issues_code(number=number)
    with pytest.raises(CodeRefused):
        office.citizens.activate(activation=office.activation(number=number, code=older))
    assert office.citizens.activate(activation=office.activation(number=number, code=newer))
    assert office.citizens.activate(activation=office.activation(number=other, code=others))


def test_no_code_is_issued_for_a_number_that_the_register_does_not_know(office: Office) -> None:
    with pytest.raises(RegisterAnswer) as refusal:
        office.issues_code(number=new_number())
    assert refusal.value.answer == "not_found"
    assert office.count(activation_code) == office.count(audit_event) == 0


def test_no_code_is_issued_for_a_level_that_the_law_does_not_know(office: Office) -> None:
    with pytest.raises(ValueError, match="account level"):
        office.issues_code(number=office.registers(), account_level=3)


def test_the_database_holds_no_number_no_name_and_no_code_in_clear(office: Office) -> None:
    number = office.registers(person=a_person(full_name="Đặng Canh Gác"))
    code = issue_code(
        number=number,
        account_level=2,
        register=office.register,
        store=office.codes,
        sealer=office.sealer,
        actor="operator",
    )
    office.citizens.activate(activation=office.activation(number=number, code=code.text))
    rows = office.database.consult(
        lambda connection: [row for table in METADATA.sorted_tables for row in connection.execute(select(table)).all()]
    )
    everything = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    assert office.number_hash(number) in everything
    for secret in (number.digits, "Canh Gác", code.text, code.text.replace("-", "")):
        assert secret.encode() not in everything


@pytest.mark.spec("WR-14")
def test_a_credential_id_that_anyone_has_activates_nothing_and_leaves_the_record_alone(office: Office) -> None:
    first = office.activates()
    number = office.registers()
    code = office.issues_code(number=number)
    stolen = with_same_credential(a_new_passkey(), first.passkey)
    with pytest.raises(RegistrationRefused):
        office.citizens.activate(activation=office.activation(number=number, code=code, passkey=stolen))
    assert office.citizens.by_number_hash(number_hash=office.number_hash(number)) is None
    assert office.passkeys.by_credential_id(credential_id=first.passkey.credential_id) == (first.passkey, first.citizen)
    assert office.citizens.activate(activation=office.activation(number=number, code=code))


@pytest.mark.spec("WR-14")
def test_a_credential_id_that_anyone_has_or_had_is_not_added_again(office: Office) -> None:
    first, second = office.activates(), office.activates()
    office.passkeys.end(passkey_id=first.passkey.id, expected_citizen_id=None, reason="lost", actor="operator")
    stolen = with_same_credential(a_new_passkey(user_handle=second.citizen.user_handle), first.passkey)
    with pytest.raises(RegistrationRefused):
        office.adds_passkey(second.citizen, stolen)
    assert office.passkeys.of_citizen(citizen_id=second.citizen.id) == (second.passkey,)
    assert office.adds_passkey(second.citizen) in office.passkeys.of_citizen(citizen_id=second.citizen.id)


def test_a_passkey_made_for_another_account_is_refused(office: Office) -> None:
    number = office.registers()
    office.activates(number=number)
    code = office.issues_code(number=number)
    with pytest.raises(RegistrationRefused):
        office.citizens.activate(activation=office.activation(number=number, code=code))


def test_a_suspended_citizen_gets_no_further_passkey(office: Office) -> None:
    first = office.activates()
    office.citizens.end(citizen_id=first.citizen.id, status="suspended", reason="asked", actor="operator")
    with pytest.raises(RegistrationRefused):
        office.adds_passkey(first.citizen)
