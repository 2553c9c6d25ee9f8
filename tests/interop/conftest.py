"""One `sen demo --tls` for all programs, with their relying parties; one citizen, who stays logged in between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.interop import clients
from tests.interop.citizen import Citizen
from tests.interop.landing import Landing
from tests.interop.programs import Provider
from tests.support.running import Running
from tests.support.valkey import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

SERVERS = ("express", "apache-back", "apache-front", "fapi2", "fapi2-signing", "ciba-ping")
SETTINGS = {
    "SEN_TOKENS__DPOP_NONCE": "true",
    "SEN_DEVICE__INTERVAL_SECONDS": "1",
    "SEN_CIBA__INTERVAL_SECONDS": "1",
}
"""Every DPoP proof has to carry a nonce, the strictest that Sen can be set to; and who polls need not wait for long."""


@pytest.fixture(scope="session")
def landing() -> Iterator[Landing]:
    """Give the address that browsers come back to."""
    landing = Landing.open()
    yield landing
    landing.close()


@pytest.fixture(scope="session")
def client_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which every client has its file."""
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="session")
def ports() -> dict[str, int]:
    """Give the port of each relying party that is a server."""
    return dict(zip(SERVERS, free_ports(len(SERVERS)), strict=True))


@pytest.fixture(scope="session")
def running(
    tmp_path_factory: pytest.TempPathFactory, client_folder: Path, landing: Landing, ports: dict[str, int]
) -> Iterator[Running]:
    """Give Sen behind nginx."""
    examples = clients.of_examples(client_folder, ports=ports)
    listed = clients.write(client_folder, callback=f"{landing.url}/callback", ports=ports, examples=examples)
    started = Running.start(tmp_path_factory.mktemp("sen"), options=("--tls", "--clients", str(listed)), **SETTINGS)
    yield started
    started.end()


@pytest.fixture(scope="session")
def provider(running: Running, client_folder: Path) -> Provider:
    """Give what every program is told."""
    return Provider(running.issuer, running.demo.folder / "var" / "tls" / "ca.pem", client_folder)


@pytest.fixture(scope="session")
def citizen(chromium: Browser, running: Running, landing: Landing) -> Iterator[Citizen]:
    """Give somebody with an account."""
    arrived = Citizen.arrives(chromium, running, landing=landing)
    yield arrived
    arrived.someone.leaves()
