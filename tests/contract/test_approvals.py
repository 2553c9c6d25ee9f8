"""What requests that wait elsewhere need remembered, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from idp import clock
from idp.audit.events import WaitingRequestDisowned
from idp.outbox import CIBA_PING, Delivery
from idp.storage.sql.audit import SqlApprovals
from idp.storage.sql.tables import audit_event, outbox
from tests.support.house import any_house, house, later, postgres_house
from tests.support.login.elsewhere import number_of
from tests.support.office import new_number

if TYPE_CHECKING:
    from idp.protocol.store import ApprovalStore
    from tests.support.house import House

__all__ = ["any_house", "house", "postgres_house"]


@pytest.fixture
def store(any_house: House) -> ApprovalStore:
    return SqlApprovals(any_house.office.database)


def test_a_number_leads_to_an_active_citizen_and_to_nobody_else(any_house: House, store: ApprovalStore) -> None:
    citizen, office = any_house.logs_in_directly(), any_house.office
    number = office.citizens.numbers_of(citizen_id=citizen.citizen_id)[0].number
    sought = office.number_hash(number)  # type: ignore[arg-type]  # a personal one
    assert number.digits == number_of(citizen)
    assert store.by_number(number_hash=sought) == citizen.citizen_id
    assert store.by_number(number_hash=office.number_hash(new_number())) is None
    office.citizens.end(citizen_id=citizen.citizen_id, status="suspended", reason="test", actor="operator")
    assert store.by_number(number_hash=sought) is None


def test_a_sub_leads_to_a_citizen_for_the_portal_that_knows_it(any_house: House, store: ApprovalStore) -> None:
    citizen, portal = any_house.logs_in_directly(), any_house.registers_portal()
    subject = citizen.gives_tokens(portal).id_token["sub"]
    assert store.by_subject(client_id=portal.client_id, subject=subject) == citizen.citizen_id
    assert store.by_subject(client_id="another", subject=subject) is None
    assert store.by_subject(client_id=portal.client_id, subject="another") is None


def test_not_me_is_remembered_for_one_citizen_one_portal_and_a_time(any_house: House, store: ApprovalStore) -> None:
    citizen, day = any_house.logs_in_directly(), timedelta(hours=24)
    event = WaitingRequestDisowned(actor="citizen", citizen_id=citizen.citizen_id, client_id="portal")
    store.answer(event=event, delivery=None)
    since = clock.now() - day
    assert store.disowned(citizen_id=citizen.citizen_id, client_id="portal", since=since)
    assert not store.disowned(citizen_id=citizen.citizen_id, client_id="another", since=since)
    assert not store.disowned(citizen_id="another", client_id="portal", since=since)
    with later(24 * 3600 + 60):
        assert not store.disowned(citizen_id=citizen.citizen_id, client_id="portal", since=clock.now() - day)


def test_an_answer_and_its_ping_are_written_together_or_not_at_all(any_house: House, store: ApprovalStore) -> None:
    database, citizen = any_house.office.database, any_house.logs_in_directly()
    event = WaitingRequestDisowned(actor="citizen", citizen_id=citizen.citizen_id, client_id="portal")
    broken = Delivery(kind=CIBA_PING, target=None, payload={})  # type: ignore[arg-type]  # the database refuses it
    with pytest.raises(Exception, match=r"(?i)null"):
        store.answer(event=event, delivery=broken)
    mine = select(audit_event.c.id).where(
        audit_event.c.citizen_id == citizen.citizen_id, audit_event.c.type == type(event).__name__
    )
    assert database.consult(lambda connection: connection.execute(mine).all()) == []
    name = f"ciba.{citizen.citizen_id}"
    store.answer(event=event, delivery=Delivery(kind=CIBA_PING, target="portal", payload={"request": name}))
    assert len(database.consult(lambda connection: connection.execute(mine).all())) == 1
    pings = select(outbox.c.payload).where(outbox.c.kind == CIBA_PING, outbox.c.payload.contains(name))
    assert len(database.consult(lambda connection: connection.execute(pings).all())) == 1
