"""Former contacts: whoever has another's telephone number put into the register cannot keep it from the former one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from sqlalchemy import select, update

from idp.notices import FORMER_CONTACT, MOST_AN_HOUR
from idp.storage.sql.tables import outbox
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.foreign.receiver import says
from tests.support.login.gateway import EMAIL, PHONE, RECEIVED, Gateway, activated
from tests.support.login.own_pages import OwnPages, citizen_id_of
from tests.support.office import a_person

if TYPE_CHECKING:
    from tests.support.house import ACitizen

CHANGED = "https://schemas.openid.net/secevent/risc/event-type/identifier-changed"
ANOTHER, THEIRS = "+84987654321", "ke.gian@dan.example"
SUBJECTS = [{"format": "phone_number", "phone_number": PHONE}, {"format": "email", "email": EMAIL}]


def register_says(gateway: Gateway, citizen: ACitizen, **contacts: str) -> None:
    """Let the register name other contacts of a citizen."""
    gateway.house.office.registers(number=citizen.number, person=a_person(**contacts))


@pytest.mark.spec("LG-13")
def test_who_had_the_telephone_before_hears_that_the_register_names_another_before_anybody_gets_in_with_it(
    gateway: Gateway,
) -> None:
    citizen = activated(gateway)
    register_says(gateway, citizen, phone_number=ANOTHER, email=EMAIL)
    told = gateway.hears_once()
    assert told["sub_id"] == SUBJECTS[0], "RISC 1.0 section 2.5: the former value, and nothing of the new one"
    assert ANOTHER not in orjson.dumps(told).decode()
    ((kind, said),) = told["events"].items()
    assert (kind, said["initiating_entity"], "new-value" in said) == (CHANGED, "system", False)
    assert said["reason_user"]["vi"].startswith("Số điện thoại hoặc địa chỉ thư điện tử này đã bị xóa khỏi")
    assert "take your ID card to the nearest public service centre" in said["reason_user"]["en"]
    citizen.code = gateway.house.office.issues_code(number=citizen.number)
    citizen.browser, citizen.authenticator = gateway.house.browser(), SoftwareAuthenticator()
    assert citizen.activates().status_code == 200
    for later in gateway.hears():
        assert (PHONE in str(later), ANOTHER in str(later)) == (False, True), "what is written now goes to the new one"
    register_says(gateway, citizen, phone_number=ANOTHER, email=THEIRS)
    assert gateway.hears_once()["sub_id"] == SUBJECTS[1]


@pytest.mark.spec("LG-13")
def test_messages_caused_with_a_copied_passkey_neither_silence_the_former_telephone_nor_are_silenced_by_it(
    gateway: Gateway,
) -> None:
    citizen = activated(gateway)
    own = OwnPages(citizen.browser)
    for _ in range(MOST_AN_HOUR):
        assert own.adds_passkey(SoftwareAuthenticator()).status_code == 200
    gateway.hears()
    register_says(gateway, citizen, phone_number=ANOTHER, email=EMAIL)
    assert gateway.hears_once()["sub_id"] == SUBJECTS[0]
    other = activated(gateway)
    for turn in range(MOST_AN_HOUR + 1):
        register_says(gateway, other, phone_number=f"+849000000{turn:02}", email=EMAIL)
    assert len(gateway.hears()) == MOST_AN_HOUR + 1
    assert OwnPages(other.browser).adds_passkey(SoftwareAuthenticator()).status_code == 200
    assert len(gateway.hears()) == 1


@pytest.mark.spec("LG-13", "AU-03")
def test_a_former_telephone_lies_sealed_while_the_gateway_is_away_and_hears_later(gateway: Gateway) -> None:
    citizen = activated(gateway)
    gateway.receiver.answers["/notices"] = says(b"", status="503 Service Unavailable")
    register_says(gateway, citizen, phone_number=ANOTHER, email=EMAIL)
    failed = gateway.hears_once()
    (row,) = gateway.house.office.database.consult(
        lambda connection: connection.execute(select(outbox).where(outbox.c.due_at.is_not(None))).mappings().all()
    )
    for text in (PHONE, PHONE[1:], PHONE[3:], ANOTHER, EMAIL, citizen.number.digits):
        assert text not in str(row)
    gateway.receiver.answers["/notices"] = RECEIVED
    is_due(gateway)
    again = gateway.hears_once()
    assert (again["jti"], again["sub_id"]) == (failed["jti"], SUBJECTS[0])


@pytest.mark.spec("LG-13")
@pytest.mark.parametrize("why", ["it was put into another citizen's row", "the citizen has died"])
def test_a_former_telephone_is_not_written_to_when(gateway: Gateway, why: str) -> None:
    citizen, other = activated(gateway), activated(gateway)
    register_says(gateway, citizen, phone_number=ANOTHER, email=EMAIL)
    account = citizen_id_of(gateway.house, citizen)
    is_over = why == "the citizen has died"
    if is_over:
        gateway.house.office.citizens.end(citizen_id=account, status="deceased", reason="register", actor="operator")
    else:
        moves(gateway, citizen_id_of(gateway.house, other))
    assert gateway.hears() == []
    standing = {each.kind: each for each in gateway.courier.outbox.standing()}["former_contact_notice"]
    assert (standing.waiting, standing.given_up) == (not is_over, is_over), "what does not open may only lack a key"


def moves(gateway: Gateway, citizen_id: str) -> None:
    """Let somebody who writes to the database put what waits for a former contact into another citizen's name."""
    office = gateway.house.office
    waits = select(outbox.c.id, outbox.c.payload).where(outbox.c.due_at.is_not(None))
    ((row_id, payload),) = office.database.consult(lambda connection: connection.execute(waits).all())
    read = orjson.loads(payload)
    assert read["type"] == FORMER_CONTACT
    text = orjson.dumps(read | {"citizen_id": citizen_id}).decode()
    office.database.transact(
        lambda connection: connection.execute(update(outbox).where(outbox.c.id == row_id).values(payload=text))
    )


def is_due(gateway: Gateway) -> None:
    """Let what waits be tried at once."""
    at_once = update(outbox).where(outbox.c.due_at.is_not(None)).values(due_at=outbox.c.created_at)
    gateway.house.office.database.transact(lambda connection: connection.execute(at_once))
