"""A relying party that registers itself over the wire, and the office that lets it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select
from werkzeug.test import Client

from idp import clock
from idp.audit.events import ClientAdded, ClientMoved, RegistrationTokenIssued
from idp.audit.log import new_id
from idp.relying_parties.store import Allowance, InitialToken
from idp.storage.sql.relying_parties import SqlRegistrations, SqlRelyingParties
from idp.storage.sql.tables import relying_party
from tests.support.portal import Portal, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import House

OWNER = {"name#vi": "Cơ quan thử nghiệm", "name#en": "Test authority"}
REDIRECT = "https://portal.example/callback"


def public_jwk(key: ec.EllipticCurvePrivateKey, *, kid: str = "k1", use: str = "sig") -> dict[str, Any]:
    """Return a key's public half as a JWK."""
    public: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "use": use, "kid": kid} | ({"alg": "ES256"} if use == "sig" else {})


def gives_token(
    house: House,
    *,
    profiles: tuple[str, ...] = ("web",),
    purposes: tuple[str, ...] = ("login",),
    uses: int = 1,
    seconds: int = 3600,
    approved: bool = True,
    **more: Any,
) -> str:
    """Make an initial access token, as `sen client token` does; `more` are further permissions of an Allowance."""
    token, now = secrets.token_urlsafe(32), clock.now()
    allowance = Allowance(profiles, purposes, OWNER, approved, **more)
    kept = InitialToken(new_id(), allowance, uses, now, now + timedelta(seconds=seconds))
    event = RegistrationTokenIssued(
        actor="operator",
        object=kept.id,
        uses=uses,
        profiles=" ".join(profiles),
        approved=approved,
        public_subject=allowance.public_subject,
    )
    SqlRegistrations(house.office.database).issue(kept, token_hash=sha256(token.encode()).digest(), event=event)
    return token


def moves(house: House, client_id: str, *, status: str) -> None:
    """Approve or suspend, as the operator does."""
    event = ClientMoved(actor="operator", client_id=client_id, object=client_id, status=status, reason="test")
    store = SqlRelyingParties(house.office.database)
    seen = store.get(client_id=client_id)
    assert seen is not None
    assert store.move(seen, status=status, event=event)
    house.services.provider.directory.forget(client_id)


def officer_sets(registrant: Registrant, *, secret: str | None = None, **said: Any) -> None:
    """Set members of its metadata and a new secret, as `sen client add FILE.json` does; None takes a member away."""
    store = SqlRelyingParties(registrant.house.office.database)
    seen = store.get(client_id=registrant.told["client_id"])
    assert seen is not None
    event = ClientAdded(actor="operator", client_id=seen.client_id, object=seen.client_id, profile=seen.profile)
    metadata = {name: value for name, value in {**seen.metadata, **said}.items() if value is not None}
    secret_hash = sha256(secret.encode()).digest() if secret else seen.secret_hash
    put = replace(seen, profile=metadata["profile"], metadata=metadata, secret_hash=secret_hash, status="approved")
    store.put(put, event=event)
    registrant.house.services.provider.directory.forget(seen.client_id)


def count_registered(house: House) -> int:
    """Return how many relying parties there are."""
    found: int = house.office.database.consult(
        lambda connection: connection.execute(select(func.count()).select_from(relying_party)).scalar_one()
    )
    return found


def is_refused(response: TestResponse, *, status: int, code: str) -> bool:
    """Tell whether an answer is this refusal and says nothing else."""
    body = members(response)
    assert (response.status_code, body["error"]) == (status, code), response.text
    assert set(body) == {"error", "error_description"}
    return True


def sector_of(registrant: Registrant) -> str:
    """Return what the `sub` of a relying party's citizens is made for."""
    found = registrant.house.services.provider.directory.find(registrant.told["client_id"])
    assert found is not None
    return found.sector


@dataclass
class Registrant:
    """A relying party with a key; `told` is the last answer about its registration."""

    house: House
    token: str | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def http(self) -> Client:
        """Servers call, not browsers."""
        return Client(self.house.app, use_cookies=False)

    @property
    def metadata(self) -> dict[str, Any]:
        """What it says about itself where a test says nothing else."""
        return {"redirect_uris": [REDIRECT], "client_name": "Cổng tự đăng ký"}

    @property
    def jwks(self) -> dict[str, Any]:
        """Its key set."""
        return {"keys": [public_jwk(self.key)]}

    def sends(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> TestResponse:
        """Send JSON, with a bearer token where there is one."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = None if body is None else orjson.dumps(body)
        kind = None if body is None else "application/json"
        return self.http.open(path, method=method, data=data, content_type=kind, headers=headers)

    def registers(self, **metadata: Any) -> TestResponse:
        """Register (RFC 7591 section 3.1); a member that is None is left out."""
        sent = {name: value for name, value in {**self.metadata, **metadata}.items() if value is not None}
        return self._keeps(self.sends("POST", "/register", sent, token=self.token))

    def registered(self, **metadata: Any) -> Registrant:
        """Register, and be taken."""
        response = self.registers(**metadata)
        assert response.status_code == 201, response.text
        return self

    def reads(self, *, token: str | None = None) -> TestResponse:
        """Read its registration (RFC 7592 section 2.1)."""
        return self.sends("GET", self.path, token=token or self.told["registration_access_token"])

    def changes(self, *, token: str | None = None, **metadata: Any) -> TestResponse:
        """Replace its registration (RFC 7592 section 2.2); a member that is None is left out."""
        complete = {**self.metadata, "client_id": self.told["client_id"], **metadata}
        sent = {name: value for name, value in complete.items() if value is not None}
        return self._keeps(self.sends("PUT", self.path, sent, token=token or self.told["registration_access_token"]))

    def ends(self, *, token: str | None = None) -> TestResponse:
        """End its registration (RFC 7592 section 2.3)."""
        return self.sends("DELETE", self.path, token=token or self.told["registration_access_token"])

    @property
    def path(self) -> str:
        """Its registration_client_uri, as a path."""
        return str(self.told["registration_client_uri"]).removeprefix(self.house.settings.server.issuer)

    def as_portal(self) -> Portal:
        """Return the relying party that it has become."""
        told = self.told
        portal = Portal(self.house, told["client_id"], self.key, told["redirect_uris"][0])
        portal.method = told["token_endpoint_auth_method"]
        portal.secret = told.get("client_secret", "")
        return portal

    def _keeps(self, response: TestResponse) -> TestResponse:
        if response.status_code in {200, 201}:
            self.told = {"client_secret": self.told.get("client_secret", ""), **members(response)}
        return response
