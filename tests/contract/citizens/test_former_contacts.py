"""What is written to a contact that the register names no more, with the change that removes it; on every database."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update

from idp.audit.events import RegisterImported
from idp.citizens.fingerprints import person_hash
from idp.citizens.store import RegisterEntry
from idp.notices import FORMER_CONTACT, former_contact
from idp.outbox import FORMER_CONTACT_NOTICE, NOTICE
from idp.storage.sql.outbox import SIDE_BY_SIDE, SqlOutbox
from idp.storage.sql.people import seal_person
from idp.storage.sql.tables import citizen, outbox
from tests.support.office import Office, Refreshed, a_new_passkey, a_person

if TYPE_CHECKING:
    from idp.citizens.citizen import Person
    from idp.citizens.enrolment import Activated
    from idp.citizens.national_id import PersonalNumber

PHONE, EMAIL, ANOTHER, NEWEST = "+84912345678", "hoa@dan.example", "+84987654321", "+84987654322"
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def told(office: Office) -> Office:
    """Give an office whose citizens are written to."""
    office.database.engine.update_execution_options(notices=True)
    return office


def opened(office: Office, *contacts: str) -> tuple[PersonalNumber, Activated]:
    """Let somebody with contacts have an account, and carry away what that was told."""
    names = {"phone_number" if contact.startswith("+") else "email": contact for contact in contacts}
    number = office.registers(person=a_person(**names))
    account = office.activates(number=number)
    writes(office)
    return number, account


def writes(office: Office) -> list[tuple[str, str]]:
    """Take what waits; return whose former contact each is for, and which, which is nowhere to be read."""
    rows = office.database.consult(lambda connection: connection.execute(select(outbox)).mappings().all())
    found = []
    for claimed in SqlOutbox(office.database).claim(most=100, under_way={}):
        if claimed.payload["type"] == FORMER_CONTACT:
            subject = former_contact(payload=claimed.payload, sealer=office.sealer)
            contact = subject[subject["format"]]
            assert not any(contact in str(row) or contact[3:] in str(row) for row in rows)
            found.append((claimed.payload["citizen_id"], contact))
        SqlOutbox(office.database).settle(claimed, outcome="delivered")
    return found


def follows(office: Office, number: PersonalNumber, account: Activated, person: Person, *, how: str) -> None:
    """Let an account take what the register says now."""
    citizen_id = account.citizen.id
    if how == "an import":
        office.registers(number=number, person=person)
    elif how == "an operator":
        event = Refreshed(actor="operator", citizen_id=citizen_id)
        office.citizens.refresh_person(citizen_id=citizen_id, person=person, event=event)
    else:
        passkey = a_new_passkey(user_handle=account.citizen.user_handle)
        activation = office.activation(number=number, code=office.issues_code(number=number), passkey=passkey)
        office.citizens.activate(activation=replace(activation, person=person))


@pytest.mark.spec("LG-13")
@pytest.mark.parametrize("how", ["an import", "an operator", "a way back"])
def test_by_whatever_way_contacts_change_the_former_ones_are_told_and_no_others(told: Office, how: str) -> None:
    number, account = opened(told)
    mine = account.citizen.id
    follows(told, number, account, a_person(phone_number=PHONE, email=EMAIL), how=how)
    assert writes(told) == [], "a first contact is nobody's former one"
    follows(told, number, account, a_person(phone_number=PHONE, email=EMAIL, full_name="Nguyễn Hoa"), how=how)
    assert writes(told) == [], "another name is no other telephone"
    capitals = a_person(phone_number="0912 345 678", email="Hoa@Dan.Example")
    follows(told, number, account, capitals, how=how)
    assert writes(told) == [], "another spelling is no other contact"
    follows(told, number, account, a_person(phone_number=ANOTHER, email=EMAIL), how=how)
    assert writes(told) == [(mine, PHONE)]
    follows(told, number, account, a_person(email=EMAIL), how=how)
    assert writes(told) == [(mine, ANOTHER)], "it is gone, and nothing came in its place"
    follows(told, number, account, a_person(phone_number=PHONE), how=how)
    assert writes(told) == [(mine, EMAIL)]


@pytest.mark.spec("LG-13")
def test_of_a_batch_only_accounts_are_told_whose_contact_is_another(told: Office) -> None:
    (first, mine), (second, theirs), (third, _) = (opened(told, PHONE, EMAIL) for _ in range(3))
    nobody = told.registers(person=a_person(phone_number=PHONE))
    people = {
        first: a_person(phone_number=ANOTHER, email=EMAIL),
        second: a_person(phone_number=ANOTHER, email="moi@dan.example"),
        third: a_person(phone_number=PHONE, email=EMAIL, address="Phường Cửa Nam, Hà Nội"),
        nobody: a_person(phone_number=ANOTHER),
    }
    entries = [
        RegisterEntry(told.number_hash(number), person, person_hash(sealer=told.sealer, person=person), "alive")
        for number, person in people.items()
    ]
    event = RegisterImported(actor="operator", rows=len(entries), refused=0)
    assert told.entries.put(entries=entries, event=event).refreshed == 3
    wanted = [(mine.citizen.id, PHONE), (theirs.citizen.id, PHONE), (theirs.citizen.id, EMAIL)]
    assert sorted(writes(told)) == sorted(wanted)
    told.entries.put(entries=entries, event=event)
    assert writes(told) == []


def comes_to_wait(office: Office, work: Future[PersonalNumber]) -> None:
    """Return when somebody waits for a lock; on SQLite at once, where one writer waits before its first question."""
    while not office.database.is_sqlite and not wait([work], timeout=0.02).done:
        if office.database.consult(lambda connection: connection.execute(WAITING).scalar_one()):
            return


@pytest.mark.spec("LG-13")
def test_a_contact_that_another_change_brings_while_an_import_is_on_its_way_is_told_when_the_import_removes_it(
    told: Office,
) -> None:
    number, account = opened(told, PHONE)
    mine = account.citizen.id
    changed = seal_person(sealer=told.sealer, person=a_person(phone_number=ANOTHER), citizen_id=mine)
    with ThreadPoolExecutor(1) as pool, told.database.engine.begin() as connection:
        connection.execute(update(citizen).where(citizen.c.id == mine).values(person=changed))
        imported = pool.submit(told.registers, number=number, person=a_person(phone_number=NEWEST))
        comes_to_wait(told, imported)
    assert imported.result() == number
    found = told.citizens.by_id(citizen_id=mine)
    assert found is not None
    assert (found.person.phone_number, writes(told)) == (NEWEST, [(mine, ANOTHER)])


def test_another_notice_does_not_wait_behind_a_change_of_many_records(told: Office) -> None:
    accounts = [opened(told, PHONE) for _ in range(SIDE_BY_SIDE + 2)]
    for number, account in accounts:
        follows(told, number, account, a_person(phone_number=ANOTHER), how="an import")
    told.issues_code(number=accounts[-1][0])
    taken = Counter(claimed.kind for claimed in SqlOutbox(told.database).claim(most=100, under_way={}))
    assert taken == {FORMER_CONTACT_NOTICE: SIDE_BY_SIDE, NOTICE: 1}


@pytest.mark.parametrize("how", ["an import", "an operator", "a way back"])
def test_without_a_gateway_nothing_is_written_to_a_former_contact(office: Office, how: str) -> None:
    number, account = opened(office, PHONE)
    follows(office, number, account, a_person(phone_number=ANOTHER), how=how)
    found = office.citizens.by_id(citizen_id=account.citizen.id)
    assert found is not None
    assert (found.person.phone_number, office.count(outbox)) == (ANOTHER, 0)


def test_an_account_that_is_suspended_follows_no_register_and_its_contact_stays(told: Office) -> None:
    number, account = opened(told, PHONE)
    told.citizens.end(citizen_id=account.citizen.id, status="suspended", reason="asked for", actor="operator")
    follows(told, number, account, a_person(phone_number=ANOTHER), how="an import")
    assert writes(told) == []
    found = told.citizens.by_id(citizen_id=account.citizen.id)
    assert found is not None
    assert found.person.phone_number == PHONE
