"""A citizen whose login was made in the stores, without pages: for tests of what comes after a login."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pytest
from sqlalchemy import select

from consent import Circumstances, Wording, answer
from consent import decide as decide_consent
from idp import clock
from idp.audit.events import ClientEnded
from idp.protocol.authorization_request import check
from idp.protocol.interaction import WORDING_VERSION, demand_of
from idp.sessions import Held
from idp.storage.sql.relying_parties import SqlRelyingParties
from idp.storage.sql.tables import authorization
from tests.support.foreign.registrant import moves
from tests.support.portal import Portal, members

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import Client, TestResponse

    from consent import Consent, Ledger
    from idp.citizens.enrolment import Activated
    from tests.support.house import House
    from tests.support.portal import Login

COOKIE = "sen_session"
OFFLINE_SCOPE = "openid service:login offline_access"


@dataclass
class SignedIn:
    """A citizen with a session; `opens` and `arrives` go through the real authorization endpoint."""

    house: House
    account: Activated
    browser: Client
    token: str

    @classmethod
    def of(cls, house: House, *, account_level: int = 2) -> Self:
        """Activate an account and put its session behind a browser's cookie."""
        account = house.office.activates(account_level=account_level)
        return cls(house, account, house.browser(), "").logs_in_again(former=False)

    @property
    def citizen_id(self) -> str:
        """The citizen's internal id."""
        return self.account.citizen.id

    def logs_in_again(self, *, former: bool = True) -> Self:
        """Open a session for a new use of the passkey; it replaces the one of the browser when `former`."""
        services = self.house.services
        begun = self.account.session
        held = None
        if former:
            passkey = self.house.office.passkeys.of_citizen(citizen_id=self.citizen_id)[0]
            begun = self.house.office.logs_in(passkey, former=self.account.session)
            found = services.sessions.find(self.token)
            held = None if found is None else Held(self.token, found)
        self.token = services.journey.open(begun, former=held)
        self.browser.set_cookie(COOKIE, self.token)
        return self

    def agrees_to(self, login: Login, *ticked: str) -> Consent:
        """Agree in the ledger to what a login asks for, optional items only where they are ticked and still asked."""
        provider = self.house.services.provider
        client = provider.directory.find(login.portal.client_id)
        assert client is not None
        request = check(unverified=login.asked, client=client, provider=provider, pushed=True)
        purpose = provider.purposes.get(request.purpose)
        demand = demand_of(request=request, purpose=purpose)
        at = clock.now()

        def give(ledger: Ledger) -> Consent:
            newest = ledger.newest(subject=self.citizen_id, recipient=request.client_id, purpose=request.purpose)
            decision = decide_consent(demand=demand, standing=newest, now=at)
            return ledger.give(
                subject=self.citizen_id,
                decision=decision,
                items=answer(decision=decision, ticked=decision.offered & set(ticked), agreed=True),
                wording=Wording("vi", WORDING_VERSION, "Tôi đồng ý."),
                circumstances=Circumstances(at=at, session_id=self.account.session.id, acr="test"),
            )

        return self.house.services.consents.change(give)

    def opens(self, login: Login) -> TestResponse:
        """Follow a portal's link."""
        return self.browser.get(login.url)

    def arrives(self, login: Login, *ticked: str) -> TestResponse:
        """Agree and follow the portal's link: the answer is a redirect with a code."""
        self.agrees_to(login, *ticked)
        response = self.opens(login)
        assert response.status_code == 303, response.text
        assert "code=" in response.headers["Location"], response.headers["Location"]
        return response

    def gives_tokens(self, portal: Portal, *ticked: str, **parameters: str) -> Tokens:
        """Go the whole way to a token answer, with a refresh token unless a scope says otherwise."""
        login = portal.asks(**{"scope": OFFLINE_SCOPE, **parameters})
        login = login.pushed() if portal.pushes_only else login
        answer_at_portal = self.arrives(login, "offline_access", *ticked)
        response = login.redeem(answer_at_portal)
        assert response.status_code == 200, response.text
        return Tokens(portal, login, answer_at_portal, members(response))

    def withdraws(self, consent_id: str) -> None:
        """Withdraw a consent."""
        self.house.services.consents.change(
            lambda ledger: ledger.withdraw(
                consent_id=consent_id, subject=self.citizen_id, by="citizen", reason="test", now=clock.now()
            )
        )

    def newest_consent_id(self, portal: Portal) -> str:
        """Return the id of the consent for the purpose `login` at a portal."""
        standing = self.house.services.consents.read(
            lambda ledger: ledger.newest(subject=self.citizen_id, recipient=portal.client_id, purpose="login")
        )
        assert standing is not None
        return standing.consent.id


