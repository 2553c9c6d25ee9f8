"""What two devices do: one that asks for tokens and waits, and the browser on which its citizen answers."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import jwt
import pytest

from idp import clock
from idp.audit.events import WaitingRequestDisowned
from tests.support.portal import ISSUER, Portal, members

if TYPE_CHECKING:
    from werkzeug.test import Client, TestResponse

    from tests.support.house import House
    from tests.support.signed_in import SignedIn

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
OWN = {"Origin": ISSUER}
TX = re.compile(r"tx=([A-Za-z0-9_-]+)")
SCOPE = "openid service:login"
OFFLINE = "openid service:login offline_access"
DISOWNED = WaitingRequestDisowned.__name__

CSRF = re.compile(r'name="csrf-token" content="([^"]*)"')
CODES = re.compile(r'name="code" value="([^"]*)"')
SHOWN = re.compile(r'name="shown" value="([^"]*)"')


def device_portal(house: House, **metadata: Any) -> Portal:
    """Register a relying party whose devices show codes."""
    grants = ["authorization_code", "refresh_token", DEVICE]
    return house.registers_portal(**{"grant_types": grants, **metadata})


def ciba_portal(house: House, **metadata: Any) -> Portal:
    """Register a relying party that names its citizens, by default one that polls."""
    grants = ["authorization_code", "refresh_token", CIBA]
    complete = {"grant_types": grants, "backchannel_token_delivery_mode": "poll", **metadata}
    return house.registers_portal(**complete)


@dataclass
class Waiting:
    """A request on its way, as its relying party sees it."""

    portal: Portal
    grant_type: str
    parameter: str
    told: dict[str, Any]
    shown: str | None

    @property
    def secret(self) -> str:
        """What the relying party asks with."""
        return str(self.told[self.parameter])

    def polls(self, *, by: Portal | None = None, **changes: str) -> TestResponse:
        """Ask for tokens; `by` another one."""
        form = {"grant_type": self.grant_type, self.parameter: self.secret, **changes}
        return (by or self.portal).post("/token", **form)

    def error(self, **changes: Any) -> str:
        """Ask, and return the error that is told."""
        answer = self.polls(**changes)
        assert answer.status_code == 400, answer.text
        return str(members(answer)["error"])

    def tokens(self, **changes: Any) -> dict[str, Any]:
        """Ask, and return what is given."""
        answer = self.polls(**changes)
        assert answer.status_code == 200, answer.text
        return members(answer)


def begins(portal: Portal, **parameters: str) -> Waiting:
    """Let a device ask for a code."""
    answer = portal.post("/device_authorization", **{"scope": SCOPE, **parameters})
    assert answer.status_code == 200, answer.text
    told = members(answer)
    return Waiting(portal, DEVICE, "device_code", told, told["user_code"])


def names(portal: Portal, **parameters: str) -> TestResponse:
    """Send a backchannel request; a parameter that is empty is left out."""
    complete = {"scope": SCOPE, **parameters}
    return portal.post("/bc-authorize", **{name: value for name, value in complete.items() if value})


def asks_for(portal: Portal, citizen: SignedIn, **parameters: str) -> Waiting:
    """Let a portal name a citizen; by default with a number that both show."""
    complete = {"login_hint": number_of(citizen), "binding_message": "47", **parameters}
    answer = names(portal, **complete)
    assert answer.status_code == 200, answer.text
    return Waiting(portal, CIBA, "auth_req_id", members(answer), complete.get("binding_message") or None)


def number_of(citizen: SignedIn) -> str:
    """Return the personal number that a citizen holds."""
    return citizen.house.office.citizens.numbers_of(citizen_id=citizen.citizen_id)[0].number.digits


def signed_request(portal: Portal, *, algorithm: str = "ES256", key: Any = None, **claims: Any) -> str:
    """Sign a backchannel request (CIBA Core section 7.1.1); a claim that is None is left out."""
    now = int(clock.now().timestamp())
    complete = {
        "iss": portal.client_id,
        "aud": ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
        "scope": SCOPE,
        "binding_message": "47",
        **claims,
    }
    kept = {name: value for name, value in complete.items() if value is not None}
    return jwt.encode(kept, key or portal.key, algorithm=algorithm, headers={"kid": "k1"})


@dataclass
class Phone:
    """A citizen's browser on which requests of other devices are answered."""

    browser: Client
    address: str = "127.0.0.1"

    @classmethod
    def of(cls, citizen: SignedIn) -> Self:
        """Take the browser of one who is logged in."""
        return cls(citizen.browser)

    def posts(self, page: str, path: str, **form: Any) -> TestResponse:
        """Open a page and send a form of it."""
        from_here = {"REMOTE_ADDR": self.address}
        token = CSRF.search(self.browser.get(page, environ_base=from_here).text)
        assert token, page
        return self.browser.post(path, data={"csrf_token": token[1], **form}, headers=OWN, environ_base=from_here)

    def types(self, code: str, *, page: str = "/device") -> TestResponse:
        """Type a device's code."""
        return self.posts(page, "/device", code=code)

    def opens_what_waits(self) -> TestResponse:
        """Go from the account page to the request that waits."""
        return self.posts("/account/approvals", "/account/approvals/open")

    def sees_something(self) -> bool:
        """Tell whether the account page says that a portal waits."""
        return "đang chờ bạn xác nhận" in self.browser.get("/account").text.partition("<template")[0]

    def choices(self, answer: TestResponse) -> list[str]:
        """Return the codes that the page of confirmation offers."""
        return CODES.findall(self.browser.get(answer.headers["Location"]).text)

    def says(self, at: TestResponse, **form: str) -> TestResponse:
        """Answer the page of confirmation that an answer leads to."""
        location = at.headers["Location"]
        assert "/confirm?" in location, location
        return self.posts(location, location.partition("?")[0], tx=TX.search(location)[1], **form)  # type: ignore[index]

    def consents(self, answer: TestResponse, *ticked: str, said: str = "agree") -> TestResponse:
        """Answer the consent page that an answer leads to."""
        location = answer.headers["Location"]
        assert location.startswith("/consent?"), location
        shown = SHOWN.search(self.browser.get(location).text)
        assert shown
        tx = TX.search(location)[1]  # type: ignore[index]
        return self.posts(location, "/consent", tx=tx, shown=shown[1], item=list(ticked), answer=said)

    def approves(self, waiting: Waiting, *ticked: str) -> TestResponse:
        """Do whatever a citizen does who is logged in and means it."""
        begun = self.types(waiting.shown or "") if waiting.grant_type == DEVICE else self.opens_what_waits()
        picked = {"code": waiting.shown} if self.choices(begun) else {"answer": "confirm"}
        answer = self.says(begun, **{name: str(value) for name, value in picked.items()})
        if answer.headers["Location"].startswith("/consent?"):
            answer = self.consents(answer, *ticked)
        assert answer.headers["Location"].endswith("/done?answer=approved"), answer.headers["Location"]
        return answer


@pytest.fixture
def portal(house: House) -> Portal:
    """Give a relying party that names its citizens; a test of devices makes its own."""
    return ciba_portal(house)


@pytest.fixture
def citizen(house: House) -> SignedIn:
    """Give a citizen with a session on a browser of their own."""
    return house.logs_in_directly()
