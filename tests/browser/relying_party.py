"""A relying party of the tests that keeps its tokens, beside the demo portal which throws them away."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from idp import clock
from idp.audit.events import ClientAdded
from idp.relying_parties.store import StoredClient
from idp.storage.sql.relying_parties import SqlRelyingParties
from tests.support.browser import WAIT_MS

if TYPE_CHECKING:
    from tests.support.running import Running


@dataclass
class RelyingParty:
    """One registered party; people come back to the demo portal's address, and it reads the code from there."""

    running: Running
    client_id: str
    secret: str
    verifier: str = ""

    @classmethod
    def registered(cls, running: Running, **more: Any) -> Self:
        """Register with a secret and refresh tokens."""
        party = cls(running, f"party-{secrets.token_hex(6)}", secrets.token_urlsafe(32))
        metadata = {
            "client_name#vi": "Cổng thử nghiệm",
            "client_name#en": "Test portal",
            "owner": {"name#vi": "Cơ quan thử nghiệm", "name#en": "Test authority"},
            "redirect_uris": [party.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid offline_access",
            "token_endpoint_auth_method": "client_secret_basic",
            "purposes": ["driving-licence"],
            **more,
        }
        hashed = sha256(party.secret.encode()).digest()
        stored = StoredClient(party.client_id, "web", metadata, hashed, "approved", clock.now(), None)
        event = ClientAdded(actor="operator", client_id=party.client_id, profile="web")
        SqlRelyingParties(running.office.database).put(stored, event=event)
        return party

    @property
    def redirect_uri(self) -> str:
        """Where people come back to."""
        return f"{self.running.portal}/callback"

    def asks(self, **parameters: str) -> str:
        """Return the address that begins a login."""
        self.verifier = secrets.token_urlsafe(32)
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "state": secrets.token_urlsafe(12),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **parameters,
        }
        return f"{self.running.issuer}/authorize?{urlencode(query)}"

    def redeems(self, answer_url: str) -> dict[str, Any]:
        """Redeem the code that an answer carries; return the tokens."""
        code = parse_qs(urlsplit(answer_url).query)["code"][0]
        answer = self._token(
            grant_type="authorization_code", code=code, redirect_uri=self.redirect_uri, code_verifier=self.verifier
        )
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def refreshes(self, token: str) -> httpx.Response:
        """Use a refresh token."""
        return self._token(grant_type="refresh_token", refresh_token=token)

    def asks_userinfo(self, token: str) -> httpx.Response:
        """Ask for the claims."""
        return httpx.get(
            f"{self.running.issuer}/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=WAIT_MS / 1000
        )

    def _token(self, **form: str) -> httpx.Response:
        return httpx.post(
            f"{self.running.issuer}/token", data=form, auth=(self.client_id, self.secret), timeout=WAIT_MS / 1000
        )
