"""Attacks on CIBA: who is there, whom to bombard, forged requests, other people's answers."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from idp.ephemeral import Read
from idp.protocol.grants.decoupled import waiting
from tests.support.house import TX, House, later, members
from tests.support.login.elsewhere import (
    CIBA,
    Phone,
    asks_for,
    begins,
    ciba_portal,
    device_portal,
    names,
    number_of,
)
from tests.support.login.stopwatch import times_of, told_apart
from tests.support.office import new_number

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn
    from tests.support.valkey import ValkeyServer

AT_ONCE = 50


def shape(answer: TestResponse) -> tuple[int, list[tuple[str, str]], dict[str, Any]]:
    """Return what a portal sees of an answer, but for what is drawn."""
    told = members(answer)
    told["auth_req_id"] = len(told["auth_req_id"])
    return answer.status_code, sorted(answer.headers.items()), told


@pytest.mark.spec("DC-07")
def test_whoever_is_named_the_answer_is_the_same(house: House, portal: Portal, citizen: SignedIn) -> None:
    suspended = house.logs_in_directly()
    house.office.citizens.end(citizen_id=suspended.citizen_id, status="suspended", reason="test", actor="operator")
    annoyed = house.logs_in_directly()
    asks_for(portal, annoyed)
    Phone.of(annoyed).says(Phone.of(annoyed).opens_what_waits(), answer="not-me")
    busy = house.logs_in_directly()
    asks_for(ciba_portal(house), busy)
    numbers = [number_of(someone) for someone in (citizen, suspended, annoyed, busy)] + [new_number().digits]
    answers = [names(portal, login_hint=number) for number in numbers]
    assert [shape(answer) for answer in answers] == [shape(answers[0])] * len(answers)
    for answer in answers:
        form = {"grant_type": CIBA, "auth_req_id": members(answer)["auth_req_id"]}
        assert members(portal.post("/token", **form))["error"] == "authorization_pending"
        assert members(portal.post("/token", **form))["error"] == "slow_down"
        with later(200):
            assert members(portal.post("/token", **form))["error"] == "expired_token"


@pytest.mark.spec("DC-07")
def test_a_known_and_an_unknown_person_cost_the_same_questions(
    portal: Portal, citizen: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = portal.house.services.provider
    asked: list[str] = []
    for name in ("by_number", "disowned"):
        real = getattr(provider.approvals, name)

        def counted(*, _name: str = name, _real: Any = real, **arguments: Any) -> Any:
            asked.append(_name)
            return _real(**arguments)

        monkeypatch.setattr(provider.approvals, name, counted)
    real_wave = provider.ephemeral.wave

    def wave(*steps: Any) -> Any:
        asked.append(" ".join(type(step).__name__ for step in steps))
        return real_wave(*steps)

    monkeypatch.setattr(type(provider.ephemeral), "wave", lambda _self, *steps: wave(*steps))
    names(portal, login_hint=number_of(citizen))
    known, asked[:] = list(asked), []
    names(portal, login_hint=new_number().digits)
    assert asked == known
    assert known[:2] == ["by_number", "disowned"]


@pytest.mark.spec("DC-07")
def test_no_clock_tells_who_is_known(house: House, portal: Portal) -> None:
    numbers = {"known": number_of(house.logs_in_directly()), "unknown": new_number().digits}
    kinds = {
        name: lambda _, number=number: names(portal, login_hint=number).status_code for name, number in numbers.items()
    }
    assert told_apart(times_of(kinds, rounds=60)) == {}


@pytest.mark.spec("DC-06")
def test_another_portals_request_is_not_shown_while_one_waits(house: House, portal: Portal, citizen: SignedIn) -> None:
    first = asks_for(portal, citizen, binding_message="11")
    other = asks_for(ciba_portal(house), citizen, binding_message="33")
    phone = Phone.of(citizen)
    assert "11" in phone.choices(phone.opens_what_waits())
    phone.approves(first)
    assert not phone.sees_something()
    assert first.tokens()
    assert other.error() == "authorization_pending"
    with later(200):
        assert other.error() == "expired_token"
    next_one = asks_for(portal, citizen, binding_message="44")
    phone.approves(next_one)
    assert next_one.tokens()


@pytest.mark.spec("DC-06")
def test_a_portal_that_begins_anew_takes_its_own_request_back_and_nobody_answers_that_one(
    house: House, portal: Portal, citizen: SignedIn
) -> None:
    first, phone = asks_for(portal, citizen, binding_message="11"), Phone.of(citizen)
    begun = phone.opens_what_waits()
    again = asks_for(portal, citizen, binding_message="22")
    assert first.error() == "expired_token"
    assert citizen.browser.get(begun.headers["Location"]).status_code == 400
    other = asks_for(ciba_portal(house), citizen)
    phone.approves(again)
    assert again.tokens()
    assert other.error() == "authorization_pending"
    for number in (number_of(citizen), new_number().digits):  # known or not, it is the same
        told = [members(names(portal, login_hint=number))["auth_req_id"] for _ in range(2)]
        forms = [{"grant_type": CIBA, "auth_req_id": secret} for secret in told]
        errors = [members(portal.post("/token", **form))["error"] for form in forms]
        assert errors == ["expired_token", "authorization_pending"]


@pytest.mark.spec("DC-06")
def test_a_portal_takes_back_nothing_that_its_citizen_is_just_deciding(portal: Portal, citizen: SignedIn) -> None:
    first = asks_for(portal, citizen)
    decides = waiting.decide_step(waiting.name_of("ciba", first.secret))
    assert portal.house.services.provider.ephemeral.wave(decides) == [True]
    asks_for(portal, citizen)
    assert first.error() == "authorization_pending"


@pytest.mark.spec("DC-06")
def test_a_portal_cannot_bombard_one_person_and_learns_nothing_by_trying(
    tmp_path: Path, lone_valkey: ValkeyServer
) -> None:
    few = {"SEN_CIBA__REQUESTS_PER_PERSON": "3"}
    house = House.build(folder=tmp_path, redis_url=lone_valkey.url, **few)
    try:
        portal = ciba_portal(house)
        for number in (number_of(house.logs_in_directly()), new_number().digits):
            answers = [names(portal, login_hint=number) for _ in range(5)]
            assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
            assert {answer.headers["Retry-After"] for answer in answers[3:]} == {"3600"}
        assert names(portal, login_hint=number_of(house.logs_in_directly())).status_code == 200
    finally:
        house.services.close()


@pytest.mark.spec("DC-06")
def test_a_portal_that_was_told_not_me_takes_no_place_from_others(
    house: House, portal: Portal, citizen: SignedIn
) -> None:
    asks_for(portal, citizen)
    phone = Phone.of(citizen)
    phone.says(phone.opens_what_waits(), answer="not-me")
    asks_for(portal, citizen)
    honest = asks_for(ciba_portal(house), citizen)
    phone.approves(honest)
    assert honest.tokens()


@pytest.mark.spec("DC-04")
def test_another_portals_request_is_worth_nothing(house: House, portal: Portal, citizen: SignedIn) -> None:
    thief, request = ciba_portal(house), asks_for(portal, citizen)
    assert request.error(by=thief) == "invalid_grant"
    Phone.of(citizen).approves(request)
    assert request.error(by=thief) == "invalid_grant"
    assert request.tokens()


@pytest.mark.spec("DC-04")
def test_fifty_questions_at_once_get_one_answer_with_tokens(any_house: House) -> None:
    portal, citizen = ciba_portal(any_house), any_house.logs_in_directly()
    request = asks_for(portal, citizen)
    Phone.of(citizen).approves(request)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: request.polls(), range(AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * (AT_ONCE - 1)


def test_a_code_of_one_grant_is_worth_nothing_in_the_other(house: House, citizen: SignedIn) -> None:
    both = device_portal(
        house,
        grant_types=["authorization_code", "urn:ietf:params:oauth:grant-type:device_code", CIBA],
        backchannel_token_delivery_mode="poll",
    )
    device = begins(both)
    Phone.of(citizen).approves(device)
    other = both.post("/token", grant_type=CIBA, auth_req_id=device.secret)
    assert members(other)["error"] == "invalid_grant"
    as_code = both.redeems(device.secret, "v" * 43)
    assert members(as_code)["error"] == "invalid_grant"
    assert device.tokens()


def test_somebody_else_sees_nothing_and_cannot_answer(house: House, portal: Portal, citizen: SignedIn) -> None:
    request = asks_for(portal, citizen)
    stranger = Phone.of(house.logs_in_directly())
    assert not stranger.sees_something()
    assert stranger.opens_what_waits().headers["Location"] == "/account/approvals"
    begun = Phone.of(citizen).opens_what_waits()
    citizen.browser.set_cookie("sen_session", house.logs_in_directly().token)
    tx = TX.search(begun.headers["Location"])
    assert tx
    assert citizen.browser.get(f"/continue?tx={tx[1]}").headers["Location"].startswith(("/login?", "/approvals/done"))
    assert request.error() in {"authorization_pending", "access_denied"}


def test_only_who_is_registered_for_it_names_citizens(house: House, citizen: SignedIn) -> None:
    assert members(names(house.registers_portal(), login_hint=number_of(citizen)))["error"] == "unauthorized_client"


def test_an_id_token_of_another_portal_names_nobody(house: House, portal: Portal, citizen: SignedIn) -> None:
    other = ciba_portal(house)
    request = asks_for(other, citizen)
    Phone.of(citizen).approves(request)
    hint = request.tokens()["id_token"]
    assert members(names(portal, id_token_hint=hint))["error"] == "invalid_request"
    assert names(other, id_token_hint=hint).status_code == 200


def test_neither_number_nor_names_of_requests_are_written_in_the_clear(
    portal: Portal, citizen: SignedIn, capfd: pytest.CaptureFixture[str]
) -> None:
    request = asks_for(portal, citizen)
    ephemeral = portal.house.services.provider.ephemeral
    name = f"ciba.{hashlib.sha256(request.secret.encode()).hexdigest()}"
    (kept,) = ephemeral.wave(Read(f"wait:{{{name}}}:request"))
    assert request.secret.encode() not in kept
    assert number_of(citizen).encode() not in kept
    Phone.of(citizen).approves(request)
    request.tokens()
    said = "".join(capfd.readouterr())
    assert '"/bc-authorize"' in said
    assert request.secret not in said
    assert number_of(citizen) not in said
