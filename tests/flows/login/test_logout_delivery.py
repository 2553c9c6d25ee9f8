"""What becomes of a logout that a portal does not take at once: tried again, refused, given up, never in the way."""

from __future__ import annotations

import contextlib
import io
import re
import threading
from typing import TYPE_CHECKING

import pytest

from idp.cli.revoke import KINDS
from idp.storage.sql.outbox import LEASE
from idp.worker.courier import LEAST_ATTEMPTS, LONGEST_WAIT
from tests.support.demo import until
from tests.support.foreign.receiver import Receiver as KeyServer
from tests.support.foreign.receiver import says_json
from tests.support.foreign.registrant import Registrant, moves
from tests.support.house import later
from tests.support.login.leaving import Receiver, carries, courier_of, logs_out, operator_of, standing

if TYPE_CHECKING:
    from idp.outbox import DeliveryStanding
    from idp.worker.courier import Courier
    from tests.support.house import House


@pytest.mark.spec("LO-06")
def test_a_failure_is_tried_again_with_a_new_token_until_it_is_received(house: House, courier: Courier) -> None:
    with Receiver(answers=[500, 302, 200]) as receiver:
        portal = house.registers_portal(backchannel_logout_uri=receiver.url)
        citizen = house.logs_in_directly()
        citizen.gives_tokens(portal)
        logs_out(citizen.browser)
        carries(courier)
        assert (standing(courier, portal).waiting, len(receiver.received)) == (1, 1)
        carries(courier)
        assert len(receiver.received) == 1, "not before its time"
        for tries, seconds in ((2, 6), (3, 20)):
            with later(seconds):
                carries(courier)
                assert len(receiver.received) == tries
        stands = standing(courier, portal)
        assert (stands.waiting, stands.delivered, stands.last_error) == (0, 1, None)
        assert len({form["logout_token"] for form in receiver.received}) == 3


def answered_once(house: House, courier: Courier, *, status: int) -> DeliveryStanding:
    """Tell a portal of a logout, let it answer, and an hour pass: it hears of it once."""
    with Receiver(answers=[status]) as receiver:
        portal = house.registers_portal(backchannel_logout_uri=receiver.url)
        citizen = house.logs_in_directly()
        citizen.gives_tokens(portal)
        logs_out(citizen.browser)
        carries(courier)
        with later(3600):
            carries(courier)
        assert len(receiver.received) == 1
    return standing(courier, portal)


@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.spec("LO-06")
def test_what_was_received_is_not_told_again(house: House, courier: Courier, status: int) -> None:
    stands = answered_once(house, courier, status=status)
    assert (stands.delivered, stands.waiting) == (1, 0)


@pytest.mark.spec("LO-06")
def test_a_refusal_is_taken_as_an_answer(house: House, courier: Courier) -> None:
    stands = answered_once(house, courier, status=400)
    assert (stands.refused, stands.waiting) == (1, 0)
    assert stands.last_error is not None
    assert "400" in stands.last_error


