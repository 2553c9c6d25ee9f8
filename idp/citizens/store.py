"""What the citizens' room needs remembered. Every verb that changes something writes its events with the change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from idp.audit.events import Event
    from idp.citizens.citizen import Citizen, Person, Status
    from idp.citizens.credentials import ActivationCode, Passkey, PasskeyUse
    from idp.citizens.enrolment import Activated, Activation
    from idp.citizens.login_session import LoginSession, NewSession, Reached, SessionGate
    from idp.citizens.national_id import Number


@dataclass(frozen=True, slots=True)
class HeldNumber:
    """A number that a citizen holds or held."""

    number: Number
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One line of the local register."""

    number_hash: bytes
    person: Person
    person_hash: bytes
    state: Literal["alive", "dead", "cancelled"]


@dataclass(frozen=True, slots=True)
class Followed:
    """What entries of the register did to accounts: how many were refreshed and how many ended.

    `somebody_else` are the hashes of numbers whose entry names another human being than the account does, `unreadable`
    those of which the account does not open.
    """

    refreshed: int
    ended: int
    somebody_else: frozenset[bytes] = frozenset()
    unreadable: frozenset[bytes] = frozenset()


class CitizenStore(Protocol):
    """Accounts and the numbers that lead to them."""

    def by_id(self, *, citizen_id: str) -> Citizen | None:
        """Return a citizen, whatever the status, or None."""
        ...

    def by_number_hash(self, *, number_hash: bytes) -> Citizen | None:
        """Return who holds this personal number now, whatever the status, or None."""
        ...

    def is_former(self, *, number_hash: bytes) -> bool:
        """Tell whether a citizen had this personal number and has another one now."""
        ...

    def numbers_of(self, *, citizen_id: str) -> Sequence[HeldNumber]:
        """Return every number of a citizen, those that are good now first."""
        ...

    def activate(self, *, activation: Activation) -> Activated:
        """Open an account, or let its holder back in: take the code and store what `enrolment.outcome` says.

        One transaction: code, citizen, numbers, passkey, session and events, or nothing.

        Raises:
            CodeRefused: the code is wrong, used, too old or not for this number, or the account may not be opened.
            RegistrationRefused: the passkey is registered already, to whomever, or was made for another account.
            TemporarilyUnavailable: the database is away; nothing was used up.
        """
        ...

    def refresh_person(self, *, citizen_id: str, person: Person, event: Event) -> None:
        """Keep what the register says now.

        Raises:
            NotKnown: no such citizen.
        """
        ...

    def give_number(self, *, citizen_id: str, number: Number, event: Event) -> None:
        """Give a citizen a new number; the one of the same kind that was good until now stays as history.

        Raises:
            NotKnown: no such citizen.
            ValueError: the number stands in the history of a citizen already.
        """
        ...

    def end(self, *, citizen_id: str, status: Status, reason: str, actor: str) -> Sequence[str]:
        """Suspend or close an account and end its sessions; return the ids of the sessions that ended.

        Doing it again changes nothing and returns nothing. Events: `CitizenEnded`, `SessionEnded`.

        Raises:
            NotKnown: no such citizen, or the account cannot move to that status.
        """
        ...


class ActivationCodeStore(Protocol):
    """Codes that wait to be used; they are taken by `CitizenStore.activate` alone."""

    def issue(self, *, code: ActivationCode, event: Event) -> None:
        """Keep a code; unused ones of the same number end with it."""
        ...

    def find(self, *, code_hash: bytes, number_hash: bytes) -> ActivationCode | None:
        """Return the code if it is good now for this number, without using it up; the same work when there is none."""
        ...


