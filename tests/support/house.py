"""A whole provider in this process, over real stores, with the actors that use it: an office, portals, citizens."""

from __future__ import annotations

import re
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import Client

from idp import clock
from idp import settings as settings_room
from idp.app import Application, build_services, open_database, open_sealer, ring_settings
from idp.audit.events import ClientAdded
from idp.relying_parties.store import StoredClient
from idp.storage.sql.keys import SqlKeyStore
from idp.storage.sql.migrate import upgrade
from idp.storage.sql.relying_parties import SqlRelyingParties
from keys import open_custodians, rotate
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.office import Office, a_person, new_number

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from idp.citizens.national_id import PersonalNumber
    from idp.services import Services
    from idp.settings import Settings

ISSUER = "http://localhost:8000"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TX = re.compile(r"tx=([A-Za-z0-9_-]+)")


def settings_for(*, folder: Path, redis_url: str, database_url: str | None = None, **changes: str) -> Settings:
    """Return development settings whose data lies in `folder`; `changes` are environment variables."""
    return settings_room.load(
        {
            "SEN_ENVIRONMENT": "development",
            "SEN_STORAGE__DATABASE_URL": database_url or f"sqlite:///{folder}/sen.db",
            "SEN_STORAGE__REDIS_URL": redis_url,
            "SEN_METRICS__FOLDER": str(folder / "metrics"),
            "SEN_LIMITS__REQUESTS_PER_PREFIX": "100000",
            "SEN_LIMITS__PER_PREFIX": "100000",
            **changes,
        }
    )


