"""Notices: whoever gets a new way into an account, or loses one, hears of it where the other one does not look."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from idp import clock
from idp.app import Application
from idp.audit.events import ActivationCodeIssued, PasskeyEnded
from idp.notices import MOST_AN_HOUR, deliveries
from idp.storage.sql.tables import audit_event, outbox
from idp.storage.sql.tables import citizen as citizen_table
from idp.wiring import build_services
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.demo import ROOT, until
from tests.support.foreign.receiver import Receiver, says
from tests.support.house import ISSUER, House, later
from tests.support.login.gateway import EMAIL, PHONE, RECEIVED, Gateway, activated
from tests.support.login.leaving import carries, courier_of
from tests.support.login.own_pages import OwnPages, begins_login, citizen_id_of, passkeys_of
from tests.support.login.stranger import AStranger
from tests.support.office import a_person
from tests.support.valkey import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from idp.worker.courier import Courier
    from tests.support.valkey import ValkeyServer

CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
RECOVERY = "https://schemas.openid.net/secevent/risc/event-type/recovery-activated"
COMPROMISE = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise"


@pytest.mark.spec("LG-13")
def test_an_activation_is_told_to_the_telephone_and_the_address_that_the_register_knows(gateway: Gateway) -> None:
    citizen = gateway.house.registers_citizen(phone_number=PHONE, email=EMAIL)
    assert citizen.activates().status_code == 200
    told = gateway.hears_once()
    assert told["sub_id"] == {
        "format": "aliases",
        "identifiers": [
            {"format": "phone_number", "phone_number": PHONE},
            {"format": "email", "email": EMAIL},
        ],
    }
    (event,) = told["events"].items()
    kind, said = event
    assert kind == CHANGE
    assert (said["change_type"], said["credential_type"], said["initiating_entity"]) == ("create", "passkey", "user")
    assert said["reason_user"]["vi"].startswith("Tài khoản của bạn đã được mở bằng mã kích hoạt.")
    assert said["reason_user"]["en"].startswith("Your account was opened with an activation code.")
    assert abs(said["event_timestamp"] - told["iat"]) < 60
    assert told["txn"] in citizen.browser.get("/account/activity").text, "the code of the line that tells of it"
    assert {"sub", "exp", "nonce", "scope", "client_id"}.isdisjoint(told), "nobody can take it for another token"
    (asked,) = gateway.receiver.asked
    assert (asked.method, asked.headers["content-type"]) == ("POST", "application/secevent+jwt")
    for text in ("Hoa", "1941", citizen.number.digits, citizen.code):
        assert text not in orjson.dumps(told).decode(), "no more than is needed to write to somebody"


@pytest.mark.spec("LG-13")
def test_each_new_passkey_and_each_one_that_is_removed_is_told(gateway: Gateway) -> None:
    citizen = activated(gateway)
    own = OwnPages(citizen.browser)
    assert own.adds_passkey(SoftwareAuthenticator()).status_code == 200
    added = gateway.hears_once()["events"][CHANGE]
    assert added["change_type"] == "create"
    assert added["reason_user"]["en"].startswith("Your account has a new passkey.")
    first, second = passkeys_of(gateway.house, citizen)
    assert own.sends("/account/passkeys/remove", passkey=second.id).status_code == 303
    removed = gateway.hears_once()["events"][CHANGE]
    assert (removed["change_type"], removed["initiating_entity"]) == ("revoke", "user")
    gateway.house.office.passkeys.end(passkey_id=first.id, expected_citizen_id=None, actor="operator", reason="lost")
    assert gateway.hears_once()["events"][CHANGE]["initiating_entity"] == "admin"


@pytest.mark.spec("LG-13")
def test_a_way_back_in_with_a_new_code_is_told(gateway: Gateway) -> None:
    citizen = activated(gateway)
    citizen.code = gateway.house.office.issues_code(number=citizen.number)
    warned = gateway.hears_once()["events"][RECOVERY]["reason_user"]["en"]
    assert warned.startswith("An activation code was issued for your account."), "before anybody uses it"
    assert "Đã cấp mã kích hoạt mới" in citizen.browser.get("/account/activity").text
    citizen.browser, citizen.authenticator = gateway.house.browser(), SoftwareAuthenticator()
    assert citizen.activates().status_code == 200
    told = gateway.hears_once()["events"][CHANGE]
    assert told["reason_user"]["en"].startswith("Your account was opened with an activation code.")


@pytest.mark.spec("LG-13", "WV-08")
def test_a_passkey_that_may_have_been_copied_is_told(gateway: Gateway) -> None:
    citizen = activated(gateway)
    browser = citizen.browser = gateway.house.browser()
    assert citizen.signs_in(begins_login(browser)).status_code == 200
    assert gateway.hears() == [], "a login is no news"
    (key,) = citizen.authenticator.keys.values()
    key.counter = 0
    citizen.browser = gateway.house.browser()
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 400
    told = gateway.hears_once()["events"][COMPROMISE]
    assert (told["credential_type"], told["initiating_entity"]) == ("passkey", "system")
    assert "change_type" not in told


@pytest.mark.spec("LG-13")
def test_a_stranger_can_have_nobody_written_to(gateway: Gateway) -> None:
    citizen = activated(gateway)
    waiting = gateway.house.registers_citizen(phone_number=PHONE)
    for number in (citizen.number, waiting.number):
        assert AStranger.at(gateway.house, "/activate").tries_code(number, "AAAA-BBBB-CCCC-DD").status_code != 303
    stranger = AStranger.at(gateway.house)
    forged = stranger.forges(stranger.sealed(citizen.number), SoftwareAuthenticator(counts=False))
    assert stranger.answers(forged).status_code == 400, "a counter that went back is believed to a good signature only"
    assert gateway.hears() == []


@pytest.mark.spec("LG-13", "AU-03")
def test_what_waits_for_a_gateway_that_is_away_is_told_later_as_the_same_token_and_holds_nothing_private(
    gateway: Gateway,
) -> None:
    gateway.receiver.answers["/notices"] = says(b"", status="503 Service Unavailable")
    citizen = gateway.house.registers_citizen(phone_number=PHONE, email=EMAIL)
    assert citizen.activates().status_code == 200, "nobody waits for the gateway"
    failed = gateway.hears_once()
    (row,) = gateway.house.office.database.consult(
        lambda connection: connection.execute(select(outbox)).mappings().all()
    )
    assert row["due_at"] is not None
    for text in (PHONE, EMAIL, citizen.number.digits):
        assert text not in str(row)
    gateway.receiver.answers["/notices"] = RECEIVED
    gateway.house.office.database.transact(
        lambda connection: connection.execute(update(outbox).values(due_at=row["created_at"]))
    )
    assert gateway.hears_once()["jti"] == failed["jti"]


@pytest.mark.parametrize("away", ["no way to write", "400"])
def test_what_can_reach_nobody_is_given_up_at_once(gateway: Gateway, away: str) -> None:
    person: dict[str, Any] = {} if away == "no way to write" else {"phone_number": PHONE}
    gateway.receiver.answers["/notices"] = says(b'{"err":"invalid_request"}', status="400 Bad Request")
    assert gateway.house.registers_citizen(**person).activates().status_code == 200
    assert len(gateway.hears()) == len(person)
    (standing,) = gateway.courier.outbox.standing()
    assert (standing.target, standing.waiting, standing.refused + standing.given_up) == ("gateway", 0, 1)


@pytest.mark.spec("LG-13", "LO-06")
@pytest.mark.parametrize("how", ["500", "429", "damaged", "newer"])
def test_a_message_that_fails_for_its_own_sake_keeps_nobody_elses_back(gateway: Gateway, how: str) -> None:
    first = gateway.house.registers_citizen(phone_number=PHONE)
    assert first.activates().status_code == 200
    if how == "damaged":
        gateway.house.office.database.transact(
            lambda connection: connection.execute(
                update(citizen_table)
                .where(citizen_table.c.id == citizen_id_of(gateway.house, first))
                .values(person=b"x")
            )
        )
    elif how == "newer":
        newer = func.replace(outbox.c.payload, '"type":"', '"type":"Newer')
        gateway.house.office.database.transact(
            lambda connection: connection.execute(update(outbox).values(payload=newer))
        )
    else:
        gateway.receiver.answers["/notices"] = says(b"", status=f"{how} Not This One")
    with capture_logs() as logged:
        assert len(gateway.hears()) == (how in {"500", "429"})
    assert "delivery_broken" not in {line["event"] for line in logged}
    assert gateway.courier.outbox.waiting() == 1, "another time, or a worker with newer keys, may do better"
    gateway.receiver.answers["/notices"] = RECEIVED
    second = gateway.house.registers_citizen(phone_number="+84987654321")
    assert second.activates().status_code == 200
    assert gateway.hears_once()["sub_id"]["identifiers"][0]["phone_number"] == "+84987654321"


def test_a_worker_that_knows_no_gateway_leaves_what_waits_to_one_that_does(gateway: Gateway) -> None:
    assert gateway.house.registers_citizen(phone_number=PHONE).activates().status_code == 200
    settings = gateway.house.settings
    former = replace(settings, notices=replace(settings.notices, gateway=""))
    house = House(former, Application(build_services(former)), gateway.house.office)
    with closing(house.services), closing(courier_of(house)) as courier:
        carries(courier)
        (standing,) = courier.outbox.standing()
    assert standing.last_error == "This worker knows of no gateway: [notices] is not the same everywhere."
    carries_in_the_future(gateway.courier)
    assert len(gateway.receiver.asked) == 1


@pytest.mark.spec("LG-13")
def test_whoever_holds_a_passkey_cannot_bury_what_matters_under_messages(gateway: Gateway) -> None:
    citizen = activated(gateway)
    own = OwnPages(citizen.browser)
    for _ in range(MOST_AN_HOUR + 2):
        assert own.adds_passkey(SoftwareAuthenticator()).status_code == 200
    assert len(gateway.hears()) == MOST_AN_HOUR - 2, "the activation was two events of this hour"
    an_hour_ago = update(audit_event).values(at=clock.now() - timedelta(hours=1))
    gateway.house.office.database.transact(lambda connection: connection.execute(an_hour_ago))
    gateway.house.office.issues_code(number=citizen.number)
    assert len(gateway.hears()) == 1


def test_several_citizens_of_one_change_each_get_their_own() -> None:
    def ended(citizen_id: str) -> PasskeyEnded:
        return PasskeyEnded(actor="operator", citizen_id=citizen_id, reason="lost")

    told = deliveries(ended("one"), ended("two"), ended("two"))
    assert [delivery.payload["citizen_id"] for delivery in told] == ["one", "two"]
    nobody = ActivationCodeIssued(actor="operator", object="a", account_level=2)
    assert deliveries(nobody) == (), "a first code is for nobody who has an account"


def test_without_a_gateway_nothing_is_written_for_one(house: House) -> None:
    citizen = house.registers_citizen(phone_number=PHONE)
    assert citizen.activates().status_code == 200
    rows = house.office.database.consult(
        lambda connection: connection.execute(select(outbox).where(outbox.c.kind == "notice")).all()
    )
    assert rows == []


def test_the_gateway_among_the_examples_writes_each_message_once(tmp_path: Path, lone_valkey: ValkeyServer) -> None:
    (port,) = free_ports(1)
    address = f"http://localhost:{port}/notices"
    house = House.build(folder=tmp_path, redis_url=lone_valkey.url, SEN_NOTICES__GATEWAY=address)
    with closing(house), closing(courier_of(house)) as courier, Receiver() as keys:
        keys.answers["/jwks"] = says(house.browser().get("/jwks").data)
        command = [sys.executable, str(ROOT / "examples" / "gateway" / "gateway.py"), ISSUER, str(port)]
        with subprocess.Popen([*command, keys.url("/jwks")], stdout=subprocess.PIPE, text=True) as gateway:
            try:
                assert until(lambda: is_there(port))
                citizen = house.registers_citizen(phone_number=PHONE)
                assert citizen.activates().status_code == 200
                house.office.registers(number=citizen.number, person=a_person())
                house.office.registers(number=citizen.number, person=a_person(phone_number="+84987654321"))
                carries_in_the_future(courier)
                newer = ec.generate_private_key(ec.SECP256R1())
                token = jwt.encode({}, newer, algorithm="ES256", headers={"kid": "newer"})
                assert [posts(port, token), posts(port, "no token")] == [503, 400], "it may know the key in a moment"
                everything = update(outbox).values(due_at=clock.now(), done_at=None, outcome=None)
                house.office.database.transact(lambda connection: connection.execute(everything))
                carries(courier)
            finally:
                gateway.terminate()
            printed = gateway.communicate()[0]
        delivered = [(row.kind, row.target, row.delivered) for row in courier.outbox.standing()]
        assert delivered == [("former_contact_notice", "gateway", 1), ("notice", "gateway", 1)]
    now, former = sorted(printed.splitlines(), reverse=True)
    assert now.startswith("+84987654321: Tài khoản của bạn đã được mở bằng mã kích hoạt. Nếu không phải bạn, hãy")
    assert former.startswith(f"{PHONE}: Số điện thoại hoặc địa chỉ thư điện tử này đã bị xóa khỏi thông tin của bạn")


def carries_in_the_future(courier: Courier) -> None:
    """Let a worker deliver whose clock is before everybody else's."""
    with later(30):
        carries(courier)


def posts(port: int, token: str) -> int:
    """Post a token to a gateway on this machine, and return the status of its answer."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/notices", token)
        return connection.getresponse().status


def is_there(port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