@dataclass
class Tokens:
    """What a portal got for one login."""

    portal: Portal
    login: Login
    answer: TestResponse
    members: dict[str, Any]

    @property
    def access(self) -> str:
        """The access token."""
        return str(self.members["access_token"])

    @property
    def refresh(self) -> str:
        """The refresh token."""
        return str(self.members["refresh_token"])

    @property
    def id_token(self) -> dict[str, Any]:
        """The verified claims of the ID token."""
        return self.portal.reads_id_token(self.members["id_token"])

    def are_alive(self) -> bool:
        """Tell whether userinfo and refresh answer; both must say the same."""
        userinfo = self.portal.asks_userinfo(self.access)
        refreshed = self.portal.refreshes(self.refresh)
        statuses = (userinfo.status_code, refreshed.status_code)
        assert statuses in {(200, 200), (401, 400)}, (userinfo.text, refreshed.text)
        return statuses == (200, 200)


def ends_portal(portal: Portal) -> None:
    """End a relying party, as the operator does."""
    event = ClientEnded(actor="operator", client_id=portal.client_id, object=portal.client_id, reason="test")
    assert SqlRelyingParties(portal.house.office.database).end(client_id=portal.client_id, reason="test", event=event)


def _withdraws(citizen: SignedIn, portal: Portal) -> None:
    citizen.withdraws(citizen.newest_consent_id(portal))


def _is_suspended(citizen: SignedIn, _: Portal) -> None:
    citizen.house.office.citizens.end(
        citizen_id=citizen.citizen_id, status="suspended", reason="test", actor="operator"
    )


def _loses_the_passkey(citizen: SignedIn, _: Portal) -> None:
    passkey_id = citizen.account.passkey.id
    citizen.house.office.passkeys.end(passkey_id=passkey_id, expected_citizen_id=None, reason="test", actor="operator")


def _ends_the_portal(_: SignedIn, portal: Portal) -> None:
    ends_portal(portal)


def _suspends_the_portal(citizen: SignedIn, portal: Portal) -> None:
    moves(citizen.house, portal.client_id, status="suspended")


def _ends_the_session(citizen: SignedIn, _: Portal) -> None:
    citizen.house.office.sessions.end(session_id=citizen.account.session.id, reason="test", actor="operator")


def _ends_the_authorization(citizen: SignedIn, portal: Portal) -> None:
    database = citizen.house.office.database
    mine = select(authorization.c.id).where(
        authorization.c.citizen_id == citizen.citizen_id, authorization.c.client_id == portal.client_id
    )
    for authorization_id in database.consult(lambda connection: connection.execute(mine).scalars().all()):
        citizen.house.services.provider.authorizations.end(authorization_id=authorization_id, reason="test")


GATES: dict[str, Callable[[SignedIn, Portal], None]] = {
    "consent withdrawn": _withdraws,
    "citizen suspended": _is_suspended,
    "passkey ended": _loses_the_passkey,
    "relying party ended": _ends_the_portal,
    "relying party suspended": _suspends_the_portal,
    "session ended": _ends_the_session,
    "authorization ended": _ends_the_authorization,
}
"""Everything that can be ended behind a token, and how it is ended."""


@pytest.fixture
def portal(house: House) -> Portal:
    """Give a portal of this test."""
    return house.registers_portal()


@pytest.fixture
def citizen(house: House, portal: Portal) -> SignedIn:
    """Give a citizen who has agreed to what the portal asks for."""
    signed_in = house.logs_in_directly()
    signed_in.agrees_to(portal.asks())
    return signed_in
