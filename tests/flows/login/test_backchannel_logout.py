"""Portals hear of a logout by a token to their server: what it says, and who gets one."""

from __future__ import annotations

import contextlib
import io
from functools import partial
from typing import TYPE_CHECKING, Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.test import TestResponse

from idp.cli.revoke import KINDS
from idp.storage.sql.outbox import SqlOutbox
from tests.support.house import ISSUER, House, members
from tests.support.login.leaving import Leaving, carries, courier_of, logs_out, operator_of, standing
from tests.support.login.own_pages import OwnPages, citizen_id_of
from tests.support.office import at_once

if TYPE_CHECKING:
    from idp.worker.courier import Courier
    from tests.support.house import Portal
    from tests.support.login.leaving import Receiver
    from tests.support.signed_in import SignedIn

EVENT = "http://schemas.openid.net/event/backchannel-logout"


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


def arrives(citizen: SignedIn, portal: Portal, **parameters: str) -> dict[str, Any]:
    """Let a citizen log in at a portal; return the ID token's claims."""
    return citizen.gives_tokens(portal, **parameters).id_token


@pytest.mark.spec("LO-05")
def test_a_logout_token_says_who_which_session_and_when_and_nothing_more(any_house: House, receiver: Receiver) -> None:
    house, citizen, portal = (
        any_house,
        any_house.activates_citizen(),
        any_house.registers_portal(backchannel_logout_uri=receiver.url, backchannel_logout_session_required=True),
    )
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
    citizen = house.activates_citizen()
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
    citizen = house.activates_citizen()
    first = portal.asks()
    token = members(first.redeem(citizen.arrives(first)))["access_token"]
    citizen.arrives(portal.asks(prompt="login"))
    newest, *_replaced = house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen))
    assert portal.asks_userinfo(token).status_code == 200
    with contextlib.redirect_stdout(io.StringIO()):
        KINDS["session"](operator_of(house), newest.id, "test")
    assert portal.asks_userinfo(token).status_code == 401
    assert house.office.sessions.of_citizen(citizen_id=citizen_id_of(house, citizen)) == ()
    courier = courier_of(house)
    carries(courier)
    courier.close()
    assert len(receiver.received) == 1


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
            KINDS[end](operator_of(house), named[end], "test")
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
