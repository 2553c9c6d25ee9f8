"""Who registers without a right to, or takes a registration over."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from idp.audit.events import ClientChanged
from idp.storage.sql.relying_parties import SqlRegistrations
from idp.storage.sql.tables import audit_event, relying_party
from tests.support.foreign.registrant import (
    Registrant,
    count_registered,
    gives_token,
    is_refused,
    moves,
    officer_sets,
)
from tests.support.house import House, later, members
from tests.support.office import at_once

if TYPE_CHECKING:
    from tests.support.valkey import ValkeyServer


@pytest.mark.spec("RG-01")
def test_nobody_registers_without_a_token_that_is_good(strict_house: House) -> None:
    used_up, expired = gives_token(strict_house), gives_token(strict_house, seconds=60)
    Registrant(strict_house, used_up).registered()
    before = count_registered(strict_house)
    for token in (None, "guessed", used_up, "", "á", "a" * 300):
        assert is_refused(Registrant(strict_house, token).registers(), status=401, code="invalid_token")
    with later(61):
        assert is_refused(Registrant(strict_house, expired).registers(), status=401, code="invalid_token")
    fresh = gives_token(strict_house)
    elsewhere = Registrant(strict_house)
    assert elsewhere.registers(access_token=fresh).status_code == 401
    assert elsewhere.sends("POST", f"/register?access_token={fresh}", elsewhere.metadata).status_code == 400
    assert count_registered(strict_house) == before
    assert Registrant(strict_house, fresh).registers().status_code == 201


@pytest.mark.spec("RG-01")
def test_a_token_for_one_registers_one_however_many_try_at_once(any_house: House) -> None:
    token, before = gives_token(any_house), count_registered(any_house)
    statuses = at_once(*[lambda: Registrant(any_house, token).registers().status_code] * 6)
    assert sorted(statuses) == [201] + [401] * 5
    assert count_registered(any_house) == before + 1


@pytest.mark.spec("RG-05")
def test_the_token_of_one_reaches_no_other(any_house: House) -> None:
    mine, other = Registrant(any_house).registered(), Registrant(any_house).registered()
    initial = gives_token(any_house)
    citizen = any_house.logs_in_directly()
    login = mine.as_portal().asks()
    access = members(login.redeem(citizen.arrives(login)))["access_token"]
    for token in (mine.told["registration_access_token"], initial, access, other.told["client_secret"], "guessed"):
        for answer in (other.reads(token=token), other.changes(token=token), other.ends(token=token)):
            assert is_refused(answer, status=401, code="invalid_token")
    unknown = mine.sends("GET", "/register?client_id=rp-nobody", token=mine.told["registration_access_token"])
    assert unknown.data == other.reads(token="guessed").data
    assert mine.sends("GET", mine.path).status_code == 401
    assert Registrant(any_house, mine.told["registration_access_token"]).registers().status_code == 401
    assert other.reads().status_code == other.changes().status_code == 200


def test_a_token_that_was_replaced_changes_nothing_any_more(any_house: House) -> None:
    registrant = Registrant(any_house).registered()
    former = registrant.told["registration_access_token"]
    copies = [Registrant(any_house, told=dict(registrant.told)) for _ in range(4)]
    answers = at_once(*(partial(copy.changes, client_name=f"Cổng {at}") for at, copy in enumerate(copies)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert registrant.changes(token=former).status_code == 401


@pytest.mark.spec("RG-06")
def test_who_has_got_hold_of_a_token_turns_no_approved_portal_into_another(strict_house: House) -> None:
    registrant = Registrant(strict_house, gives_token(strict_house, approved=False)).registered()
    client_id = registrant.told["client_id"]
    moves(strict_house, client_id, status="approved")
    citizen, portal = strict_house.logs_in_directly(), registrant.as_portal()
    waiting = portal.asks()
    code = citizen.arrives(waiting)
    changed = registrant.changes(redirect_uris=["https://thief.example/cb"])
    assert members(changed)["registration_status"] == "pending"
    assert strict_house.services.provider.directory.find(client_id) is None
    assert waiting.redeem(code).status_code == 401
    moves(strict_house, client_id, status="suspended")
    assert registrant.changes().status_code == 200
    assert registrant.told["registration_status"] == "suspended"


def test_an_officer_who_suspends_is_not_overrun_by_a_change(any_house: House) -> None:
    registrant = Registrant(any_house).registered()
    store = SqlRegistrations(any_house.office.database)
    former = store.get(client_id=registrant.told["client_id"])
    assert former is not None
    event = ClientChanged(actor="test", client_id=former.client.client_id, status="approved", generation=False)
    moves(any_house, former.client.client_id, status="suspended")
    assert not store.change(former, former=former, event=event)
    assert members(registrant.reads())["registration_status"] == "suspended"
    suspended = store.get(client_id=former.client.client_id)
    assert suspended is not None
    assert store.change(suspended, former=suspended, event=event)


@pytest.mark.parametrize("said", [{"sandbox": True}, {"secret": "another"}, {}], ids=["member", "secret", "as it was"])
def test_an_officer_who_sets_something_is_not_overrun_by_a_change(any_house: House, said: dict[str, Any]) -> None:
    registrant = Registrant(any_house).registered()
    store = SqlRegistrations(any_house.office.database)
    former = store.get(client_id=registrant.told["client_id"])
    assert former is not None
    event = ClientChanged(actor="test", client_id=former.client.client_id, status="approved", generation=False)
    officer_sets(registrant, **said)
    assert not store.change(former, former=former, event=event)
    set_by_officer = store.get(client_id=former.client.client_id)
    assert registrant.changes().status_code == 200
    changed = store.get(client_id=former.client.client_id)
    assert set_by_officer is not None
    assert changed is not None
    assert changed.client == set_by_officer.client


def test_what_was_registered_is_kept_as_hashes_and_told_in_the_trail(house: House) -> None:
    token = gives_token(house)
    registrant = Registrant(house, token).registered()
    told = registrant.told
    row = house.office.database.consult(
        lambda connection: connection.execute(
            select(relying_party).where(relying_party.c.client_id == told["client_id"])
        ).one()
    )
    registrant.changes()
    registrant.ends()
    trail = house.office.database.consult(
        lambda connection: connection.execute(
            select(audit_event.c.type, audit_event.c.actor, audit_event.c.details)
            .where(audit_event.c.client_id == told["client_id"])
            .order_by(audit_event.c.id)
        ).all()
    )
    assert [event[0] for event in trail] == ["ClientRegistered", "ClientChanged", "ClientEnded"]
    assert {event[1] for event in trail} == {f"client:{told['client_id']}"}
    kept = repr([row, trail])
    for secret in (token, told["client_secret"], told["registration_access_token"]):
        assert secret not in kept


def test_the_method_and_the_path_have_to_be_right(house: House) -> None:
    registrant = Registrant(house).registered()
    token = registrant.told["registration_access_token"]
    assert registrant.sends("PATCH", registrant.path, {}, token=token).status_code == 405
    for path in ("/register", "/register?client_id=", f"{registrant.path}&a=b", f"{registrant.path}&client_id=b"):
        assert is_refused(registrant.sends("GET", path, token=token), status=400, code="invalid_request")
    assert is_refused(
        registrant.sends("POST", registrant.path, registrant.metadata), status=400, code="invalid_request"
    )
    basic = registrant.http.get(registrant.path, headers={"Authorization": "Basic " + token})
    assert is_refused(basic, status=401, code="invalid_token")
    assert "no-store" in registrant.reads().headers["Cache-Control"]


def test_one_prefix_registers_only_so_often(
    tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer
) -> None:
    folder = tmp_path_factory.mktemp("limited")
    house = House.build(folder=folder, redis_url=lone_valkey.url, SEN_LIMITS__REQUESTS_PER_PREFIX="3")
    address = {"REMOTE_ADDR": f"2001:db8:{secrets.randbelow(65536):x}:{secrets.randbelow(65536):x}::1"}
    try:
        http = Registrant(house).http
        statuses = [http.post("/register", json={}, environ_base=address).status_code for _ in range(5)]
        assert statuses == [400, 400, 400, 429, 429]
        another = {"REMOTE_ADDR": address["REMOTE_ADDR"].replace("2001:db8:", "2001:db9:")}
        assert http.post("/register", json=Registrant(house).metadata, environ_base=another).status_code == 201
    finally:
        house.close()
