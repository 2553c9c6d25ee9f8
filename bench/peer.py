"""The peer's arm: npm `oidc-provider` with a Redis adapter, on Node from npm, installed here on first use."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec

from bench.arm import Arm
from bench.chain import Chain, Provider, expect
from bench.processes import Server
from bench.relying_party import REDIRECT_URI, RESOURCE, RESOURCE_SCOPE, RelyingParties, private_jwk
from bench.wire import ask, get
from tests.support.valkey import ValkeyServer, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).resolve().parent / "peer"
MODULES = FOLDER / "node_modules"
NODE = MODULES / ".bin" / "node"
SCOPE = "openid profile email phone"
INSTALL_SECONDS = 300
MOST_REDIRECTS = 4


def versions() -> dict[str, str]:
    """Return the exact versions that package.json names."""
    found: dict[str, str] = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    return found


def install(say: Callable[[str], None]) -> None:
    """Install the peer from npm where it is not there yet.

    Raises:
        RuntimeError: there is no npm, or it fails; the text says what to type.
    """
    if all(_installed(name) == version for name, version in versions().items()) and NODE.exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("The peer needs npm: install it (Debian: apt-get install npm) and start again.")
    say("Installing the peer from npm (once, about 190 MB) ...")
    command = [npm, "install", "--no-package-lock", "--no-fund", "--no-audit"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode or not NODE.exists():
        raise RuntimeError(f"npm did not install the peer; type `npm install` in bench/peer to see why.\n{done.stderr}")


def _installed(name: str) -> str | None:
    file = MODULES / name / "package.json"
    return json.loads(file.read_text())["version"] if file.exists() else None


def _clients(parties: RelyingParties) -> list[dict[str, Any]]:
    """Return the metadata of a portal, of a system with a key, and of one with a secret."""
    by_key = {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"}
    system = {
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
        "id_token_signed_response_alg": "ES256",
        "scope": RESOURCE_SCOPE,
    }
    portal = {
        **by_key,
        "client_id": parties.portal.client_id,
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "id_token_signed_response_alg": "ES256",
        "subject_type": "pairwise",
        "jwks": parties.portal.jwks,
    }
    secret = parties.system_by_secret
    return [
        portal,
        {**system, **by_key, "client_id": parties.system.client_id, "jwks": parties.system.jwks},
        {
            **system,
            "client_id": secret.client_id,
            "client_secret": secret.secret,
            "token_endpoint_auth_method": "client_secret_basic",
        },
    ]


def start(*, parties: RelyingParties, valkey: ValkeyServer, folder: Path, starts: int, people: int) -> Arm:
    """Start the peer as often as its cold start is to be measured, and let people log in at the last one."""
    (port,) = free_ports(1)
    environ = {
        "NODE_ENV": "production",
        "PEER_PORT": str(port),
        "PEER_REDIS_SOCKET": valkey.options["unixsocket"],
        "PEER_CLIENTS": json.dumps(_clients(parties)),
        "PEER_RESOURCE": RESOURCE,
        "PEER_RESOURCE_SCOPE": RESOURCE_SCOPE,
        "PEER_SIGNING_KEY": json.dumps(private_jwk(ec.generate_private_key(ec.SECP256R1()), kid="peer-1")),
        "PEER_COOKIE_SECRET": secrets.token_urlsafe(32),
    }
    times: list[float] = []
    for number in range(starts):
        server = Server.start(
            command=[str(NODE), str(FOLDER / "provider.mjs")],
            environ=environ,
            ready_url=f"http://127.0.0.1:{port}/.well-known/openid-configuration",
            log=folder / "peer.log",
        )
        times.append(server.cold_start_seconds)
        if number < starts - 1:
            server.stop()
    name = f"oidc-provider {versions()['oidc-provider']}"
    arm = Arm(name=name, server=server, port=port, scope=SCOPE, stores={"Valkey": [valkey.pid]}, starts_seconds=times)
    try:
        arm.cookies = _log_in(arm, parties=parties, people=people)
    except BaseException:
        server.stop()
        raise
    return arm


def _log_in(arm: Arm, *, parties: RelyingParties, people: int) -> list[str]:
    """Let people log in and agree once; return the Cookie header that each browser has then."""
    chain = Chain(arm, parties, Provider.discover(arm))
    asked, uris, _ = chain.push(people)
    cookies = []
    for one, uri in zip(asked, uris, strict=True):
        jar: dict[str, str] = {}
        path = chain.authorize_path(uri)
        for _ in range(MOST_REDIRECTS):
            header = "; ".join(f"{name}={value}" for name, value in jar.items())
            (answer,) = ask([get(path, host=arm.host, headers={"Cookie": header} if jar else {})], port=arm.port)
            jar |= answer.cookies()
            expect(answer, 303)
            location = answer.header("location") or ""
            if location.startswith(REDIRECT_URI):
                break
            path = location.removeprefix(arm.issuer)
        chain.code_of(answer, asked=one)
        kept = {name: value for name, value in jar.items() if name.startswith("_session")}
        cookies.append("; ".join(f"{name}={value}" for name, value in kept.items()))
    return cookies
