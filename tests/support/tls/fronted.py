"""A real nginx before a running `sen demo --tls`, relying parties from a file, and people who ask through it."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

from tests.support.portal import pkce
from tests.support.running import Running
from tests.support.tls.certificates import Issuer, Paper, a_name, issue
from tests.support.tls.slow import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALLBACK = "https://portal.example/callback"
MUTUAL, SELF_SIGNED, ELSEWHERE = "mutual", "self-signed", "elsewhere"
ASKED: Final = {
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid service:login",
    "code_challenge_method": "S256",
}


@dataclass(frozen=True, slots=True)
class Fronted:
    """A running `sen demo --tls`, and certificates to come with."""

    running: Running
    own: Paper
    foreign: Paper

    @property
    def tls(self) -> Path:
        """Where certificates lie."""
        return self.running.demo.folder / "var" / "tls"

    @property
    def base(self) -> str:
        """Where certificates are asked for."""
        return f"https://localhost:{self.running.demo.port + 1}"

    def ask(self, address: str, *, paper: str | None = None, **options: Any) -> requests.Response:
        """Send a request, with `var/tls/PAPER.pem` where that is named."""
        shown = None if paper is None else (str(self.tls / f"{paper}.pem"), str(self.tls / f"{paper}.key"))
        method = options.pop("method", "POST" if "data" in options else "GET")
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                address,
                verify=str(self.tls / "ca.pem"),
                cert=shown,
                timeout=PATIENCE_SECONDS,
                allow_redirects=False,
                **options,
            )

    def pushes(self, client_id: str, *, base: str, paper: str | None = None, **headers: str) -> requests.Response:
        """Push a request as one of the registered relying parties."""
        _verifier, challenge = pkce()
        asked = {**ASKED, "client_id": client_id, "code_challenge": challenge}
        return self.ask(f"{base}/par", paper=paper, data=asked, headers=headers)

    @contextmanager
    def handshake(self, *, to: str | None = None, port: int | None = None, **changes: Any) -> Iterator[ssl.SSLSocket]:
        """Shake hands with a context that is changed so."""
        context = ssl.create_default_context(cafile=self.tls / "ca.pem")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what is tried here
            context.set_ciphers(changes.pop("ciphers", "DEFAULT"))
            for name, value in changes.items():
                setattr(context, name, value)
        context.set_alpn_protocols(["h2"] if to == "h2" else ["http/1.1"])
        address = ("127.0.0.1", port or self.running.demo.port)
        with (
            socket.create_connection(address, timeout=PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            yield secured


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """Start one, with relying parties from a file."""
    folder = tmp_path_factory.mktemp("front")
    own, issuer = issue(subject=a_name("portal.example"), by=None), Issuer.alone("Somebody else's authority")
    foreign = issuer.client("elsewhere.example")
    common = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code"], "scope": "openid"}
    by_name = {**common, "token_endpoint_auth_method": "tls_client_auth"}
    private = {"d": secrets.token_urlsafe(32)}  # of another key, and not for us
    loaded = {
        "clients": [
            {**by_name, "client_id": MUTUAL, "tls_client_auth_subject_dn": "CN=portal.example"},
            {
                **by_name,
                "client_id": ELSEWHERE,
                "tls_client_auth_subject_dn": "CN=elsewhere.example,O=Cơ quan thử nghiệm,C=VN",
            },
            {
                **common,
                "client_id": SELF_SIGNED,
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
                "jwks": {"keys": [{**own.jwk, **private}]},
            },
        ],
        "certificate_authorities": [issuer.certificate_pem.decode()],
    }
    (folder / "clients.json").write_text(json.dumps(loaded), encoding="utf-8")
    running = Running.start(folder, options=("--tls", "--clients", "clients.json"))
    for name, paper in (("own", own), ("foreign", foreign)):
        (folder / "var" / "tls" / f"{name}.pem").write_bytes(paper.certificate_pem)
        (folder / "var" / "tls" / f"{name}.key").write_bytes(paper.key_pem)
    yield Fronted(running, own, foreign)
    running.end()
