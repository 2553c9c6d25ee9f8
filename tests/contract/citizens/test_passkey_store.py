"""Passkeys and the logins made with them, on every database."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from idp import clock
from idp.audit.events import PasskeyCounterWentBack, PasskeyRenamed
from idp.errors import AssertionRefused, NotKnown
from tests.support.office import (
    Office,
    Refreshed,
    at_once,
)

if TYPE_CHECKING:
    from idp.citizens.credentials import Passkey


def test_a_login_moves_the_counter_and_begins_a_session_with_its_event(office: Office) -> None:
    first = office.activates()
    session = office.logs_in(first.passkey, sign_count=7)
    assert set(office.sessions.of_citizen(citizen_id=first.citizen.id)) == {first.session, session}
    (used,) = office.passkeys.of_citizen(citizen_id=first.citizen.id)
    assert (used.sign_count, used.last_used_at) == (7, session.started_at)
    assert office.events_of(first.citizen)[-1] == "LoginSucceeded"


@pytest.mark.spec("WV-08")
def test_of_two_uses_of_one_counter_at_the_same_moment_one_wins(office: Office) -> None:
    first = office.activates()
    results = at_once(*(lambda moved=moved: office.logs_in(first.passkey, sign_count=moved) for moved in (5, 6)))
    assert sum(isinstance(result, AssertionRefused) for result in results) == 1
    assert len(office.sessions.of_citizen(citizen_id=first.citizen.id)) == 2


def test_a_passkey_that_counts_nothing_logs_in_as_often_as_it_likes(office: Office) -> None:
    first = office.activates()
    for _ in range(3):
        office.logs_in(first.passkey, sign_count=0)
    assert len(office.sessions.of_citizen(citizen_id=first.citizen.id)) == 4


@pytest.mark.spec("WV-11")
def test_an_ended_passkey_logs_nobody_in_and_another_one_still_does(office: Office) -> None:
    first = office.activates()
    second = office.adds_passkey(first.citizen)
    office.passkeys.end(passkey_id=first.passkey.id, expected_citizen_id=None, reason="lost", actor="operator")
    with pytest.raises(AssertionRefused):
        office.logs_in(first.passkey)
    assert office.logs_in(second).passkey_id == second.id


@pytest.mark.spec("WV-11")
def test_a_suspended_citizen_is_not_logged_in_and_the_counter_stays(office: Office) -> None:
    first = office.activates()
    office.citizens.end(citizen_id=first.citizen.id, status="suspended", reason="asked", actor="operator")
    with pytest.raises(AssertionRefused):
        office.logs_in(first.passkey)
    found = office.passkeys.by_credential_id(credential_id=first.passkey.credential_id)
    assert found is not None
    assert found[0].sign_count == first.passkey.sign_count


@pytest.mark.spec("WV-02")
def test_a_passkey_is_not_used_for_another_citizen(office: Office) -> None:
    mine, theirs = office.activates(), office.activates()
    with pytest.raises(AssertionRefused):
        office.logs_in(replace(mine.passkey, citizen_id=theirs.citizen.id))
    assert office.logs_in(mine.passkey).citizen_id == mine.citizen.id


def test_a_counter_that_went_back_is_kept_as_an_event(office: Office) -> None:
    first = office.activates()
    office.passkeys.flag_counter(
        event=PasskeyCounterWentBack(actor="anyone", citizen_id=first.citizen.id, object=first.passkey.id)
    )
    assert office.events_of(first.citizen)[-1] == "PasskeyCounterWentBack"


def test_a_passkey_is_renamed_by_its_holder_only(office: Office) -> None:
    mine, theirs = office.activates(), office.activates()
    event = PasskeyRenamed(actor="anyone", citizen_id=mine.citizen.id, object=mine.passkey.id)
    with pytest.raises(NotKnown):
        office.passkeys.rename(
            passkey_id=mine.passkey.id, expected_citizen_id=theirs.citizen.id, name="Của tôi", event=event
        )
    office.passkeys.rename(
        passkey_id=mine.passkey.id, expected_citizen_id=mine.citizen.id, name="Máy tính bảng", event=event
    )
    assert [passkey.name for passkey in office.passkeys.of_citizen(citizen_id=mine.citizen.id)] == ["Máy tính bảng"]


def test_a_passkey_is_ended_by_its_holder_or_an_operator_only(office: Office) -> None:
    mine, theirs = office.activates(), office.activates()
    with pytest.raises(NotKnown):
        office.passkeys.end(
            passkey_id=mine.passkey.id, expected_citizen_id=theirs.citizen.id, reason="removed", actor="anyone"
        )
    assert office.passkeys.of_citizen(citizen_id=mine.citizen.id) == (mine.passkey,)
    office.passkeys.end(
        passkey_id=mine.passkey.id, expected_citizen_id=mine.citizen.id, reason="removed", actor="anyone"
    )
    assert office.passkeys.of_citizen(citizen_id=mine.citizen.id) == ()


def test_ending_a_passkey_ends_its_sessions_and_leaves_those_of_the_others(office: Office) -> None:
    first = office.activates()
    second = office.adds_passkey(first.citizen)
    other = office.logs_in(second)
    ended = office.passkeys.end(passkey_id=first.passkey.id, expected_citizen_id=None, reason="lost", actor="operator")
    assert ended == (first.session.id,)
    assert office.sessions.of_citizen(citizen_id=first.citizen.id) == (other,)
    gate = office.sessions.gate(session_id=first.session.id)
    assert gate is not None
    assert (gate.passkey_ended, gate.session_ended, gate.is_open(now=clock.now())) == (True, True, False)
    assert office.events_of(first.citizen)[-2:] == ["PasskeyEnded", "SessionEnded"]


def test_ending_a_passkey_again_changes_nothing(office: Office) -> None:
    first = office.activates()
    for _ in range(2):
        ended = office.passkeys.end(passkey_id=first.passkey.id, expected_citizen_id=None, reason="lost", actor="x")
    assert ended == ()
    assert office.events_of(first.citizen).count("PasskeyEnded") == 1


def test_of_two_removals_at_the_same_moment_one_leaves_the_last_passkey_alone(office: Office) -> None:
    for _ in range(5):
        first = office.activates()
        both = (first.passkey, office.adds_passkey(first.citizen))

        def removes(passkey: Passkey) -> object:
            return office.passkeys.end(
                passkey_id=passkey.id,
                expected_citizen_id=passkey.citizen_id,
                reason="removed",
                actor="anyone",
                keeps_last=True,
            )

        at_once(*(partial(removes, passkey) for passkey in both))
        assert len(office.passkeys.of_citizen(citizen_id=first.citizen.id)) == 1
        assert office.events_of(first.citizen).count("PasskeyEnded") == 1


@pytest.mark.spec("LG-02")
def test_a_number_leads_to_the_passkeys_that_may_log_in_under_it_and_to_nothing_else(office: Office) -> None:
    number, stranger = office.registers(), office.registers()
    first = office.activates(number=number)
    office.activates(number=stranger)
    lost = office.adds_passkey(first.citizen)
    office.passkeys.end(passkey_id=lost.id, expected_citizen_id=None, reason="lost", actor="operator")
    hashed = office.number_hash(number)
    assert office.passkeys.allowed_for(number_hash=hashed) == ((first.passkey.credential_id, first.passkey.transports),)
    assert office.passkeys.allowed_for(number_hash=office.number_hash(office.registers())) == ()
    office.citizens.end(citizen_id=first.citizen.id, status="suspended", reason="asked for", actor="operator")
    assert office.passkeys.allowed_for(number_hash=hashed) == ()


def test_a_number_that_was_replaced_leads_to_no_passkey(office: Office) -> None:
    number, newer = office.registers(), office.registers()
    first = office.activates(number=number)
    event = Refreshed(actor="operator", citizen_id=first.citizen.id)
    office.citizens.give_number(citizen_id=first.citizen.id, number=newer, event=event)
    assert office.passkeys.allowed_for(number_hash=office.number_hash(number)) == ()
    assert len(office.passkeys.allowed_for(number_hash=office.number_hash(newer))) == 1
