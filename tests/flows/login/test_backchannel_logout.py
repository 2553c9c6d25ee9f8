"""Portals hear of a logout by a token to their server: what it says, who gets one, and what if nobody answers."""

from __future__ import annotations

import contextlib
import io
import re
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.test import TestResponse

from idp.cli import office as operators
from idp.cli.revoke import KINDS
from idp.storage.sql.outbox import LEASE, SqlOutbox
from idp.worker.courier import LONGEST_WAIT
from tests.support.house import ISSUER, House, later, members
from tests.support.login.leaving import Leaving, Receiver, courier_of, logs_out
from tests.support.login.own_pages import OwnPages, citizen_id_of
from tests.support.office import at_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.outbox import Standing
    from idp.worker.courier import Courier
    from tests.support.house import Portal
    from tests.support.signed_in import SignedIn

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def courier(house: House) -> Iterator[Courier]:
    """Give the hands of a worker."""
    carrier = courier_of(house)
    yield carrier
    carrier.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a portal's server that takes what it is sent."""
    with Receiver() as server:
        yield server


def carries(courier: Courier) -> None:
    """Let a worker deliver what is due, until nothing is."""
    while courier.send_out():
        courier.rest()


def reads(token: str, *, portal: Portal) -> dict[str, Any]:
    """Verify a logout token as its receiver does (OpenID Connect Back-Channel Logout section 2.6)."""
    header = jwt.get_unverified_header(token)
    keys = jwt.PyJWKSet.from_dict(orjson.loads(portal.http.get("/jwks").data))
    key = next(key for key in keys.keys if key.key_id == header["kid"])
    claims: dict[str, Any] = jwt.decode(
        token, key.key, algorithms=[header["alg"]], audience=portal.client_id, issuer=ISSUER
    )
    assert header["typ"] == "logout+jwt"
    return claims


def standing(courier: Courier, portal: Portal) -> Standing:
    """Return where the deliveries to a portal stand."""
    return next(each for each in courier.outbox.standing() if each.target == portal.client_id)


def arrives(citizen: SignedIn, portal: Portal, **parameters: str) -> dict[str, Any]:
    """Let a citizen log in at a portal; return the ID token's claims."""
    return citizen.gives_tokens(portal, **parameters).id_token


@pytest.mark.spec("LO-05")
def test_a_logout_token_says_who_which_session_and_when_and_nothing_more(any_house: House, receiver: Receiver) -> None:
    house, citizen, portal = (
        any_house,
        any_house.registers_citizen(),
        any_house.registers_portal(backchannel_logout_uri=receiver.url, backchannel_logout_session_required=True),
    )
    citizen.activates()
    login = portal.asks()
    token = members(login.redeem(citizen.arrives(login)))["id_token"]
    id_token = portal.reads_id_token(token)
    courier = courier_of(house)
    carries(courier)
    assert receiver.received == []
    assert logs_out(citizen.browser).status_code == 200
    carries(courier)
    (form,) = receiver.received
    assert set(form) == {"logout_token"}
    claims = reads(form["logout_token"], portal=portal)
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}
    assert (claims["sub"], claims["sid"]) == (id_token["sub"], id_token["sid"])
    assert claims["events"] == {EVENT: {}}
    assert 0 < claims["exp"] - claims["iat"] <= 120
    assert len(claims["jti"]) >= 22
    assert standing(courier, portal).delivered == 1
    courier.close()


@pytest.mark.spec("LO-05", "JW-08", "ID-04")
def test_a_logout_token_passes_for_nothing_else(house: House, courier: Courier, receiver: Receiver) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    logs_out(citizen.browser)
    carries(courier)
    token = receiver.received[0]["logout_token"]
    assert portal.asks_userinfo(token).status_code == 401
    assert portal.refreshes(token).status_code == 400
    asked = {"id_token_hint": token, "post_logout_redirect_uri": "https://portal.example/bye"}
    assert house.browser().get("/logout", query_string=asked).status_code == 200
    good = asked | {"id_token_hint": tokens.members["id_token"]}
    assert house.browser().get("/logout", query_string=good).status_code == 303


