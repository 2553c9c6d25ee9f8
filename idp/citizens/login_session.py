"""One login of one citizen, kept for as long as anything that came from it: tokens are good while it has not ended.

What the browser holds is another thing (`idp/sessions.py`); this row is what an end is written to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  dataclass fields are read at run time

from idp.audit.log import new_id


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A login: `id` is a UUIDv7, `level` the authentication level 1 to 4, `amr` values of RFC 8176.

    `chain_id` is the first of the logins of one citizen in one browser, one after another: they end together.
    """

    id: str
    citizen_id: str
    passkey_id: str
    level: int
    amr: tuple[str, ...]
    chain_id: str
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Former:
    """The session that a browser had when somebody logged in there again."""

    citizen_id: str
    chain_id: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a login has proved, before there is a session: `method` is the name of the login method."""

    method: str
    level: int
    amr: tuple[str, ...]
    expires_at: datetime
    former: Former | None = None

    def begun(self, *, citizen_id: str, passkey_id: str, at: datetime) -> LoginSession:
        """Return the session with a new id (never one that existed before the login).

        It goes on with the chain of the browser's former session, where that was the same citizen's.
        """
        session_id, former = new_id(), self.former
        return LoginSession(
            id=session_id,
            citizen_id=citizen_id,
            passkey_id=passkey_id,
            level=self.level,
            amr=self.amr,
            chain_id=former.chain_id if former is not None and former.citizen_id == citizen_id else session_id,
            started_at=at,
            expires_at=self.expires_at,
        )


@dataclass(frozen=True, slots=True)
class Reached:
    """A relying party that a login session has given something to; it knows the session by a `sid` of its own."""

    client_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class SessionGate:
    """Everything whose end ends a session, read in one row."""

    citizen_id: str
    citizen_status: str
    passkey_ended: bool
    session_ended: bool
    expires_at: datetime

    def is_open(self, *, now: datetime) -> bool:
        """Say whether what hangs on the session is good at `now`."""
        ended = self.session_ended or self.passkey_ended
        return self.citizen_status == "active" and not ended and now < self.expires_at
