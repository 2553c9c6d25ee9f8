"""A relying party with a key of its own, written from the specifications alone, and one login on its way.

One whose profile asks for it proves a DPoP key wherever tokens are given or used; the others do so when told to.
"""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256, sha512
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import Client

from idp import clock
from idp.audit.events import ClientAdded
from idp.relying_parties.store import StoredClient
from idp.storage.sql.relying_parties import SqlRelyingParties
from tests.support.foreign.dpop import DpopKey

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import House

ISSUER = "http://localhost:8000"
BOUND_BY_DPOP = frozenset({"fapi2", "fapi2-signing", "native"})
PUSHES_ONLY = frozenset({"fapi2", "fapi2-signing"})
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def members(response: TestResponse) -> dict[str, Any]:
    """Return the members of a JSON answer."""
    found: dict[str, Any] = orjson.loads(response.data)
    return found


def pkce() -> tuple[str, str]:
    """Return a verifier and its S256 challenge (RFC 7636 section 4)."""
    verifier = secrets.token_urlsafe(32)
    return verifier, urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Portal:
    """A relying party with a key of its own, written from the specifications alone."""

    house: House
    client_id: str
    key: ec.EllipticCurvePrivateKey
    redirect_uri: str = "https://portal.example/callback"
    method: str = "private_key_jwt"
    secret: str = ""
    dpop: DpopKey | None = None
    pushes_only: bool = False
    http: Client = field(init=False)

    def __post_init__(self) -> None:
        """Portals call from servers, not from browsers."""
        self.http = Client(self.house.app, use_cookies=False)

    def moves_to(self, house: House) -> None:
        """Call another house from now on."""
        self.house, self.http = house, Client(house.app, use_cookies=False)

    @classmethod
    def registered(cls, house: House, **metadata: Any) -> Self:
        """Register with the metadata of RFC 7591 and ours."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        portal = cls(house, f"portal-{secrets.token_hex(6)}", key)
        profile = metadata.pop("profile", "web")
        complete = {
            "client_name#vi": "Cổng thử nghiệm",
            "client_name#en": "Test portal",
            "owner": {"name#vi": "Cơ quan thử nghiệm", "name#en": "Test authority"},
            "redirect_uris": [portal.redirect_uri],
            "post_logout_redirect_uris": ["https://portal.example/bye"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile phone email address offline_access",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [{**public, "alg": "ES256", "use": "sig", "kid": "k1"}]},
            "purposes": ["login", "driving-licence", "secured-transaction"],
            **metadata,
        }
        portal.method = complete["token_endpoint_auth_method"]
        if portal.method != "private_key_jwt" and "jwks" not in metadata:
            del complete["jwks"]
        portal.redirect_uri = complete["redirect_uris"][0]
        secret_hash = None
        portal.pushes_only = profile in PUSHES_ONLY
        if profile in BOUND_BY_DPOP and not complete.get("tls_client_certificate_bound_access_tokens"):
            portal.dpop = DpopKey()
        if portal.method.startswith("client_secret_"):
            portal.secret = secrets.token_urlsafe(32)
            secret_hash = sha256(portal.secret.encode()).digest()
        store = SqlRelyingParties(house.office.database)
        stored = StoredClient(portal.client_id, profile, complete, secret_hash, "approved", clock.now(), None)
        store.put(stored, event=ClientAdded(actor="operator", client_id=portal.client_id, profile=profile))
        return portal

    def twin(self) -> Portal:
        """Register another one with the same key and addresses, as one maker's product at two authorities may be."""
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        keys = {"keys": [{**public, "alg": "ES256", "use": "sig", "kid": "k1"}]}
        twin = Portal.registered(self.house, redirect_uris=[self.redirect_uri], jwks=keys)
        twin.key = self.key
        return twin

    def assertion(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign a client assertion (RFC 7523 section 3); a claim that is None is left out."""
        now = int(clock.now().timestamp())
        body = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
            **claims,
        }
        kept = {name: value for name, value in body.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="ES256", headers={"kid": "k1", **(headers or {})})

    def authentication(self, **claims: Any) -> dict[str, str]:
        """Return the form fields of this portal's method."""
        if self.method == "none":
            return {"client_id": self.client_id}
        if self.method == "client_secret_basic":
            return {}
        if self.method == "client_secret_post":
            return {"client_id": self.client_id, "client_secret": self.secret}
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(**claims),
        }

    def basic(self, secret: str | None = None) -> dict[str, str]:
        """Return the header of client_secret_basic (RFC 6749 section 2.3.1)."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret if secret is None else secret)}"
        return {"Authorization": "Basic " + b64encode(pair.encode()).decode()}

    def post(self, path: str, **form: str) -> TestResponse:
        """Send a form, authenticated by this portal's method."""
        headers = self.basic() if self.method == "client_secret_basic" else {}
        return self.http.post(path, data={**self.authentication(), **form}, headers={**headers, **self.proves(path)})

    def proves(self, path: str) -> dict[str, str]:
        """Return a DPoP header where tokens are given to a portal that has a key."""
        return self.dpop.header(path) if self.dpop is not None and path == "/token" else {}

    def pushes(self, **parameters: str) -> TestResponse:
        """Push a request with fresh state, nonce and PKCE; return the answer, good or not (RFC 9126)."""
        return self.post("/par", **self.asks(**parameters).parameters)

    def revokes(self, token: str) -> TestResponse:
        """Give a token back (RFC 7009)."""
        return self.post("/revoke", token=token)

    def asks(self, **parameters: str) -> Login:
        """Begin a login: parameters of an authorization request with fresh state, nonce and PKCE."""
        verifier, challenge = pkce()
        complete = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid service:login",
            "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_urlsafe(12),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **parameters,
        }
        kept = {name: value for name, value in complete.items() if value}
        return Login(self, kept, verifier, asked=kept)

    def redeems(self, code: str, verifier: str, **changes: str) -> TestResponse:
        """Redeem a code (RFC 6749 section 4.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
            **changes,
        }
        return self.post("/token", **{name: value for name, value in form.items() if value})

    def refreshes(self, token: str, **changes: str) -> TestResponse:
        """Use a refresh token (RFC 6749 section 6)."""
        return self.post("/token", grant_type="refresh_token", refresh_token=token, **changes)

    def asks_userinfo(self, token: str) -> TestResponse:
        """Ask for the claims (OpenID Connect Core section 5.3)."""
        return self.http.get("/userinfo", headers=self.shows(token))

    def shows(self, token: str, path: str = "/userinfo", method: str = "GET") -> dict[str, str]:
        """Return the headers that an access token is used with (RFC 6750 section 2.1, RFC 9449 section 7.1)."""
        if self.dpop is None:
            return {"Authorization": f"Bearer {token}"}
        return {"Authorization": f"DPoP {token}", **self.dpop.header(path, method, token=token)}

    @staticmethod
    def half_hash(token: str, *, algorithm: str) -> str:
        """Return `at_hash` of a token: Ed25519 signs over SHA-512 (OpenID Connect Core section 3.1.3.6)."""
        digest = (sha512 if algorithm == "EdDSA" else sha256)(token.encode()).digest()
        return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()

    def reads_id_token(self, token: str) -> dict[str, Any]:
        """Verify an ID token against the published JWKS with PyJWT, not with our own intake."""
        return self._reads(token, expected_audience=self.client_id)

    def reads_access_token(self, token: str, *, expected_audience: str) -> dict[str, Any]:
        """Verify an access token as its resource server does (RFC 9068 section 4)."""
        assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
        return self._reads(token, expected_audience=expected_audience)

    def _reads(self, token: str, *, expected_audience: str) -> dict[str, Any]:
        keys = jwt.PyJWKSet.from_dict(orjson.loads(self.http.get("/jwks").data))
        header = jwt.get_unverified_header(token)
        found = next(key for key in keys.keys if key.key_id == header["kid"])
        claims: dict[str, Any] = jwt.decode(
            token, found.key, algorithms=[header["alg"]], audience=expected_audience, issuer=ISSUER
        )
        return claims


@dataclass
class Login:
    """One authorization request on its way."""

    portal: Portal
    parameters: dict[str, str]
    verifier: str
    asked: dict[str, str]

    def pushed(self) -> Login:
        """Push the request (RFC 9126) and go on with its request_uri."""
        response = self.portal.post("/par", **self.parameters)
        assert response.status_code == 201, response.text
        uri = members(response)["request_uri"]
        return Login(self.portal, {"client_id": self.portal.client_id, "request_uri": uri}, self.verifier, self.asked)

    @property
    def url(self) -> str:
        """Where the citizen's browser is sent."""
        return "/authorize?" + urlencode(self.parameters)

    def redeem(self, answer: TestResponse, **changes: str) -> TestResponse:
        """Redeem the code of an answer at the redirect address."""
        return self.portal.redeems(answered(answer)["code"], self.verifier, **changes)


def answered(response: TestResponse) -> dict[str, str]:
    """Return the parameters that a redirect to a portal carries."""
    assert response.status_code == 303, response.text
    query = parse_qs(urlsplit(response.headers["Location"]).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}
