"""A device without a browser, complete: it shows a code and a QR code, waits, and knows who is there (RFC 8628).

    ISSUER=http://localhost:8000 CLIENT_ID=... CLIENT_SECRET=... python television.py

It is registered with the grant `urn:ietf:params:oauth:grant-type:device_code` and `client_secret_basic`. A device that
people can take apart keeps no secret: register it as `native`, and prove a DPoP key at /token instead.
"""

from __future__ import annotations

import io
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import requests
import segno
from joserfc import jwt
from joserfc.jwk import KeySet

if TYPE_CHECKING:
    from collections.abc import Mapping

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid"
PATIENCE = 10  # seconds that a call may take
SLOWER = 5  # seconds that every further question waits longer, once we were told to slow down


class Refused(Exception):
    """The citizen said no, or nobody answered in time: begin anew, if somebody presses the button again."""


@dataclass(frozen=True)
class Television:
    """One registered device; `provider` is what the provider says of itself."""

    provider: Mapping[str, Any]
    client_id: str
    secret: str

    @classmethod
    def switched_on(cls, issuer: str, *, client_id: str, secret: str) -> Television:
        """Read where everything is; no address is written down here."""
        answer = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=PATIENCE)
        answer.raise_for_status()
        return cls(answer.json(), client_id, secret)

    def begins(self) -> dict[str, Any]:
        """Ask for a code; it is good for `expires_in` seconds."""
        answer = self._posts("device_authorization_endpoint", scope=SCOPE)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def asks(self, device_code: str) -> tuple[dict[str, Any] | None, int]:
        """Ask once; return the tokens, or None and how many seconds longer to wait from now on.

        Raises:
            Refused: it is over.
        """
        answer = self._posts("token_endpoint", grant_type=GRANT, device_code=device_code)
        told: dict[str, Any] = answer.json()
        if answer.ok:
            return told, 0
        if told["error"] == "authorization_pending":
            return None, 0
        if told["error"] == "slow_down":
            return None, SLOWER
        raise Refused(told["error"])

    def reads(self, id_token: str) -> dict[str, Any]:
        """Return who is there: signature, issuer, audience and time are all checked."""
        answer = requests.get(self.provider["jwks_uri"], timeout=PATIENCE)
        answer.raise_for_status()
        keys = KeySet.import_key_set(answer.json())
        token = jwt.decode(id_token, keys, algorithms=self.provider["id_token_signing_alg_values_supported"])
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.provider["issuer"]},
            aud={"essential": True, "value": self.client_id},
            exp={"essential": True},
        )
        rules.validate(token.claims)
        return dict(token.claims)

    def _posts(self, endpoint: str, **form: str) -> requests.Response:
        both = quote_plus(self.client_id), quote_plus(self.secret)  # as in a form, before Basic (RFC 6749, 2.3.1)
        return requests.post(self.provider[endpoint], data=form, auth=both, timeout=PATIENCE)


def picture(address: str) -> str:
    """Return the QR code of an address, for a screen that shows letters only."""
    drawn = io.StringIO()
    segno.make(address, error="m").terminal(out=drawn, compact=True)
    return drawn.getvalue()


def screen(told: Mapping[str, Any]) -> str:
    """Return what the screen shows: the code stands beside the QR code, because the citizen compares it."""
    return (
        f"{picture(told['verification_uri_complete'])}\n"
        f"Mở {told['verification_uri']} và nhập mã: {told['user_code']}\n"
        f"Open {told['verification_uri']} and enter the code: {told['user_code']}\n"
    )


def main() -> None:
    """Show a code, wait, and greet."""
    names = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
    issuer, client_id, secret = (os.environ[name] for name in names)
    television = Television.switched_on(issuer, client_id=client_id, secret=secret)
    told = television.begins()
    sys.stdout.write(screen(told))
    tokens, pause = None, told.get("interval", 5)
    while tokens is None:
        time.sleep(pause)
        tokens, longer = television.asks(told["device_code"])
        pause += longer
    sys.stdout.write(f"Xin chào · Welcome, {television.reads(tokens['id_token'])['sub']}\n")


if __name__ == "__main__":
    main()
