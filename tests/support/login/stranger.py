"""Somebody at a browser who holds no passkey: types numbers and codes, and answers challenges with forged keys."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.authenticator import SoftwareAuthenticator, StoredKey, from_base64url
from tests.support.house import ISSUER, TX, House
from tests.support.portal import members

if TYPE_CHECKING:
    from werkzeug.test import Client, TestResponse

    from idp.citizens.national_id import PersonalNumber

OWN = {"Origin": ISSUER}
SEALED = re.compile(r'data-sealed="([^"]+)"')
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass
class AStranger:
    """A browser on a login page of its own (`tx`), with the form token of that page."""

    house: House
    browser: Client
    tx: str
    token: str

    @classmethod
    def at(cls, house: House, path: str = "/login") -> Self:
        """Open a page of ours that begins a transaction."""
        browser = house.browser()
        tx = TX.search(browser.get(path).headers["Location"])[1]  # type: ignore[index]
        token = TOKEN.search(browser.get(f"{path}?tx={tx}").text)[1]  # type: ignore[index]
        return cls(house, browser, tx, token)

    def types_number(self, number: PersonalNumber) -> TestResponse:
        """Take the other way in."""
        form = {"tx": self.tx, "number": number.digits, "csrf_token": self.token}
        return self.browser.post("/login/number", data=form, headers=OWN)

    def tries_code(self, number: PersonalNumber, code: str) -> TestResponse:
        """Try to activate an account."""
        form = {"tx": self.tx, "number": number.digits, "code": code, "csrf_token": self.token}
        return self.browser.post("/activate", data=form, headers=OWN)

    def sealed(self, number: PersonalNumber) -> str:
        """Return what the page after a typed number hands to its script."""
        return SEALED.search(self.types_number(number).text)[1]  # type: ignore[index]

    def posts(self, path: str, **body: Any) -> TestResponse:
        """Call what the page's script calls."""
        headers = {**OWN, "X-CSRFToken": self.token, "Content-Type": "application/json"}
        return self.browser.post(path, data=orjson.dumps({"tx": self.tx, **body}), headers=headers)

    def asks_options(self, sealed: str | None = None) -> TestResponse:
        """Ask for a challenge, for a number that was typed or for nobody."""
        return self.posts("/login/passkey/options", sealed_number=sealed)

    def forges(self, sealed: str, authenticator: SoftwareAuthenticator) -> dict[str, Any]:
        """Ask for a challenge and answer it for the first passkey that is offered, with a key of one's own."""
        options = members(self.asks_options(sealed))
        credential_id = from_base64url(options["allowCredentials"][0]["id"])
        key = StoredKey(credential_id, FORGED, options["rpId"], secrets.token_bytes(32))
        return authenticator.sign_with(key, options, origin=ISSUER)

    def answers(self, credential: dict[str, Any]) -> TestResponse:
        """Hand in an answer."""
        return self.posts("/login/passkey/verify", credential=credential)


FORGED = ec.generate_private_key(ec.SECP256R1())
