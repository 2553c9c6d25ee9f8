"""Attacks on refresh tokens and revocation: others' tokens, more scope, for ever, after the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from idp import clock
from tests.support.house import House, later, members
from tests.support.signed_in import GATES

if TYPE_CHECKING:
    from tests.support.house import Portal, SignedIn

DAY = 86_400


@pytest.mark.spec("RT-01")
def test_a_refresh_token_is_of_use_to_its_own_portal_only(any_house: House) -> None:
    portal, other, citizen = any_house.registers_portal(), any_house.registers_portal(), any_house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    stolen = other.refreshes(tokens.refresh)
    assert (stolen.status_code, members(stolen)["error"]) == (400, "invalid_grant")
    assert tokens.are_alive()


@pytest.mark.spec("RT-02")
def test_a_refresh_never_widens_the_scope(any_house: House) -> None:
    portal, citizen = any_house.registers_portal(), any_house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    for scope in ("openid service:driving-licence", "openid service:login offline_access email", "admin", "  "):
        wider = portal.refreshes(tokens.refresh, scope=scope)
        assert (wider.status_code, members(wider)["error"]) == (400, "invalid_scope")
    assert portal.refreshes(tokens.refresh, scope="openid").status_code == 200
    assert tokens.are_alive()


@pytest.mark.spec("RT-03")
def test_a_refresh_token_ends_a_month_after_its_birth_however_often_it_is_used(
    portal: Portal, citizen: SignedIn
) -> None:
    tokens = citizen.gives_tokens(portal)
    for days in (10, 20, 29.9):
        with later(days * DAY):
            assert portal.refreshes(tokens.refresh).status_code == 200
    with later(30 * DAY + 60):
        assert members(portal.refreshes(tokens.refresh))["error"] == "invalid_grant"


@pytest.mark.spec("RT-03")
def test_an_access_token_ends_after_five_minutes_of_itself(portal: Portal, citizen: SignedIn) -> None:
    tokens = citizen.gives_tokens(portal)
    with later(240):
        assert portal.asks_userinfo(tokens.access).status_code == 200
    with later(301):
        assert portal.asks_userinfo(tokens.access).status_code == 401


@pytest.mark.spec("RT-03")
def test_a_consent_that_has_run_out_ends_what_rests_on_it(portal: Portal, citizen: SignedIn, house: House) -> None:
    tokens = citizen.gives_tokens(portal)
    consent_id = citizen.newest_consent_id(portal)

    def age(connection: object) -> None:
        statement = text("UPDATE consent SET given_at = given_at - :year, expires_at = given_at - 1 WHERE id = :id")
        year = 366 * DAY * 1_000_000
        connection.execute(statement, {"year": year, "id": consent_id})  # type: ignore[attr-defined]  # a SQLAlchemy connection

    assert tokens.are_alive()
    house.office.database.transact(age)
    assert not tokens.are_alive()


@pytest.mark.parametrize("gate", ["consent withdrawn", "citizen suspended", "passkey ended"])
@pytest.mark.spec("RT-07", "TK-16")
def test_what_ends_an_account_ends_its_tokens_at_once(house: House, portal: Portal, gate: str) -> None:
    citizen, neighbour = house.logs_in_directly(), house.logs_in_directly()
    tokens, others = citizen.gives_tokens(portal), neighbour.gives_tokens(portal)
    login = portal.asks()
    waiting = citizen.arrives(login)
    GATES[gate](citizen, portal)
    assert not tokens.are_alive()
    assert members(login.redeem(waiting))["error"] == "invalid_grant"
    assert others.are_alive()


@pytest.mark.spec("RT-09")
def test_a_portal_gives_back_its_own_tokens_and_nobody_elses(any_house: House) -> None:
    portal, other, citizen = any_house.registers_portal(), any_house.registers_portal(), any_house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    for token in (tokens.refresh, tokens.access, "sen_rt_unknown", "sen_at_unknown", "a.b.c", "unknown"):
        response = other.revokes(token)
        assert (response.status_code, members(response)) == (200, {})
    assert tokens.are_alive()
    assert portal.revokes(tokens.refresh).status_code == 200
    assert not tokens.are_alive()
    assert portal.revokes(tokens.refresh).status_code == 200


@pytest.mark.spec("RT-09")
def test_revocation_needs_authentication_and_a_token(portal: Portal, citizen: SignedIn) -> None:
    tokens = citizen.gives_tokens(portal)
    assert portal.http.post("/revoke", data={"token": tokens.refresh}).status_code == 401
    assert members(portal.post("/revoke"))["error"] == "invalid_request"
    assert portal.http.get("/revoke", query_string={"token": tokens.refresh}).status_code == 405
    assert tokens.are_alive()


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.spec("RT-10")
def test_giving_one_token_back_ends_the_whole_authorization(portal: Portal, citizen: SignedIn, kind: str) -> None:
    tokens, second_login = citizen.gives_tokens(portal), citizen.gives_tokens(portal)
    newer = members(portal.refreshes(tokens.refresh))["access_token"]
    portal.revokes(str(tokens.members[kind]))
    assert not tokens.are_alive()
    assert portal.asks_userinfo(newer).status_code == 401
    assert second_login.are_alive()


@pytest.mark.spec("RT-13")
def test_a_citizen_sees_and_ends_every_session_and_every_consent(house: House, portal: Portal) -> None:
    citizen = house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    sessions = house.services.people.sessions
    mine = sessions.of_citizen(citizen_id=citizen.citizen_id)
    assert [session.id for session in mine] == [citizen.account.session.id]
    mine_agreed = house.services.consents.read(
        lambda ledger: ledger.all_current(subject=citizen.citizen_id, now=clock.now())
    )
    assert [consent.recipient for consent in mine_agreed] == [portal.client_id]
    sessions.end(session_id=mine[0].id, reason="ended by the citizen", actor="citizen")
    assert sessions.of_citizen(citizen_id=citizen.citizen_id) == ()
    assert not tokens.are_alive()
    assert "/login?" in citizen.opens(portal.asks()).headers["Location"]


def test_an_ordinary_logout_leaves_what_was_agreed_to_go_on(house: House, portal: Portal) -> None:
    citizen = house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    login = portal.asks()
    short = members(login.redeem(citizen.opens(login)))
    house.services.people.sessions.end(session_id=citizen.account.session.id, reason="logout", actor="citizen")
    assert tokens.are_alive()
    assert portal.asks_userinfo(short["access_token"]).status_code == 401


def test_each_refresh_is_in_the_audit_trail(house: House, portal: Portal, citizen: SignedIn) -> None:
    tokens = citizen.gives_tokens(portal)
    portal.refreshes(tokens.refresh)
    assert portal.refreshes(tokens.refresh, scope="more").status_code == 400
    events = house.office.events_of(citizen.account.citizen)
    assert events.count("AuthorizationGranted") == 1
    assert events.count("AuthorizationRefreshed") == 1
