"""An identity provider for tests of a relying party: it checks what it gets, and lies where it is told to.

The real provider never lies, so nobody else can show that a relying party would notice.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwk, jwt

CLIENT_ID = "the-portal"
PERSON = {
    "sub": "pairwise-of-an",
    "name": "Nguyễn Thị An",
    "personal_number": "099305000017",
    "birthdate": "2005-02-14",
    "gender": "female",
    "address": {"formatted": "Số 1, phố Thử, Hà Nội"},
    "account_level": "02",
}


class Provider(ThreadingHTTPServer):
    """An identity provider that checks what the portal sends, and answers with `lies` where it is told to."""

    def __init__(self, *, portal_key: jwk.ECKey) -> None:
        super().__init__(("127.0.0.1", 0), ProviderHandler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.portal_key = portal_key
        self.key = jwk.ECKey.generate_key("P-256", {"kid": "provider", "alg": "ES256", "use": "sig"})
        self.lies: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = PERSON
        self.pushed: dict[str, str] = {}
        self.assertions: list[dict[str, Any]] = []
        self.wants_pushed_requests = True

    def metadata(self) -> dict[str, Any]:
        """Return what discovery says."""
        names = ["authorization", "token", "userinfo", "end_session", "pushed_authorization_request"]
        if not self.wants_pushed_requests:
            names.remove("pushed_authorization_request")
        return {
            "issuer": self.issuer,
            "jwks_uri": self.issuer + "/jwks",
            "id_token_signing_alg_values_supported": ["ES256"],
            **{f"{name}_endpoint": f"{self.issuer}/{name}" for name in names},
        }

    def authenticate(self, form: dict[str, str]) -> None:
        """Verify a client assertion as Sen does (SECURITY CA-02 to CA-05)."""
        read = jwt.decode(form["client_assertion"], self.portal_key, algorithms=["ES256"])
        claims = read.claims
        assert read.header["typ"] == "client-authentication+jwt"
        assert claims["iss"] == claims["sub"] == form["client_id"] == CLIENT_ID
        assert claims["aud"] == self.issuer
        assert claims["exp"] - claims["iat"] <= 60
        assert claims["jti"] not in {earlier["jti"] for earlier in self.assertions}
        self.assertions.append(claims)

    def tokens(self, form: dict[str, str]) -> dict[str, Any]:
        """Redeem a code: verify client, PKCE and redirect_uri, then sign an ID token, with lies or without."""
        self.authenticate(form)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.pushed["code_challenge"]
        assert form["redirect_uri"] == self.pushed["redirect_uri"]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": PERSON["sub"],
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": self.pushed["nonce"],
            "acr": self.pushed["acr_values"],
            "amr": ["hwk", "user"],
        }
        key = self.lies.get("key", self.key)
        id_token = jwt.encode({"alg": "ES256", "kid": "provider"}, claims | self.lies.get("claims", {}), key)
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": id_token}


class ProviderHandler(BaseHTTPRequestHandler):
    """The wire of the provider."""

    server: Provider

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Write nothing."""

    def do_GET(self) -> None:
        """Answer discovery, JWKS and userinfo."""
        if self.path == "/.well-known/openid-configuration":
            self.answer(self.server.metadata())
        elif self.path == "/jwks":
            self.answer({"keys": [self.server.key.as_dict(private=False)]})
        else:
            assert self.path == "/userinfo"
            assert self.headers["Authorization"] == "Bearer opaque"
            self.answer(self.server.userinfo)

    def do_POST(self) -> None:
        """Answer pushed requests and token requests."""
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self.path == "/token":
            self.answer(self.server.tokens(form))
        elif "par_error" in self.server.lies:
            self.answer({"error": self.server.lies["par_error"]}, status=400)
        else:
            self.server.authenticate(form)
            self.server.pushed = form
            self.answer({"request_uri": "urn:ietf:params:oauth:request_uri:one", "expires_in": 60}, status=201)

    def answer(self, body: dict[str, Any], *, status: int = 200) -> None:
        """Send a JSON body."""
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
