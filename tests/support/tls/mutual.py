"""A house behind a front that asks for client certificates, and relying parties that show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.house import House
from tests.support.portal import Portal
from tests.support.tls.certificates import Issuer, Paper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.support.valkey import ValkeyServer

SUBJECT = "CN=portal.example,O=Cơ quan thử nghiệm,C=VN"
FORGED = "sen_certificates_refused_total"
MTLS_BASE = "https://localhost:8444"
FRONT_SECRET = "the front of these tests, 32 chars".replace(" ", "-")


@dataclass
class MutualPortal(Portal):
    """A relying party that comes over mutual TLS, as the front tells it; `paper` is what it shows."""

    paper: Paper | None = None
    host: str = "localhost:8444"
    front: dict[str, str] = field(default_factory=lambda: {"Sen-Front": FRONT_SECRET})

    def authentication(self, **claims: Any) -> dict[str, str]:
        """Name itself, where the certificate is the proof."""
        if self.method in {"tls_client_auth", "self_signed_tls_client_auth"}:
            return {"client_id": self.client_id}
        return super().authentication(**claims)

    @property
    def headers(self) -> dict[str, str]:
        """What the front puts before each request."""
        shown = {} if self.paper is None else self.paper.as_escaped_pem
        return {"Host": self.host, **self.front, **shown}

    def post(self, path: str, **form: str) -> TestResponse:
        """Send a form over mutual TLS."""
        return self.http.post(path, data={**self.authentication(), **form}, headers=self.headers)

    def asks_userinfo(self, token: str) -> TestResponse:
        """Ask for the claims over mutual TLS."""
        return self.http.get("/userinfo", headers={"Authorization": f"Bearer {token}", **self.headers})


@dataclass(frozen=True, slots=True)
class Mutual:
    """A house behind a front that asks for certificates, and the authority that it believes."""

    house: House
    issuer: Issuer

    def portal(self, paper: Paper | None, **metadata: Any) -> MutualPortal:
        """Register a relying party that is known by its subject, and let it show a certificate."""
        named = {} if any(name.startswith("tls_client_auth_") for name in metadata) else {
            "tls_client_auth_subject_dn": SUBJECT
        }  # fmt: skip
        portal = MutualPortal.registered(
            self.house, **{"token_endpoint_auth_method": "tls_client_auth", **named, **metadata}
        )
        portal.paper = paper
        return portal

    def self_signed(self, paper: Paper) -> MutualPortal:
        """Register a relying party whose key set holds this certificate."""
        portal = MutualPortal.registered(
            self.house, token_endpoint_auth_method="self_signed_tls_client_auth", jwks={"keys": [paper.jwk]}
        )
        portal.paper = paper
        return portal

    def counted(self, reason: str) -> float:
        """Return how often a certificate was not believed for this reason."""
        for line in self.house.services.metrics.render().decode().splitlines():
            if line.startswith(FORGED) and f'"{reason}"' in line:
                return float(line.rpartition(" ")[2])
        return 0.0


@pytest.fixture(scope="session")
def mutual(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[Mutual]:
    folder: Path = tmp_path_factory.mktemp("mutual")
    issuer = Issuer.alone()
    authorities = folder / "authorities.pem"
    authorities.write_bytes(issuer.certificate_pem)
    house = House.build(
        folder=folder,
        redis_url=lone_valkey.url,
        SEN_FRONT__SECRET=FRONT_SECRET,
        SEN_FRONT__MTLS_BASE=MTLS_BASE,
        SEN_FRONT__CLIENT_AUTHORITIES=str(authorities),
    )
    # The counters' library writes into the folder of the newest house of this process: begin each counter right now.
    browser, garbage = house.browser(), {"Client-Cert": "garbage"}
    assert browser.get("/jwks", headers=garbage).status_code == 200
    assert browser.get("/jwks", headers={"Sen-Front": FRONT_SECRET, **garbage}).status_code == 400
    yield Mutual(house, issuer)
    house.services.close()
