"""The journey of a login: challenge, attempt, limits, audit, level, session; once, for all methods."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from idp import clock, limits
from idp.audit.events import LoginRefused
from idp.citizens.login_session import Former, NewSession
from idp.ephemeral import Take, Write
from idp.errors import AssertionRefused
from idp.login import METHODS, even_time
from idp.login.passkey_refusal import PUBLIC
from idp.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.assurance import Assurance, Evidence
    from idp.audit.store import AuditStore
    from idp.citizens.login_session import LoginSession
    from idp.citizens.national_id import PersonalNumber
    from idp.citizens.store import SessionStore
    from idp.ephemeral import Ephemeral
    from idp.login.method import Desk
    from idp.login.transaction import Transaction
    from idp.sessions import Held, Sessions

NOT_OURS = re.compile("[^A-Za-z ,.:]")
"""What a reason of ours is never written with, and what somebody wrote into an answer may be (numbers above all)."""
LONGEST_REASON = 100


@dataclass(frozen=True, slots=True)
class Journey:
    """Carries a citizen from a challenge to a session."""

    desk: Desk
    ephemeral: Ephemeral
    sessions: Sessions
    session_store: SessionStore
    assurance: Assurance
    audit: AuditStore

    def challenge(
        self, *, method: str, transaction: Transaction, number: PersonalNumber | None, address: str
    ) -> Mapping[str, Any]:
        """Return what the browser needs; the challenge is remembered for this transaction, and only the newest one.

        Raises:
            TooManyAttempts: the limit of this address is reached.
        """
        began = even_time.now()
        made = METHODS[method](self.desk).challenge(number=number)
        if number is not None:
            even_time.even_out(began=began, step=even_time.NUMBER_SECONDS)
        remembered = Write(
            _ceremony(method, transaction), orjson.dumps(made.state), self.desk.settings.passkeys.challenge_seconds
        )
        counts = limits.steps("page", settings=self.desk.settings.limits, address=address)
        replies = self.ephemeral.wave(*counts, remembered)
        limits.check("page", replies[: len(counts)], settings=self.desk.settings.limits)
        return made.options

    def finish(
        self,
        *,
        method: str,
        transaction: Transaction,
        unverified_response: bytes,
        address: str,
        former: Held | None,
    ) -> str:
        """Verify an answer and open a session; return the cookie's value.

        1. the attempt is counted and the challenge taken, in one wave; 2. the method verifies; 3. counter, session
        and event are written together, through the gates; 4. the new session replaces the former one.

        Raises:
            AssertionRefused: one answer for every reason. TooManyAttempts: a limit was reached.
        """
        began = even_time.now()
        counts = limits.steps(method, settings=self.desk.settings.limits, address=address)
        *counted, state = self.ephemeral.wave(*counts, Take(_ceremony(method, transaction)))  # 1
        limits.check(method, counted, settings=self.desk.settings.limits)
        try:
            if state is None:
                raise AssertionRefused(PUBLIC[AssertionRefused], detail="no challenge waits")  # noqa: TRY301  one audit for all reasons
            verified = METHODS[method](self.desk).verify(  # 2
                expected_state=orjson.loads(state), unverified_response=unverified_response
            )
            begun = self.desk.passkeys.record_use(  # 3
                use=verified.use, session=self.new_session(method=method, evidence=verified.evidence, former=former)
            )
        except AssertionRefused as refused:
            reason = NOT_OURS.sub("?", refused.detail)[:LONGEST_REASON]
            self.audit.append(LoginRefused(actor="anyone", method=method, reason=reason))
            even_time.even_out(began=began, step=even_time.REFUSAL_SECONDS)
            raise
        return self.open(begun, former=former)  # 4

    def new_session(self, *, method: str, evidence: Evidence, former: Held | None) -> NewSession:
        """Return what a login has proved, as a session is to remember it; `former` is what the browser held."""
        return NewSession(
            method=method,
            level=self.assurance.level_of((evidence,)),
            amr=evidence.amr,
            expires_at=clock.now() + timedelta(seconds=self.sessions.settings.absolute_seconds),
            former=Former(former.session.citizen_id, former.session.chain_id) if former else None,
        )

    def open(self, begun: LoginSession, *, former: Held | None) -> str:
        """Put a session that stands in SQL behind a new cookie value.

        A former session of the same citizen goes on as part of the new one, so that one logout ends both; another
        citizen's is ended.
        """
        earlier: tuple[str, ...] = ()
        if former is not None and former.session.citizen_id == begun.citizen_id:
            earlier = (*former.session.earlier, former.session.id)
        elif former is not None:
            self.end(former, reason="another person logged in")
        session = Session(
            id=begun.id,
            citizen_id=begun.citizen_id,
            passkey_id=begun.passkey_id,
            level=begun.level,
            amr=begun.amr,
            auth_time=int(begun.started_at.timestamp()),
            started_at=int(begun.started_at.timestamp()),
            expires_at=int(begun.expires_at.timestamp()),
            last_seen=clock.epoch_seconds(),
            earlier=earlier,
        )
        return self.sessions.open(session, replaces=former.token if former is not None else None)

    def end(self, held: Held, *, reason: str) -> None:
        """End a session everywhere: in SQL first, so that it stays ended, then in the memory."""
        actor = f"citizen:{held.session.citizen_id}"
        self.session_store.end(session_id=held.session.id, reason=reason, actor=actor)
        self.sessions.close(held.token)


def _ceremony(method: str, transaction: Transaction) -> str:
    return f"ceremony:{method}:{transaction.id}"
