"""What the protocol needs remembered for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from idp.audit.events import Event
    from idp.outbox import Delivery
    from idp.protocol.claims import Known
    from idp.protocol.records import (
        AnyAuthorization,
        Gates,
        LiveAuthorization,
        NewAuthorization,
        NewMachineAuthorization,
        Rotation,
    )


class CodeReused(Exception):
    """The code's hash already stands in an authorization row."""


class AuthorizationStore(Protocol):
    """Authorizations. Every verb that gives something out selects on all gates in the statement that does it."""

    def create(self, new: NewAuthorization, *, event: Event) -> bool:
        """Write the row by an INSERT that selects on the gates; False when one of them is shut.

        The gates: citizen active, passkey, session and consent not ended, consent not expired, relying party
        approved. One transaction of two statements: the row and its event.

        Raises:
            CodeReused: the code's hash is there already.
        """
        ...

    def refresh(
        self,
        *,
        refresh_hash: bytes,
        client_id: str,
        accept: Callable[[LiveAuthorization], None],
        event: Event,
        rotation: Rotation | None = None,
        accepts_bound: bool | None = None,
    ) -> LiveAuthorization | None:
        """Touch the row that this refresh token stands for, if it is this client's and every gate is open.

        `accept` may raise: then nothing is changed. One transaction of two statements: the row and its event.
        Where it need not be asked, `accepts_bound` says so: it would accept every row (True), or every one that is
        bound to no key (False); a database that can do both in one statement takes that word for it.

        With `rotation` the next token takes this one's place. The token before the newest is taken once more within
        the grace; a token that was replaced before ends the authorization, with its event.
        """
        ...

    def live(self, *, authorization_id: str) -> LiveAuthorization | None:
        """Return an authorization with the citizen's sealed record, if every gate is open."""
        ...

    def end(self, *, authorization_id: str, reason: str, client_id: str | None = None) -> bool:
        """End one (of `client_id`, where given); False when there was none that lived. Writes its event."""
        ...

    def end_by_code(self, *, code_hash: bytes, reason: str) -> bool:
        """End the authorization that a code became; False when there was none that lived. Writes its event."""
        ...

    def end_by_refresh(self, *, refresh_hash: bytes, client_id: str, reason: str) -> bool:
        """End the authorization of a refresh token; False when there was none that lived. Writes its event."""
        ...

    def gates(self, *, session_id: str, client_id: str, purpose: str) -> Gates | None:
        """Return all gates of a login session towards a relying party in one read; None when it never was."""
        ...

    def known(self, *, citizen_id: str) -> Known:
        """Return what is known of a citizen: for the consent page and for claims inside the ID token.

        Raises:
            NotKnown: no such citizen.
        """
        ...


class MachineAuthorizationStore(Protocol):
    """Authorizations between systems; every verb selects on all gates in the statement that does it."""

    def create(self, new: NewMachineAuthorization, *, event: Event) -> bool:
        """Write the row of a relying party that acts by itself, if it is approved; False when it is not.

        One transaction of two statements: the row and its event.
        """
        ...

    def exchange(self, new: NewMachineAuthorization, *, event: Event) -> bool:
        """Write the row of an exchanged token, if the relying party is approved and every gate of the parent is open.

        Who stands behind the parent (citizen, passkey, session, consent, level) is copied by the statement itself.
        One transaction of two statements: the row and its event.
        """
        ...

    def find(self, *, authorization_id: str) -> AnyAuthorization | None:
        """Return an authorization of any grant, if every gate is open, its parents' included; in one read."""
        ...

    def find_by_refresh(self, *, refresh_hash: bytes) -> AnyAuthorization | None:
        """Return the authorization of a refresh token that has not run out, if every gate is open; in one read."""
        ...


class ApprovalStore(Protocol):
    """What requests that wait elsewhere need: who is meant, who said "not me", what was answered; opens nothing."""

    def by_number(self, *, number_hash: bytes) -> str | None:
        """Return the id of the active citizen who holds a personal number now; the same work when there is none."""
        ...

    def by_subject(self, *, client_id: str, subject: str) -> str | None:
        """Return the id of the active citizen whom a relying party knows by this `sub`, from an authorization of it."""
        ...

    def disowned(self, *, citizen_id: str, client_id: str, since: datetime) -> bool:
        """Tell whether a citizen said "not me" to a relying party since an instant."""
        ...

    def answer(self, *, event: Event, delivery: Delivery | None) -> None:
        """Write down an answer, and with it what is to be told outside, in one transaction."""
        ...
