"""Sessions end once and for all, on every database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from idp import clock
from idp.errors import NotKnown

if TYPE_CHECKING:
    from tests.support.office import Office


def test_a_session_ends_once_and_its_gate_closes(office: Office) -> None:
    first = office.activates()
    gate = office.sessions.gate(session_id=first.session.id)
    assert gate is not None
    assert gate.is_open(now=clock.now())
    assert not gate.is_open(now=first.session.expires_at)
    for _ in range(2):
        office.sessions.end(session_id=first.session.id, reason="logout", actor="anyone")
    closed = office.sessions.gate(session_id=first.session.id)
    assert closed is not None
    assert not closed.is_open(now=clock.now())
    assert office.events_of(first.citizen).count("SessionEnded") == 1


def test_a_session_that_is_not_there_has_no_gate_and_no_end(office: Office) -> None:
    assert office.sessions.gate(session_id="none") is None
    with pytest.raises(NotKnown):
        office.sessions.end(session_id="none", reason="logout", actor="operator")


@pytest.mark.spec("SS-06")
def test_a_citizen_logs_out_everywhere_but_here(office: Office) -> None:
    first, stranger = office.activates(), office.activates()
    here = office.logs_in(first.passkey)
    ended = office.sessions.end_others(
        citizen_id=first.citizen.id, kept_session_id=here.id, reason="logout_everywhere", actor="anyone"
    )
    assert ended == (first.session.id,)
    assert office.sessions.of_citizen(citizen_id=first.citizen.id) == (here,)
    assert office.sessions.of_citizen(citizen_id=stranger.citizen.id) == (stranger.session,)


def test_sessions_that_ran_out_are_not_listed(office: Office) -> None:
    first = office.activates()
    with time_machine.travel(first.session.expires_at + timedelta(seconds=1)):
        assert office.sessions.of_citizen(citizen_id=first.citizen.id) == ()


@pytest.mark.spec("SS-02", "AD-05")
def test_the_logins_of_one_browser_end_together_whichever_of_them_is_ended(office: Office) -> None:
    first = office.activates()
    elsewhere = office.logs_in(first.passkey)
    chain = [first.session]
    for _ in range(2):
        (passkey,) = office.passkeys.of_citizen(citizen_id=first.citizen.id)
        chain.append(office.logs_in(passkey, former=chain[-1]))
    assert {login.chain_id for login in chain} == {first.session.id}
    office.sessions.end(session_id=chain[1].id, reason="logout", actor="operator")
    assert office.sessions.of_citizen(citizen_id=first.citizen.id) == (elsewhere,)
    assert office.events_of(first.citizen).count("SessionEnded") == 3


@pytest.mark.spec("SS-06")
def test_logging_out_everywhere_else_keeps_what_this_browser_had_before(office: Office) -> None:
    first = office.activates()
    elsewhere = office.logs_in(first.passkey)
    (passkey,) = office.passkeys.of_citizen(citizen_id=first.citizen.id)
    here = office.logs_in(passkey, former=first.session)
    ended = office.sessions.end_others(
        citizen_id=first.citizen.id, kept_session_id=here.id, reason="ended by the citizen", actor="anyone"
    )
    assert ended == (elsewhere.id,)
    assert office.sessions.of_citizen(citizen_id=first.citizen.id) == (here, first.session)


def test_a_browser_that_somebody_else_used_begins_a_chain_of_its_own(office: Office) -> None:
    first, stranger = office.activates(), office.activates()
    theirs = office.logs_in(stranger.passkey, former=first.session)
    assert theirs.chain_id == theirs.id
    office.sessions.end(session_id=theirs.id, reason="logout", actor="anyone")
    assert office.sessions.of_citizen(citizen_id=first.citizen.id) == (first.session,)
