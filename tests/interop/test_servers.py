"""Portals of others that are servers: they log citizens in, and hear when Sen says that a session is over."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest
from joserfc.jwk import RSAKey

from tests.interop.programs import HERE
from tests.interop.servers import apache, started
from tests.support.demo import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.interop.citizen import Citizen
    from tests.interop.programs import Provider
    from tests.interop.servers import Server

NAME = "Nguyễn Thị Hoa"


@pytest.fixture
def express(provider: Provider, ports: dict[str, int], tmp_path: Path) -> Iterator[Server]:
    """Give the Express portal."""
    command = ["node", str(HERE / "node" / "express.mjs")]
    with started(command, port=ports["express"], folder=tmp_path, environ=provider.environ("express")) as server:
        yield server


def apache_values(provider: Provider, name: str) -> dict[str, str]:
    """Return what the configuration of Apache as this client is filled in with."""
    client = json.loads((provider.folder / f"{name}.json").read_text(encoding="utf-8"))
    (key,) = client["jwks"]["keys"]
    return {
        "issuer": provider.issuer,
        "authority": provider.authority.read_text(encoding="ascii"),
        "client_id": name,
        "client_secret": client["client_secret"],
        "passphrase": secrets.token_urlsafe(24),
        "kid": key["kid"],
        "private_key": RSAKey.import_key(key).as_pem(private=True).decode(),
    }


def test_express_openid_connect_logs_in_and_out(express: Server, citizen: Citizen) -> None:
    assert "Nobody" in citizen.visits(express.url)
    assert NAME in citizen.visits(f"{express.url}/login")
    assert NAME in citizen.visits(express.url)
    citizen.leaves_by(f"{express.url}/logout", back_at=express.url)
    assert "Nobody" in citizen.visits(express.url)


def test_express_openid_connect_hears_of_a_logout_elsewhere(express: Server, citizen: Citizen) -> None:
    assert NAME in citizen.visits(f"{express.url}/login")
    citizen.logs_out_at_sen()
    assert until(lambda: "Nobody" in citizen.visits(express.url))
    assert NAME in citizen.visits(f"{express.url}/login")  # and a new login is not taken for the old one


@pytest.mark.parametrize("channel", ["back", "front"])
def test_mod_auth_openidc_logs_in_and_hears_of_a_logout(
    channel: str, provider: Provider, ports: dict[str, int], citizen: Citizen
) -> None:
    name = f"apache-{channel}"
    with apache(port=ports[name], values=apache_values(provider, name)) as server:
        assert NAME in citizen.visits(server.url)
        citizen.logs_out_at_sen()
        assert until(lambda: citizen.is_asked_to_log_in(server.url))
        assert NAME in citizen.visits(server.url)
