"""Accounts, their numbers and the register, on every database."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from idp import clock
from idp.citizens.national_id import PersonalNumber
from idp.errors import CodeRefused, NotKnown
from idp.storage.sql.tables import audit_event, citizen
from keys.errors import SealBroken
from tests.support.office import (
    Office,
    Refreshed,
    a_new_session,
    a_person,
    at_once,
    new_number,
)


@pytest.mark.spec("SS-05")
def test_suspending_a_citizen_ends_every_session_and_closes_every_gate(office: Office) -> None:
    first, stranger = office.activates(), office.activates()
    second = office.logs_in(first.passkey)
    ended = office.citizens.end(citizen_id=first.citizen.id, status="suspended", reason="asked for", actor="operator")
    assert set(ended) == {first.session.id, second.id}
    for session_id in ended:
        gate = office.sessions.gate(session_id=session_id)
        assert gate is not None
        assert gate.citizen_status == "suspended"
        assert not gate.is_open(now=clock.now())
    assert office.sessions.of_citizen(citizen_id=stranger.citizen.id) == (stranger.session,)
    assert office.events_of(first.citizen)[-3:] == ["CitizenEnded", "SessionEnded", "SessionEnded"]


def test_a_suspension_at_the_moment_of_a_login_leaves_no_open_session(office: Office) -> None:
    first = office.activates()
    at_once(
        lambda: office.logs_in(first.passkey),
        lambda: office.citizens.end(
            citizen_id=first.citizen.id, status="suspended", reason="asked for", actor="operator"
        ),
    )
    assert office.sessions.of_citizen(citizen_id=first.citizen.id) == ()


def test_a_suspended_account_may_be_closed_and_a_closed_one_is_never_anything_else(office: Office) -> None:
    first = office.activates()
    office.citizens.end(citizen_id=first.citizen.id, status="suspended", reason="asked for", actor="operator")
    office.citizens.end(citizen_id=first.citizen.id, status="deceased", reason="register", actor="operator")
    assert office.citizens.end(citizen_id=first.citizen.id, status="deceased", reason="register", actor="worker") == ()
    with pytest.raises(NotKnown):
        office.citizens.end(citizen_id=first.citizen.id, status="suspended", reason="asked for", actor="operator")
    assert office.events_of(first.citizen).count("CitizenEnded") == 2


def test_a_citizen_who_is_not_there_is_named_as_such(office: Office) -> None:
    assert office.citizens.by_id(citizen_id="none") is None
    with pytest.raises(NotKnown):
        office.citizens.end(citizen_id="none", status="suspended", reason="asked for", actor="operator")
    with pytest.raises(NotKnown):
        office.citizens.refresh_person(citizen_id="none", person=a_person(), event=Refreshed(actor="worker"))
    with pytest.raises(NotKnown):
        office.citizens.give_number(citizen_id="none", number=new_number(), event=Refreshed(actor="worker"))
    assert office.count(audit_event) == 0


def test_what_the_register_says_now_replaces_what_it_said(office: Office) -> None:
    first = office.activates()
    office.citizens.refresh_person(
        citizen_id=first.citizen.id,
        person=a_person(address="Phường Cửa Nam, Hà Nội"),
        event=Refreshed(actor="worker", citizen_id=first.citizen.id),
    )
    found = office.citizens.by_id(citizen_id=first.citizen.id)
    assert found is not None
    assert found.person.address == "Phường Cửa Nam, Hà Nội"
    assert office.events_of(first.citizen)[-1] == "Refreshed"


def test_a_number_given_anew_leads_to_the_same_citizen_and_the_old_one_to_nobody(office: Office) -> None:
    number, newer = office.registers(), office.registers()
    first = office.activates(number=number)
    event = Refreshed(actor="operator", citizen_id=first.citizen.id)
    office.citizens.give_number(citizen_id=first.citizen.id, number=newer, event=event)
    assert office.citizens.by_number_hash(number_hash=office.number_hash(newer)) == first.citizen
    assert office.citizens.by_number_hash(number_hash=office.number_hash(number)) is None
    held = office.citizens.numbers_of(citizen_id=first.citizen.id)
    assert [(each.number, each.valid_to is None) for each in held] == [(newer, True), (number, False)]
    code = office.issues_code(number=number)
    with pytest.raises(CodeRefused):
        office.citizens.activate(activation=office.activation(number=number, code=code))


def test_a_number_that_a_citizen_holds_is_not_given_to_another(office: Office) -> None:
    number = office.registers()
    office.activates(number=number)
    other = office.activates()
    with pytest.raises(ValueError, match="history of a citizen"):
        office.citizens.give_number(citizen_id=other.citizen.id, number=number, event=Refreshed(actor="operator"))
    (held,) = office.citizens.numbers_of(citizen_id=other.citizen.id)
    assert held.valid_to is None


def test_a_person_moved_to_another_row_does_not_open(office: Office) -> None:
    first, second = office.activates(), office.activates()
    theirs = select(citizen.c.person).where(citizen.c.id == second.citizen.id).scalar_subquery()
    move = citizen.update().where(citizen.c.id == first.citizen.id).values(person=theirs)
    office.database.transact(lambda connection: connection.execute(move))
    with pytest.raises(SealBroken):
        office.citizens.by_id(citizen_id=first.citizen.id)
    assert office.citizens.by_id(citizen_id=second.citizen.id) == second.citizen


def test_the_register_keeps_what_was_put_last(office: Office) -> None:
    number = office.registers()
    office.registers(number=number, person=a_person(birth_date="1941-05"), state="dead")
    entry = office.entries.by_number_hash(number_hash=office.number_hash(number))
    assert entry is not None
    assert (entry.state, entry.person.birth_date.legacy()) == ("dead", "1941-05-00")
    assert office.entries.by_number_hash(number_hash=office.number_hash(PersonalNumber("001000000000"))) is None


def test_a_session_begins_with_what_its_login_proved(office: Office) -> None:
    first = office.activates()
    assert (first.session.level, first.session.amr) == (2, a_new_session().amr)
