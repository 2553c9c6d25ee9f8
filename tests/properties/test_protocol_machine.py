"""Authorizations, codes, refreshes, revocations and logouts in any order, against a model of what may still work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule, run_state_machine_as_test

from tests.support.house import house, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import House, Login, Portal, SignedIn

__all__ = ["house"]

SCOPE = "openid service:login offline_access"


@dataclass
class Session:
    """One login session and the consents that were given during it, as the model has them."""

    alive: bool = True


@dataclass
class Agreement:
    """One consent."""

    id: str
    alive: bool = True


@dataclass(eq=False)
class Granted:
    """A code and what became of it: `alive` is what the model says of its authorization."""

    login: Login
    answer: TestResponse
    citizen: int
    session: Session
    agreement: Agreement
    redeemed: bool = False
    ended: bool = False
    access: list[str] = field(default_factory=list)
    refresh: str = ""

    @property
    def alive(self) -> bool:
        """Whether its tokens must work: offline, so that a session's ordinary end leaves it alone."""
        return self.redeemed and not self.ended and self.agreement.alive


class Protocol(RuleBasedStateMachine):
    """Two citizens and two portals; every answer is compared with the model."""

    house_of_all: House

    grants: Bundle[Granted] = Bundle("grants")

    @initialize()
    def begin(self) -> None:
        """Let the actors come."""
        self.portals: list[Portal] = [self.house_of_all.registers_portal() for _ in range(2)]
        self.citizens: list[SignedIn] = [self.house_of_all.logs_in_directly() for _ in range(2)]
        self.sessions = [Session(), Session()]
        self.agreements: dict[tuple[int, int], Agreement] = {}

    @rule(target=grants, who=st.integers(0, 1), where=st.integers(0, 1))
    def authorize(self, who: int, where: int) -> Granted:
        """Log in at a portal; a session that was ended is replaced by a new one first."""
        citizen, portal = self.citizens[who], self.portals[where]
        if not self.sessions[who].alive:
            waiting = citizen.opens(portal.asks())
            assert "/login?tx=" in waiting.headers["Location"]
            citizen.logs_in_again()
            self.sessions[who] = Session()
        agreement = self.agreements.get((who, where))
        login = portal.asks(scope=SCOPE)
        if agreement is None or not agreement.alive:
            assert "/consent?tx=" in citizen.opens(login).headers["Location"]
            consent = citizen.agrees_to(login, "offline_access")
            agreement = self.agreements[who, where] = Agreement(consent.id)
        answer = citizen.opens(login)
        assert "code=" in answer.headers["Location"], answer.headers["Location"]
        return Granted(login, answer, who, self.sessions[who], agreement)

    @rule(granted=grants)
    def redeem(self, granted: Granted) -> None:
        """A code works once, while its session and its consent hold; again ends what it became."""
        response = granted.login.redeem(granted.answer)
        first = not granted.redeemed and not granted.ended
        if first and granted.session.alive and granted.agreement.alive:
            assert response.status_code == 200, response.text
            tokens = members(response)
            granted.redeemed, granted.refresh = True, tokens["refresh_token"]
            granted.access.append(tokens["access_token"])
            return
        assert (response.status_code, members(response)["error"]) == (400, "invalid_grant")
        granted.ended = True

    @rule(granted=grants)
    def redeem_elsewhere(self, granted: Granted) -> None:
        """Another portal's use of a code burns it and gives nothing."""
        other = next(portal for portal in self.portals if portal is not granted.login.portal)
        code = granted.login.parameters and granted.answer.headers["Location"]
        assert code
        response = other.redeems(code.partition("code=")[2].partition("&")[0], granted.login.verifier)
        assert (response.status_code, members(response)["error"]) == (400, "invalid_grant")
        granted.ended = True

    @rule(granted=grants)
    def refresh(self, granted: Granted) -> None:
        """A refresh token works exactly as long as its authorization lives."""
        if granted.refresh:
            response = granted.login.portal.refreshes(granted.refresh)
            assert response.status_code == (200 if granted.alive else 400), response.text
            if granted.alive:
                granted.access.append(members(response)["access_token"])

    @rule(granted=grants)
    def ask_userinfo(self, granted: Granted) -> None:
        """Every access token works exactly as long as its authorization lives."""
        for token in granted.access:
            response = granted.login.portal.asks_userinfo(token)
            assert response.status_code == (200 if granted.alive else 401), response.text

    @rule(granted=consumes(grants), by_refresh=st.booleans())
    def revoke(self, granted: Granted, by_refresh: bool) -> None:  # noqa: FBT001  drawn by name
        """Giving a token back ends everything of its authorization; afterwards nothing of it works."""
        if granted.access:
            token = granted.refresh if by_refresh else granted.access[-1]
            assert granted.login.portal.revokes(token).status_code == 200
            granted.ended = True
            self.ask_userinfo(granted)
            self.refresh(granted)

    @rule(who=st.integers(0, 1))
    def log_out(self, who: int) -> None:
        """Logging out ends the session; what was agreed for offline use stays."""
        if self.sessions[who].alive:
            session_id = self.citizens[who].account.session.id
            actor = f"citizen:{self.citizens[who].citizen_id}"
            self.house_of_all.office.sessions.end(session_id=session_id, reason="logout", actor=actor)
            self.sessions[who].alive = False

    @rule(who=st.integers(0, 1), where=st.integers(0, 1))
    def withdraw(self, who: int, where: int) -> None:
        """Withdrawing a consent ends everything that was given under it."""
        agreement = self.agreements.get((who, where))
        if agreement is not None and agreement.alive:
            self.citizens[who].withdraws(agreement.id)
            agreement.alive = False


@pytest.mark.spec("TK-16", "RT-07", "I1")
def test_whatever_happens_in_whatever_order_only_what_lives_works(house: House) -> None:
    machine = type("ProtocolOfAHouse", (Protocol,), {"house_of_all": house})
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=checks),
    )
