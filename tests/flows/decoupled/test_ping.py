"""CIBA's ping: a portal is told that there is an answer, with its own token, at least once (CIBA Core section 10.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from idp.outbox import CIBA_PING, Delivery
from idp.protocol.grants.decoupled.waiting import name_of
from idp.storage.sql.outbox import write_deliveries
from tests.support.foreign.receiver import Receiver, says
from tests.support.house import House, later, members
from tests.support.login.elsewhere import Phone, asks_for, ciba_portal, names, number_of
from tests.support.login.leaving import standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.worker.courier import Courier
    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn

TOKEN = "a-token-of-the-portal-itself-0123456789"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(ping=says(b"", status="204 No Content")) as listening:
        yield listening


def pinged(house: House, receiver: Receiver) -> Portal:
    """Register a portal that is told when its citizen has answered."""
    return ciba_portal(
        house,
        backchannel_token_delivery_mode="ping",
        backchannel_client_notification_endpoint=receiver.url("/ping"),
    )


@pytest.mark.parametrize("said", ["approved", "refused"])
def test_a_portal_is_pinged_with_its_own_token_when_its_citizen_has_answered(
    house: House, citizen: SignedIn, receiver: Receiver, courier: Courier, said: str
) -> None:
    portal = pinged(house, receiver)
    request = asks_for(portal, citizen, client_notification_token=TOKEN)
    courier.send_out()
    courier.rest()
    assert receiver.asked == []
    phone = Phone.of(citizen)
    if said == "approved":
        phone.approves(request)
    else:
        phone.says(phone.opens_what_waits(), answer="refuse")
    courier.send_out()
    courier.rest()
    (heard,) = receiver.asked
    assert heard.headers["authorization"] == f"Bearer {TOKEN}"
    assert heard.headers["content-type"] == "application/json"
    assert orjson.loads(heard.body) == {"auth_req_id": request.secret}
    assert request.polls().status_code == (200 if said == "approved" else 400)


def test_a_ping_that_is_not_heard_is_sent_again(
    house: House, citizen: SignedIn, receiver: Receiver, courier: Courier
) -> None:
    receiver.answers["/ping"] = says(b"", status="503 Service Unavailable")
    portal = pinged(house, receiver)
    request = asks_for(portal, citizen, client_notification_token=TOKEN)
    Phone.of(citizen).approves(request)
    courier.send_out()
    courier.rest()
    receiver.answers["/ping"] = says(b"", status="204 No Content")
    with later(30):
        courier.send_out()
        courier.rest()
    assert len(receiver.asked) == 2
    assert request.tokens()


@pytest.mark.parametrize("token", [19 * "-" + "~=", 1023 * "+" + "="])
def test_a_ping_may_have_any_token_of_the_length_that_the_standard_names(
    house: House, citizen: SignedIn, receiver: Receiver, courier: Courier, token: str
) -> None:
    request = asks_for(pinged(house, receiver), citizen, client_notification_token=token)
    Phone.of(citizen).approves(request)
    courier.send_out()
    courier.rest()
    assert [heard.headers["authorization"] for heard in receiver.asked] == [f"Bearer {token}"]


@pytest.mark.parametrize("token", ["", "a" * 20, "a" * 1025, "=" * 30, "with space" * 4, "é" * 30])
def test_a_ping_needs_a_token_that_can_be_sent(house: House, citizen: SignedIn, receiver: Receiver, token: str) -> None:
    portal = pinged(house, receiver)
    answer = names(portal, login_hint=number_of(citizen), client_notification_token=token)
    assert members(answer)["error"] == "invalid_request"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "302 Found", "308 Permanent Redirect"])
def test_a_ping_that_is_refused_is_not_sent_again_and_none_is_sent_elsewhere(
    house: House, citizen: SignedIn, receiver: Receiver, courier: Courier, status: str
) -> None:
    elsewhere = f"Location: {receiver.url('/elsewhere')}"
    receiver.answers["/ping"] = says(b"", status=status, headers=(elsewhere,))
    request = asks_for(pinged(house, receiver), citizen, client_notification_token=TOKEN)
    Phone.of(citizen).approves(request)
    for seconds in (0, 30, 90):
        with later(seconds):
            courier.send_out()
            courier.rest()
    assert [heard.path for heard in receiver.asked] == ["/ping"]
    assert request.tokens()


def test_a_portal_that_has_its_tokens_is_not_pinged_again_and_hears_of_its_other_citizens(
    house: House, citizen: SignedIn, receiver: Receiver, courier: Courier
) -> None:
    receiver.answers["/ping"] = says(b"", status="503 Service Unavailable")
    portal, other = pinged(house, receiver), house.logs_in_directly()
    taken, left = (asks_for(portal, one, client_notification_token=TOKEN) for one in (citizen, other))
    Phone.of(citizen).approves(taken)
    courier.send_out()
    courier.rest()
    assert taken.tokens()
    Phone.of(other).approves(left)
    receiver.answers["/ping"] = says(b"", status="204 No Content")
    with later(30):
        courier.send_out()
        courier.rest()
    assert [orjson.loads(heard.body)["auth_req_id"] for heard in receiver.asked] == [taken.secret, left.secret]
    assert left.tokens()


@pytest.mark.parametrize("how", ["not yet written", "500"])
def test_a_ping_that_cannot_be_sent_yet_keeps_those_of_other_citizens_back_no_longer(
    house: House, citizen: SignedIn, receiver: Receiver, courier: Courier, how: str
) -> None:
    portal, other = pinged(house, receiver), house.logs_in_directly()
    stuck, well = (asks_for(portal, one, client_notification_token=TOKEN) for one in (citizen, other))
    if how == "500":
        receiver.answers["/ping"] = says(b"", status="500 Internal Server Error")
        Phone.of(citizen).approves(stuck)
        courier.send_out()  # the first time it may be the portal that is ill
        courier.rest()
    else:  # whoever wrote the citizen's answer down has died, or is about to tell the memory
        ping = Delivery(kind=CIBA_PING, target=portal.client_id, payload={"request": name_of("ciba", stuck.secret)})
        house.office.database.transact(lambda connection: write_deliveries(connection, ping))
    with later(6):
        courier.send_out()
        courier.rest()
    receiver.asked.clear()
    receiver.answers["/ping"] = says(b"", status="204 No Content")
    Phone.of(other).approves(well)
    with later(6):
        courier.send_out()
        courier.rest()
    assert [orjson.loads(heard.body)["auth_req_id"] for heard in receiver.asked] == [well.secret]
    assert (standing(courier, portal).delivered, standing(courier, portal).waiting) == (1, 1)


@pytest.mark.parametrize("said", ["approved", "refused"])
def test_of_a_request_that_is_over_nobody_is_told(
    house: House, citizen: SignedIn, receiver: Receiver, courier: Courier, said: str
) -> None:
    portal = pinged(house, receiver)
    request = asks_for(portal, citizen, client_notification_token=TOKEN)
    phone = Phone.of(citizen)
    if said == "approved":
        phone.approves(request)
    else:
        phone.says(phone.opens_what_waits(), answer="refuse")
    with later(3600):
        courier.send_out()
        courier.rest()
    assert receiver.asked == []
    assert (standing(courier, portal).given_up, standing(courier, portal).waiting) == (1, 0)