@pytest.mark.spec("LO-05")
def test_a_logout_token_is_signed_as_the_portals_id_tokens_are(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    algorithms = house.services.provider.settings.keys.algorithms
    portals = [
        house.registers_portal(backchannel_logout_uri=receiver.url, id_token_signed_response_alg=algorithm)
        for algorithm in algorithms
    ]
    citizen = house.logs_in_directly()
    for portal in portals:
        citizen.gives_tokens(portal)
    logs_out(citizen.browser)
    carries(courier)
    headers = [jwt.get_unverified_header(form["logout_token"]) for form in receiver.received]
    assert sorted(header["alg"] for header in headers) == sorted(algorithms)


@pytest.mark.spec("LO-05")
def test_a_portal_whose_id_tokens_are_encrypted_gets_an_encrypted_logout_token(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    portal = house.registers_portal(
        backchannel_logout_uri=receiver.url,
        token_endpoint_auth_method="client_secret_basic",
        id_token_encrypted_response_alg="RSA-OAEP-256",
        jwks={"keys": [{**public, "use": "enc", "kid": "e1", "alg": "RSA-OAEP-256"}]},
    )
    citizen = house.logs_in_directly()
    login = portal.asks(scope="openid service:login")
    citizen.agrees_to(login)
    login.redeem(citizen.opens(login))
    logs_out(citizen.browser)
    carries(courier)
    assert receiver.received[0]["logout_token"].count(".") == 4


@pytest.mark.spec("LO-05", "LO-04")
def test_every_portal_of_the_session_is_told_and_nobody_else(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    told, other = (house.registers_portal(backchannel_logout_uri=receiver.url) for _ in range(2))
    silent, stranger = house.registers_portal(), house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen, another = house.logs_in_directly(), house.logs_in_directly()
    for portal in (told, told, other, silent):
        arrives(citizen, portal)
    arrives(another, stranger)
    arrives(another, told)
    logs_out(citizen.browser)
    carries(courier)
    audiences = [
        jwt.decode(form["logout_token"], options={"verify_signature": False})["aud"] for form in receiver.received
    ]
    assert sorted(audiences) == sorted([told.client_id, other.client_id])


@pytest.mark.spec("LO-04", "SS-02", "LO-05")
def test_a_portal_is_told_of_sessions_that_were_replaced_too(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.registers_citizen()
    citizen.activates()
    sids = set()
    for prompt in ("", "login"):
        login = portal.asks(prompt=prompt)
        token = members(login.redeem(citizen.arrives(login)))["id_token"]
        sids.add(portal.reads_id_token(token)["sid"])
    assert len(sids) == 2
    logs_out(citizen.browser)
    carries(courier)
    assert {reads(form["logout_token"], portal=portal)["sid"] for form in receiver.received} == sids


@pytest.mark.spec("AD-05", "LO-05")
def test_revoking_the_newest_session_ends_what_was_granted_under_those_it_replaced(
    any_house: House, receiver: Receiver
) -> None:
    house = any_house
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.registers_citizen()
    citizen.activates()
    first = portal.asks()
    token = members(first.redeem(citizen.arrives(first)))["access_token"]
    citizen.arrives(portal.asks(prompt="login"))
    newest, *_replaced = house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen))
    assert portal.asks_userinfo(token).status_code == 200
    with contextlib.redirect_stdout(io.StringIO()):
        KINDS["session"](_operator(house), newest.id, "test")
    assert portal.asks_userinfo(token).status_code == 401
    assert house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen)) == ()
    courier = courier_of(house)
    carries(courier)
    courier.close()
    assert len(receiver.received) == 1


def _operator(house: House) -> operators.Office:
    return operators.Office(
        settings=house.services.provider.settings, database=house.office.database, sealer=house.office.sealer
    )


@pytest.mark.parametrize("end", ["passkey", "citizen", "elsewhere"])
@pytest.mark.spec("AD-05", "SS-05", "SS-06", "LO-05")
def test_every_way_in_which_a_session_ends_is_told(
    house: House, courier: Courier, receiver: Receiver, end: str
) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.logs_in_directly()
    arrives(citizen, portal)
    if end == "elsewhere":
        second = house.browser()
        passkey = house.office.passkeys.of_citizen(citizen_id=citizen.citizen_id)[0]
        begun = house.office.logs_in(passkey)
        second.set_cookie("sen_session", house.services.journey.open(begun, former=None))
        OwnPages(second).sends("/account/sessions/end", session="others")
    else:
        named = {"passkey": citizen.account.passkey.id, "citizen": citizen.citizen_id}
        with contextlib.redirect_stdout(io.StringIO()):
            KINDS[end](_operator(house), named[end], "test")
    carries(courier)
    assert [reads(form["logout_token"], portal=portal)["aud"] for form in receiver.received] == [portal.client_id]


