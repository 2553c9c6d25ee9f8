"""A citizen on the own pages: reads them, sends their forms, calls what their scripts call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.support.house import ISSUER, TX
from tests.support.portal import members

if TYPE_CHECKING:
    from werkzeug.test import Client, TestResponse

    from idp.citizens.credentials import Passkey
    from tests.support.authenticator import SoftwareAuthenticator
    from tests.support.house import ACitizen, House

OWN = {"Origin": ISSUER}
TOKEN = re.compile(r'name="csrf[-_]token"[^>]*(?:value|content)="([^"]+)"')


def token_on(page: TestResponse) -> str:
    """Return the form token of a page."""
    found = TOKEN.search(page.text)
    assert found, page.text[:500]
    return found[1]


@dataclass
class OwnPages:
    """One browser on pages of ours."""

    browser: Client

    def token(self, path: str = "/help") -> str:
        """Return a form token of this browser, from any page."""
        return token_on(self.browser.get(path))

    def sends(self, path: str, **form: Any) -> TestResponse:
        """Send a form of ours, as a browser would."""
        return self.browser.post(path, data={"csrf_token": self.token(), **form}, headers=OWN)

    def calls(self, path: str, **body: Any) -> TestResponse:
        """Call what a script of ours calls."""
        headers = {**OWN, "X-CSRFToken": self.token(), "Content-Type": "application/json"}
        return self.browser.post(path, data=orjson.dumps(body), headers=headers)

    def adds_passkey(self, authenticator: SoftwareAuthenticator, *, name: str = "Khóa thứ hai") -> TestResponse:
        """Make another passkey on the account page; return the last answer, or the first that refused."""
        options = self.calls("/account/passkeys/options")
        if options.status_code != 200:
            return options
        credential = authenticator.register(members(options), origin=ISSUER)
        return self.calls("/account/passkeys/verify", credential=credential, name=name)

    def is_logged_in(self) -> bool:
        """Tell whether the account page opens."""
        status = self.browser.get("/account").status_code
        assert status in {200, 303}
        return status == 200


def passkeys_of(house: House, citizen: ACitizen) -> tuple[Passkey, ...]:
    """Return the passkeys that a citizen has, oldest first."""
    account = house.office.citizens.by_number_hash(number_hash=house.office.number_hash(citizen.number))
    assert account is not None
    return house.office.passkeys.of_citizen(citizen_id=account.id)


def citizen_id_of(house: House, citizen: ACitizen) -> str:
    """Return a citizen's internal id."""
    account = house.office.citizens.by_number_hash(number_hash=house.office.number_hash(citizen.number))
    assert account is not None
    return account.id


def begins_login(browser: Client, path: str = "/login") -> str:
    """Open a page that begins a transaction of our own; return its id."""
    return TX.search(browser.get(path).headers["Location"])[1]  # type: ignore[index]


@pytest.fixture
def citizen(house: House) -> ACitizen:
    """Give a citizen with an account, a passkey and a session."""
    return house.activates_citizen()
