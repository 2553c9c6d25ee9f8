"""Activation: a code, what the register says, and a first passkey become an account, in one transaction.

The same way leads back in for a citizen who lost every passkey: the number then belongs to somebody already, and the
new passkey goes to that same citizen. Proof for the way back is what it was for the way in, never less.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idp.audit.events import CitizenActivated, Event, LoginSucceeded, PasskeyAdded
from idp.audit.log import new_id
from idp.citizens.citizen import Citizen
from idp.errors import AccountRefused, RegistrationRefused

if TYPE_CHECKING:
    from datetime import datetime

    from idp.citizens.citizen import Person
    from idp.citizens.credentials import ActivationCode, NewPasskey, Passkey
    from idp.citizens.login_session import LoginSession, NewSession
    from idp.citizens.national_id import PersonalNumber

USER_HANDLE_BYTES = 32
REFUSED = "Number and code do not fit."


@dataclass(frozen=True, slots=True)
class Activation:
    """Everything that an activation brings: checked by the journey, but for the code, which is taken last."""

    number: PersonalNumber
    code_hash: bytes
    person: Person
    passkey: NewPasskey
    session: NewSession


@dataclass(frozen=True, slots=True)
class Activated:
    """What an activation left behind; `events` are already in the audit log."""

    citizen: Citizen
    passkey: Passkey
    session: LoginSession
    events: tuple[Event, ...]


def new_user_handle() -> bytes:
    """Draw the handle of a citizen who has none yet: random, for a number must not stand in a passkey."""
    return secrets.token_bytes(USER_HANDLE_BYTES)


def expect_way_back(*, existing: Citizen, account_level: int, person: Person) -> None:
    """Check that a code of this level leads who the register names now back into an account.

    Raises:
        AccountRefused: it does not; `answer` is `suspended`, `ended`, `level` or `person`.
    """
    if existing.status != "active":
        answer = "suspended" if existing.status == "suspended" else "ended"
        raise AccountRefused(REFUSED, answer=answer, detail=f"the account is {existing.status}")
    if account_level < existing.account_level:
        # A way back with less proof than the way in would hand a level 2 account to whoever gets a level 1 code.
        raise AccountRefused(REFUSED, answer="level", detail="the code proves less than the account")
    if person.is_somebody_else(existing.person):
        raise AccountRefused(REFUSED, answer="person", detail="the register names another person than the account does")


def outcome(*, activation: Activation, code: ActivationCode, existing: Citizen | None, at: datetime) -> Activated:
    """Return what is to be stored, given the code that was just taken and whoever holds the number already.

    Called by the store inside its transaction: a refusal takes everything back, the code included.

    Raises:
        AccountRefused: the account may not be opened again with this code.
        RegistrationRefused: the passkey was made for another account.
    """
    citizen = _first_time(activation, code, at) if existing is None else _again(activation, code, existing, at)
    passkey = activation.passkey.given_to(citizen_id=citizen.id, at=at)
    session = activation.session.begun(citizen_id=citizen.id, passkey_id=passkey.id, at=at)
    actor = f"citizen:{citizen.id}"
    return Activated(
        citizen=citizen,
        passkey=passkey,
        session=session,
        events=(
            CitizenActivated(actor=actor, citizen_id=citizen.id, object=code.id, account_level=citizen.account_level),
            PasskeyAdded(
                actor=actor,
                citizen_id=citizen.id,
                object=passkey.id,
                aaguid=passkey.aaguid,
                attested=passkey.attested,
            ),
            LoginSucceeded(
                actor=actor,
                citizen_id=citizen.id,
                object=session.id,
                method=activation.session.method,
                level=session.level,
                passkey_id=passkey.id,
            ),
        ),
    )


def _first_time(activation: Activation, code: ActivationCode, at: datetime) -> Citizen:
    return Citizen(
        id=new_id(),
        status="active",
        account_level=code.account_level,
        user_handle=activation.passkey.user_handle,
        person=replace(activation.person, confirmed_at=at),
        created_at=at,
    )


def _again(activation: Activation, code: ActivationCode, existing: Citizen, at: datetime) -> Citizen:
    expect_way_back(existing=existing, account_level=code.account_level, person=activation.person)
    if activation.passkey.user_handle != existing.user_handle:
        raise RegistrationRefused("This passkey was made for another account.", detail="user handle differs")
    return replace(existing, account_level=code.account_level, person=replace(activation.person, confirmed_at=at))