class PasskeyStore(Protocol):
    """Passkeys, and the logins that are made with them."""

    def by_credential_id(self, *, credential_id: bytes) -> tuple[Passkey, Citizen] | None:
        """Return a passkey and whose it is, ended or suspended ones too: the caller looks, `record_use` refuses."""
        ...

    def allowed_for(self, *, number_hash: bytes) -> Sequence[tuple[bytes, tuple[str, ...]]]:
        """Return credential id and transports of the passkeys that may log in under a number, oldest first.

        One question that opens nothing sealed, so that a number that is unknown, suspended or not yet activated
        costs what a known one costs: all three answer with nothing.
        """
        ...

    def of_citizen(self, *, citizen_id: str) -> Sequence[Passkey]:
        """Return the passkeys that have not ended, oldest first."""
        ...

    def add(self, *, passkey: Passkey, event: Event) -> None:
        """Keep another passkey of a citizen.

        Raises:
            RegistrationRefused: its credential id is registered already, to whomever, or the account is not active.
        """
        ...

    def rename(self, *, passkey_id: str, expected_citizen_id: str, name: str, event: Event) -> None:
        """Give a passkey another name.

        Raises:
            NotKnown: this citizen has no such passkey.
        """
        ...

    def end(
        self, *, passkey_id: str, expected_citizen_id: str | None, reason: str, actor: str, keeps_last: bool = False
    ) -> Sequence[str]:
        """End a passkey and the sessions made with it; return the ids of those sessions.

        An operator passes None for the citizen. Doing it again changes nothing and returns nothing; neither does
        ending the only one that a citizen has left, where `keeps_last` says so.
        Events: `PasskeyEnded`, `SessionEnded`.

        Raises:
            NotKnown: no such passkey, or not of this citizen.
        """
        ...

    def record_use(self, *, use: PasskeyUse, session: NewSession) -> LoginSession:
        """Move the counter and begin the session, in one transaction; event: `LoginSucceeded`.

        Raises:
            AssertionRefused: the passkey has ended, the citizen is not active, or the counter moved meanwhile.
        """
        ...

    def flag_counter(self, *, event: Event) -> None:
        """Keep that a counter went backwards (`PasskeyCounterWentBack`); the passkey itself is left as it is."""
        ...


class SessionStore(Protocol):
    """Login sessions; they begin with `PasskeyStore.record_use` or `CitizenStore.activate`."""

    def of_citizen(self, *, citizen_id: str) -> Sequence[LoginSession]:
        """Return the sessions that are open now, newest first."""
        ...

    def gate(self, *, session_id: str) -> SessionGate | None:
        """Return everything whose end ends this session, in one row, or None."""
        ...

    def end(self, *, session_id: str, reason: str, actor: str) -> None:
        """End a session and those that it replaced or that replaced it; doing it again changes nothing.

        Events: `SessionEnded`. Relying parties that want to hear of it are told through the outbox.

        Raises:
            NotKnown: no such session.
        """
        ...

    def reached(self, *, session_id: str) -> Sequence[Reached]:
        """Return where a session, or one of its chain, has an authorization that has not ended."""
        ...

    def leave(self, *, session_id: str, client_id: str, actor: str) -> Sequence[Reached]:
        """End what one relying party was given in a session or its chain; return by which sessions it knew it.

        The session itself goes on. Events: `AuthorizationEnded`; the relying party is told through the outbox.
        """
        ...

    def end_others(self, *, citizen_id: str, kept_session_id: str | None, reason: str, actor: str) -> Sequence[str]:
        """End a citizen's open sessions but one and its chain; return their ids. Events: `SessionEnded`."""
        ...


class RegisterStore(Protocol):
    """The local register."""

    def by_number_hash(self, *, number_hash: bytes) -> RegisterEntry | None:
        """Return the entry of a number, whatever its state, or None."""
        ...

    def put(self, *, entries: Sequence[RegisterEntry], event: Event, keeps_states: bool = False) -> Followed:
        """Add or replace entries in one transaction, with the accounts that hold their numbers.

        `keeps_states`: nobody said the states, and those that are there stay: a dead person comes back by no silence.
        Of two entries with one number the later one stays. An active account takes what is new of its person; that of
        a dead person or a cancelled number ends as `citizen.ENDED_BY` says, and its sessions with it. An entry of
        somebody else changes no account, and one that does not open stays as it is. Doing it again changes no account.
        Events, by the actor of `event`: `PersonRefreshed`, `CitizenEnded`, `SessionEnded`.
        """
        ...
