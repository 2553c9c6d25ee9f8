"""Demo portal of `sen demo`: its private key, its registration, and how its program is started."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec

from idp.audit.log import new_id
from idp.cli import clients
from idp.settings import data_folder
from keys import compact, thumbprint

if TYPE_CHECKING:
    from pathlib import Path

    from idp.cli.office import Office

CLIENT_FILE = "demo-portal.json"
USUAL_URL = "http://localhost:8001"
COORDINATE_BYTES = 32


def prepare(*, office: Office, folder: Path, url: str) -> Path:
    """See that the portal has a key of its own and is registered as examples/portal/client.json says.

    Returns the file with its client_id and private key, which only its owner may read.
    """
    file = folder / CLIENT_FILE
    own = _read(file) or _make(file)
    public = {name: own["private_jwk"][name] for name in ("kty", "crv", "x", "y", "kid", "alg", "use")}
    text = (data_folder("portal") / "client.json").read_text(encoding="utf-8").replace(USUAL_URL, url)
    metadata = {**json.loads(text), "client_id": own["client_id"], "jwks": {"keys": [public]}}
    client, _no_secret = clients.prepare(metadata, office=office)
    former = office.relying_parties.get(client_id=client.client_id)
    if former is None or former.metadata != client.metadata:
        clients.register(client, office=office)
    return file


def command() -> list[str]:
    """Return the command line of the portal's program."""
    return [sys.executable, str(data_folder("portal") / "portal.py")]


def environ(*, client_file: Path, issuer: str, url: str, port: int, authority: Path | None = None) -> dict[str, str]:
    """Return the environment of the portal's program; nothing of Sen's own settings is in it.

    `authority` is the certificate that it believes beside a development issuer's https address.
    """
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("SEN_")}
    believed = {} if authority is None else {"REQUESTS_CA_BUNDLE": str(authority)}
    return (
        foreign
        | believed
        | {
            "PORTAL_CLIENT_FILE": str(client_file),
            "PORTAL_ISSUER": issuer,
            "PORTAL_PARENT": str(os.getpid()),
            "PORTAL_PORT": str(port),
            "PORTAL_PURPOSES": str(data_folder("config") / "purposes.toml"),
            "PORTAL_URL": url,
            "PYTHONDONTWRITEBYTECODE": "1",  # it may lie in a folder that is not ours to write to
        }
    )


def _read(file: Path) -> dict[str, Any] | None:
    """Return what an earlier run made, or None."""
    try:
        own: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return own if own.keys() >= {"client_id", "private_jwk"} else None


def _make(file: Path) -> dict[str, Any]:
    """Make a key pair on P-256 (RFC 7518 section 6.2) and keep it."""
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    x, y, d = (
        compact.encode(number.to_bytes(COORDINATE_BYTES, "big")).decode()
        for number in (numbers.public_numbers.x, numbers.public_numbers.y, numbers.private_value)
    )
    public = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    private_jwk = {**public, "d": d, "kid": thumbprint(public), "alg": "ES256", "use": "sig"}
    own = {"client_id": new_id(), "private_jwk": private_jwk}
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(own, out, indent=2)
    return own
