"""What an activation leaves behind is decided in one place, from the code, the register and whoever was there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idp.audit.log import new_id
from idp.citizens.citizen import Citizen
from idp.citizens.credentials import ActivationCode
from idp.citizens.enrolment import USER_HANDLE_BYTES, Activation, new_user_handle, outcome
from idp.errors import CodeRefused, RegistrationRefused
from tests.support.office import a_new_passkey, a_new_session, a_person, new_number

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def a_code(*, account_level: int = 2) -> ActivationCode:
    return ActivationCode(
        id=new_id(),
        code_hash=b"c" * 32,
        number_hash=b"n" * 32,
        person_hash=b"p" * 32,
        account_level=account_level,
        issued_at=NOW,
        expires_at=NOW + timedelta(days=7),
    )


def an_activation() -> Activation:
    return Activation(
        number=new_number(),
        code_hash=b"c" * 32,
        person=a_person(),
        passkey=a_new_passkey(),
        session=a_new_session(),
    )


def a_citizen(activation: Activation) -> Citizen:
    return Citizen(
        id=new_id(),
        status="active",
        account_level=2,
        user_handle=activation.passkey.user_handle,
        person=activation.person,
        created_at=NOW - timedelta(days=400),
    )


@pytest.mark.spec("WR-17")
def test_a_user_handle_is_random_and_says_nothing_of_the_number() -> None:
    handles = {new_user_handle() for _ in range(100)}
    assert len(handles) == 100
    assert {len(handle) for handle in handles} == {USER_HANDLE_BYTES}


def test_a_first_activation_makes_a_citizen_of_the_level_that_the_code_proves() -> None:
    activation = an_activation()
    done = outcome(activation=activation, code=a_code(account_level=1), existing=None, at=NOW)
    assert (done.citizen.status, done.citizen.account_level, done.citizen.created_at) == ("active", 1, NOW)
    assert done.citizen.user_handle == done.passkey.user_handle == activation.passkey.user_handle
    assert done.passkey.citizen_id == done.session.citizen_id == done.citizen.id
    assert done.session.passkey_id == done.passkey.id


def test_the_events_name_code_passkey_and_session_and_hold_nothing_of_the_person() -> None:
    activation, code = an_activation(), a_code()
    done = outcome(activation=activation, code=code, existing=None, at=NOW)
    assert [(type(event).__name__, event.object) for event in done.events] == [
        ("CitizenActivated", code.id),
        ("PasskeyAdded", done.passkey.id),
        ("LoginSucceeded", done.session.id),
    ]
    for secret in (activation.number.digits, activation.person.full_name, activation.passkey.name):
        assert secret not in repr(done.events)


def test_a_citizen_who_comes_back_keeps_id_handle_and_age_of_the_account() -> None:
    activation = an_activation()
    before = a_citizen(activation)
    done = outcome(activation=activation, code=a_code(), existing=before, at=NOW)
    assert done.citizen == replace(before, person=replace(before.person, confirmed_at=NOW))


def test_either_a_new_name_or_a_corrected_birth_date_is_still_the_same_person() -> None:
    activation = an_activation()
    before = a_citizen(activation)
    for changed in ({"full_name": "Trần Thị Hoa"}, {"birth_date": "1941-05-17"}):
        now = replace(activation, person=a_person(**changed))
        confirmed = replace(now.person, confirmed_at=NOW)
        assert outcome(activation=now, code=a_code(), existing=before, at=NOW).citizen.person == confirmed


def test_another_name_and_another_birth_date_are_another_person() -> None:
    activation = an_activation()
    before = replace(a_citizen(activation), person=a_person(full_name="Lê Văn Nam", birth_date="2001"))
    with pytest.raises(CodeRefused) as refusal:
        outcome(activation=activation, code=a_code(), existing=before, at=NOW)
    assert "Lê Văn Nam" not in refusal.value.public + refusal.value.detail


@pytest.mark.parametrize("status", ["suspended", "deceased", "merged"])
def test_every_refusal_of_an_account_reads_the_same(status: str) -> None:
    activation = an_activation()
    before = replace(a_citizen(activation), status=status)  # type: ignore[arg-type]
    with pytest.raises(CodeRefused) as by_status:
        outcome(activation=activation, code=a_code(), existing=before, at=NOW)
    with pytest.raises(CodeRefused) as by_level:
        outcome(activation=activation, code=a_code(account_level=1), existing=a_citizen(activation), at=NOW)
    assert by_status.value.public == by_level.value.public


def test_a_passkey_with_another_handle_is_refused() -> None:
    activation = an_activation()
    before = replace(a_citizen(activation), user_handle=new_user_handle())
    with pytest.raises(RegistrationRefused):
        outcome(activation=activation, code=a_code(), existing=before, at=NOW)