@dataclass
class House:
    """The provider; `client_of_house()` gives a new browser."""

    settings: Settings
    app: Application
    office: Office

    @classmethod
    def build(cls, *, folder: Path, redis_url: str, database_url: str | None = None, **changes: str) -> Self:
        """Make the stores, the keys and the application."""
        settings = settings_for(folder=folder, redis_url=redis_url, database_url=database_url, **changes)
        database = open_database(settings)
        upgrade(database)
        sealer = open_sealer(settings)
        rotate(
            store=SqlKeyStore(database),
            custodians=open_custodians(sealer=sealer),
            settings=ring_settings(settings),
            now=clock.now(),
        )
        return cls(settings, Application(build_services(settings)), Office(database=database, sealer=sealer))

    @property
    def services(self) -> Services:
        """What the views work with."""
        return self.app.services

    def restarted(self) -> Self:
        """Return the house after every worker was started anew over the same stores."""
        self.services.close()
        return type(self)(self.settings, Application(build_services(self.settings)), self.office)

    def browser(self) -> Client:
        """Return a browser that has never been here; it goes nowhere else."""
        return Client(self.app)

    def registers_portal(self, **metadata: Any) -> Portal:
        """Register a relying party, by default of the profile `web` with private_key_jwt and refresh tokens."""
        return Portal.registered(self, **metadata)

    def registers_citizen(self, *, account_level: int = 2, **person: str) -> ACitizen:
        """Put a person into the register and issue an activation code."""
        number = new_number()
        self.office.registers(number=number, person=a_person(**person))
        code = self.office.issues_code(number=number, account_level=account_level)
        return ACitizen(house=self, number=number, code=code, browser=self.browser())


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
    http: Client = field(init=False)

    def __post_init__(self) -> None:
        """Portals call from servers, not from browsers."""
        self.http = Client(self.house.app, use_cookies=False)

    @classmethod
    def registered(cls, house: House, **metadata: Any) -> Self:
        """Register with the metadata of RFC 7591 and ours."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        portal = cls(house, f"portal-{secrets.token_hex(6)}", key)
        profile = metadata.pop("profile", "web")
        secret_hash = metadata.pop("secret_hash", None)
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
        portal.redirect_uri = complete["redirect_uris"][0]
        store = SqlRelyingParties(house.office.database)
        stored = StoredClient(portal.client_id, profile, complete, secret_hash, "approved", clock.now(), None)
        store.put(stored, event=ClientAdded(actor="operator", client_id=portal.client_id, profile=profile))
        return portal

    def assertion(self, **claims: Any) -> str:
        """Sign a client assertion (RFC 7523 section 3)."""
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
        return jwt.encode(kept, self.key, algorithm="ES256", headers={"kid": "k1"})

    def authentication(self, **claims: Any) -> dict[str, str]:
        """Return the form fields of private_key_jwt."""
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(**claims),
        }

    def post(self, path: str, **form: str) -> TestResponse:
        """Send a form, authenticated."""
        return self.http.post(path, data={**self.authentication(), **form})

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
        return Login(self, {name: value for name, value in complete.items() if value}, verifier)

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
        return self.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})

    def reads_id_token(self, token: str, **options: Any) -> dict[str, Any]:
        """Verify an ID token against the published JWKS with PyJWT, not with our own intake."""
        keys = jwt.PyJWKSet.from_dict(orjson.loads(self.http.get("/jwks").data))
        header = jwt.get_unverified_header(token)
        found = next(key for key in keys.keys if key.key_id == header["kid"])
        claims: dict[str, Any] = jwt.decode(
            token, found.key, algorithms=[header["alg"]], audience=self.client_id, issuer=ISSUER, **options
        )
        return claims


@dataclass
class Login:
    """One authorization request on its way."""

    portal: Portal
    parameters: dict[str, str]
    verifier: str

    def pushed(self) -> Login:
        """Push the request (RFC 9126) and go on with its request_uri."""
        response = self.portal.post("/par", **self.parameters)
        assert response.status_code == 201, response.text
        uri = response.json["request_uri"]
        return Login(self.portal, {"client_id": self.portal.client_id, "request_uri": uri}, self.verifier)

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


@dataclass
class ACitizen:
    """A person with a browser and an authenticator."""

    house: House
    number: PersonalNumber
    code: str
    browser: Client
    authenticator: SoftwareAuthenticator = field(default_factory=SoftwareAuthenticator)

    def activates(self, tx: str | None = None) -> TestResponse:
        """Go through activation to the first passkey; return the last answer."""
        tx = tx or TX.search(self.browser.get("/activate").headers["Location"])[1]  # type: ignore[index]
        token = self._csrf(f"/activate?tx={tx}")
        form = {"tx": tx, "number": self.number.digits, "code": self.code, "csrf_token": token}
        started = self.browser.post("/activate", data=form, headers=self._own)
        assert started.status_code == 303, started.text
        options = self._script("/activate/passkey/options", {"tx": tx}, token)
        assert options.status_code == 200, options.text
        credential = self.authenticator.register(options.json, origin=ISSUER)
        return self._script("/activate/passkey/verify", {"tx": tx, "credential": credential, "name": "Máy"}, token)

    def signs_in(self, tx: str, *, origin: str = ISSUER, **changes: Any) -> TestResponse:
        """Use the passkey on the login page of a transaction; return the answer of the script's call."""
        token = self._csrf(f"/login?tx={tx}")
        options = self._script("/login/passkey/options", {"tx": tx, **changes}, token)
        credential = self.authenticator.sign_in(options.json, origin=origin)
        return self._script("/login/passkey/verify", {"tx": tx, "credential": credential}, token)

    def opens(self, login: Login) -> TestResponse:
        """Follow a portal's link."""
        return self.browser.get(login.url)

    def agrees(self, tx: str, *ticked: str, answer: str = "agree") -> TestResponse:
        """Read the consent page and answer it; return where that leads."""
        html = self.browser.get(f"/consent?tx={tx}").text
        form = {name: self._field(html, name) for name in ("tx", "shown", "csrf_token")}
        return self.browser.post("/consent", data={**form, "item": list(ticked), "answer": answer}, headers=self._own)

    def arrives(self, login: Login, *ticked: str) -> TestResponse:
        """Do whatever it takes to get back to the portal: log in, agree."""
        answer = self.opens(login)
        for _ in range(6):
            location = answer.headers["Location"]
            if not location.startswith("/"):
                return answer
            tx = TX.search(location)[1]  # type: ignore[index]
            if location.startswith("/login"):
                signed = self.signs_in(tx)
                assert signed.status_code == 200, signed.text
                answer = self.browser.get(signed.json["next"])
            elif location.startswith("/consent"):
                answer = self.agrees(tx, *ticked)
            else:
                answer = self.browser.get(location)
        raise AssertionError(f"the login goes in circles: {answer.headers['Location']}")

    _own = {"Origin": ISSUER}  # noqa: RUF012  what a browser adds to each of its posts

    def _script(self, path: str, body: dict[str, Any], token: str) -> TestResponse:
        headers = {**self._own, "X-CSRFToken": token, "Content-Type": "application/json"}
        return self.browser.post(path, data=orjson.dumps(body), headers=headers)

    def _csrf(self, path: str) -> str:
        return self._field(self.browser.get(path).text, "csrf_token")

    @staticmethod
    def _field(html: str, name: str) -> str:
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', html) or re.search(
            rf'value="([^"]*)"[^>]*name="{name}"', html
        )
        assert found, f"no field {name} in {html[:2000]}"
        return found[1]


def wait_for(seconds: float) -> None:
    """Let real time pass."""
    time.sleep(seconds)