@pytest.mark.spec("LO-05")
def test_a_portal_that_is_left_alone_is_told_once_and_not_again(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    left, kept = (house.registers_portal(backchannel_logout_uri=receiver.url) for _ in range(2))
    citizen = house.logs_in_directly()
    for portal in (left, kept):
        arrives(citizen, portal)
    Leaving.asks(citizen.browser).presses(only=left.client_id)
    carries(courier)
    assert [reads(form["logout_token"], portal=left)["aud"] for form in receiver.received] == [left.client_id]
    logs_out(citizen.browser)
    carries(courier)
    assert len(receiver.received) == 2
    assert reads(receiver.received[1]["logout_token"], portal=kept)["aud"] == kept.client_id


@pytest.mark.spec("LO-06")
def test_a_failure_is_tried_again_with_a_new_token_until_it_is_received(house: House, courier: Courier) -> None:
    with Receiver(answers=[500, 302, 200]) as receiver:
        portal = house.registers_portal(backchannel_logout_uri=receiver.url)
        citizen = house.logs_in_directly()
        arrives(citizen, portal)
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


@pytest.mark.spec("LO-06")
def test_a_refusal_is_taken_as_an_answer(house: House, courier: Courier) -> None:
    with Receiver(answers=[400]) as receiver:
        portal = house.registers_portal(backchannel_logout_uri=receiver.url)
        citizen = house.logs_in_directly()
        arrives(citizen, portal)
        logs_out(citizen.browser)
        carries(courier)
        with later(3600):
            carries(courier)
        assert len(receiver.received) == 1
        stands = standing(courier, portal)
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
                arrives(citizen, portal)
            logs_out(citizen.browser)
        while len(receiver.received) < len(citizens):
            courier.send_out()
        assert stuck.received, "one that hangs is asked, and nobody waits for it"
        assert standing(courier, slow).delivered == 0
        hang.set()
        courier.rest()
    assert standing(courier, dead).waiting == len(citizens)
    with later(LONGEST_WAIT.total_seconds() + 60):
        for _ in range(len(citizens)):
            carries(courier)
        stands = standing(courier, dead)
        assert (stands.given_up, stands.waiting) == (len(citizens), 0)
        assert stands.last_error is not None


@pytest.mark.spec("LO-06")
def test_a_worker_that_dies_after_sending_makes_the_portal_hear_it_twice(
    house: House, courier: Courier, receiver: Receiver
) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.logs_in_directly()
    arrives(citizen, portal)
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
    arrives(citizen, portal)
    logs_out(citizen.browser)
    with contextlib.redirect_stdout(io.StringIO()):
        KINDS["client"](_operator(house), portal.client_id, "test")
    with later(10), pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.services.provider.directory, "_kept", {})
        carries(courier)
    assert receiver.received == []
    assert standing(courier, portal).given_up == 1


@pytest.mark.spec("LO-05")
def test_a_logout_writes_no_token_and_no_secret_into_the_outbox(house: House, receiver: Receiver) -> None:
    portal = house.registers_portal(backchannel_logout_uri=receiver.url)
    citizen = house.logs_in_directly()
    claims = arrives(citizen, portal)
    logs_out(citizen.browser)
    (waiting,) = [each for each in courier_of(house).outbox.claim(most=50) if each.target == portal.client_id]
    assert waiting.payload["subject"] == claims["sub"]
    assert re.fullmatch(r"[0-9a-f-]{36}", waiting.payload["session_id"])
    assert set(waiting.payload) == {"subject", "session_id"}


@pytest.mark.spec("LO-05")
def test_a_portal_that_gets_tokens_at_the_moment_of_the_logout_is_told(any_house: House) -> None:
    house = any_house
    for _ in range(8):
        portal = house.registers_portal(
            backchannel_logout_uri="https://portal.example/out", token_endpoint_auth_method="client_secret_basic"
        )
        citizen = house.logs_in_directly()
        login = portal.asks()
        citizen.agrees_to(login)
        answer = citizen.opens(login)
        held = house.services.sessions.find(citizen.token)
        assert held is not None
        redeem, end = partial(login.redeem, answer), partial(house.office.sessions.end, reason="logout", actor="anyone")
        response, _ended = at_once(redeem, partial(end, session_id=held.id))
        assert isinstance(response, TestResponse)
        waiting = [each for each in SqlOutbox(house.office.database).standing() if each.target == portal.client_id]
        assert len(waiting) == (response.status_code == 200)