@pytest.mark.spec("LO-06", "F20")
def test_a_dead_portal_delays_neither_the_logout_nor_the_others_and_is_given_up_in_the_end(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    with Receiver() as gone:
        dead = house.registers_portal(backchannel_logout_uri=gone.url)
    hang = threading.Event()
    with Receiver(hang=hang) as stuck:
        slow = house.registers_portal(backchannel_logout_uri=stuck.url)
        well = house.registers_portal(backchannel_logout_uri=receiver.url)
        citizens = [house.logs_in_directly() for _ in range(6)]
        for citizen in citizens:
            for portal in (dead, slow, well):
                citizen.gives_tokens(portal)
            logs_out(citizen.browser)
        while len(receiver.received) < len(citizens):
            courier.send_out()
        assert until(lambda: bool(stuck.received)), "one that hangs is asked, and nobody waits for it"
        assert standing(courier, slow).delivered == 0
        hang.set()
        courier.rest()
    assert standing(courier, dead).waiting == len(citizens)
    for tries in range(1, LEAST_ATTEMPTS):
        assert standing(courier, dead).waiting == len(citizens), "a day is over, and yet it was not tried often"
        with later(LONGEST_WAIT.total_seconds() + 3600 * tries):
            carries(courier)
    stands = standing(courier, dead)
    assert (stands.given_up, stands.waiting) == (len(citizens), 0)
    assert stands.last_error is not None


@pytest.mark.spec("LO-06")
def test_a_logout_that_trips_up_a_portal_keeps_those_of_its_other_citizens_back_no_longer(
    house: House, courier: Courier
) -> None:
    with Receiver(answers=[500, 500, 200]) as receiver:
        portal = house.registers_portal(backchannel_logout_uri=receiver.url)
        citizens = [house.logs_in_directly() for _ in range(2)]
        for citizen in citizens:
            citizen.gives_tokens(portal)
            logs_out(citizen.browser)
            carries(courier)
        stands = standing(courier, portal)
        assert (len(receiver.received), stands.waiting) == (1, 2), "the first time it may be the portal that is ill"
        assert stands.last_error is not None
        with later(6):
            carries(courier)
        stands = standing(courier, portal)
        assert (len(receiver.received), stands.delivered, stands.waiting) == (3, 1, 1)
        with later(60):
            carries(courier)
        assert standing(courier, portal).delivered == 2


@pytest.mark.spec("LO-06")
def test_a_portal_that_trips_over_everything_is_not_asked_about_everything(house: House, courier: Courier) -> None:
    with Receiver(answers=[500]) as receiver:
        portal = house.registers_portal(backchannel_logout_uri=receiver.url)
        citizens = [house.logs_in_directly() for _ in range(8)]
        for citizen in citizens:
            citizen.gives_tokens(portal)
            logs_out(citizen.browser)
        with later(1):
            carries(courier)
        stands = standing(courier, portal)
        assert 1 <= len(receiver.received) < stands.waiting == len(citizens)
        assert stands.last_error == "It answers with status 500, and 200 is needed."


@pytest.mark.spec("LO-06")
def test_no_page_of_a_citizen_waits_for_a_server_that_publishes_a_portals_keys(house: House) -> None:
    registrant = Registrant(house)
    with KeyServer(jwks=says_json(registrant.jwks)) as server:
        registrant.registered(jwks_uri=server.url("/jwks"), token_endpoint_auth_method="private_key_jwt")
        portal, citizen = registrant.as_portal(), house.logs_in_directly()
        citizen.gives_tokens(portal)
        asked = len(server.asked)
        with later(400):
            for page in ("/account/services", "/account/activity", f"/logout?client_id={portal.client_id}"):
                assert citizen.browser.get(page).status_code == 200
            logs_out(citizen.browser)
            assert len(server.asked) == asked
            assert portal.pushes().status_code == 201
        assert len(server.asked) == asked + 1


@pytest.mark.spec("LO-06")
def test_a_worker_that_dies_after_sending_makes_the_portal_hear_it_twice(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.logs_in_directly()
    citizen.gives_tokens(portal)
    logs_out(citizen.browser)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(courier.outbox), "settle", _dies)
        courier.send_out()
        courier.rest()
    assert len(receiver.received) == 1
    carries(courier)
    assert len(receiver.received) == 1
    with later(LEASE.total_seconds() + 1):
        carries(courier)
    assert len(receiver.received) == 2
    assert standing(courier, portal).delivered == 1


def _dies(*_: object, **__: object) -> None:
    raise SystemExit


@pytest.mark.spec("LO-06")
def test_a_portal_that_was_ended_meanwhile_is_no_longer_called(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.logs_in_directly()
    citizen.gives_tokens(portal)
    logs_out(citizen.browser)
    with contextlib.redirect_stdout(io.StringIO()):
        KINDS["client"](operator_of(house), portal.client_id, "test")
    with later(10), pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.services.provider.directory, "_kept", {})
        carries(courier)
    assert receiver.received == []
    assert standing(courier, portal).given_up == 1


@pytest.mark.spec("LO-06")
def test_a_portal_that_is_suspended_hears_of_a_logout_when_it_works_again(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.logs_in_directly()
    citizen.gives_tokens(portal)
    moves(house, portal.client_id, status="suspended")
    logs_out(citizen.browser)
    carries(courier)
    assert receiver.received == []
    assert (standing(courier, portal).waiting, standing(courier, portal).given_up) == (1, 0)
    moves(house, portal.client_id, status="approved")
    with later(10):
        carries(courier)
    assert len(receiver.received) == 1
    assert standing(courier, portal).delivered == 1


@pytest.mark.spec("LO-05")
def test_a_logout_writes_no_token_and_no_secret_into_the_outbox(house: House, receiver: Receiver) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.logs_in_directly()
    claims = citizen.gives_tokens(portal).id_token
    logs_out(citizen.browser)
    taken = courier_of(house).outbox.claim(most=50, under_way={})
    (waiting,) = [each for each in taken if each.target == portal.client_id]
    assert waiting.payload["subject"] == claims["sub"]
    assert re.fullmatch(r"[0-9a-f-]{36}", waiting.payload["session_id"])
    assert set(waiting.payload) == {"subject", "session_id"}
