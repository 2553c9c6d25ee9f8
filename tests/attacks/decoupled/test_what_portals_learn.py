"""Attacks on CIBA by a portal that watches its own requests: who is who, who is busy, whom to keep from others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from tests.support.house import House, members
from tests.support.login.elsewhere import CIBA, Phone, Waiting, asks_for, ciba_portal, names, number_of
from tests.support.office import new_number

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn
    from tests.support.valkey import ValkeyServer


def waits(portal: Portal, **hint: str) -> Waiting:
    answer = names(portal, **hint)
    assert answer.status_code == 200, answer.text
    return Waiting(portal, CIBA, "auth_req_id", members(answer), None)


@pytest.mark.spec("DC-07")
def test_a_sub_and_a_number_do_not_show_that_they_are_one_person(
    house: House, portal: Portal, citizen: SignedIn
) -> None:
    known = asks_for(portal, citizen)
    Phone.of(citizen).approves(known)
    hint = known.tokens()["id_token"]
    for number in (number_of(citizen), number_of(house.logs_in_directly()), new_number().digits):
        by_sub = waits(portal, id_token_hint=hint)
        waits(portal, login_hint=number)
        assert by_sub.error() == "authorization_pending"
    again = waits(portal, id_token_hint=hint)
    assert by_sub.error() == "expired_token"
    Phone.of(citizen).approves(again)
    assert again.tokens()


@pytest.mark.spec("DC-07")
def test_a_portal_does_not_learn_that_another_one_is_waiting_for_the_same_person(
    house: House, portal: Portal, citizen: SignedIn
) -> None:
    busy = asks_for(ciba_portal(house), citizen)
    numbers = number_of(citizen), number_of(house.logs_in_directly()), new_number().digits
    for number in numbers:
        first, second = waits(portal, login_hint=number), waits(portal, login_hint=number)
        assert [first.error(), second.error()] == ["expired_token", "authorization_pending"]
    Phone.of(citizen).approves(busy)
    assert busy.tokens()


@pytest.mark.spec("DC-06")
def test_a_request_that_is_refused_keeps_no_place_from_other_portals(tmp_path: Path, lone_valkey: ValkeyServer) -> None:
    house = House.build(folder=tmp_path, redis_url=lone_valkey.url, SEN_CIBA__REQUESTS_PER_PERSON="1")
    try:
        greedy, citizen = ciba_portal(house), house.logs_in_directly()
        phone = Phone.of(citizen)
        phone.approves(asks_for(greedy, citizen))
        assert names(greedy, login_hint=number_of(citizen), requested_expiry="600").status_code == 429
        honest = asks_for(ciba_portal(house), citizen)
        phone.approves(honest)
        assert honest.tokens()
    finally:
        house.services.close()


def test_a_number_and_a_sub_in_one_request_are_refused_whether_they_fit_or_not(
    portal: Portal, citizen: SignedIn
) -> None:
    known = asks_for(portal, citizen)
    Phone.of(citizen).approves(known)
    sub = portal.reads_id_token(known.tokens()["id_token"])["sub"]
    refusals = []
    for named in (sub, "somebody-else"):
        claims = orjson.dumps({"id_token": {"sub": {"value": named}}}).decode()
        refusals.append(members(names(portal, login_hint=number_of(citizen), claims=claims)))
    assert refusals[0] == refusals[1]
    assert refusals[0]["error"] == "invalid_request"
