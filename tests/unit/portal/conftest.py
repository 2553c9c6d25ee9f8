"""The demo portal, loaded as `python examples/portal/portal.py` loads it, beside a provider of its own."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from joserfc import jwk

from tests.support.foreign.lying_provider import CLIENT_ID, Provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from flask.testing import FlaskClient

ROOT = Path(__file__).parents[3]
PORTAL = ROOT / "examples" / "portal"
PURPOSES = ROOT / "config" / "purposes.toml"
MODULES = ("portal", "pages", "memory", "logout_receiver", "step_up", "server")


@pytest.fixture
def portal_key() -> jwk.ECKey:
    return jwk.ECKey.generate_key("P-256", {"kid": "portal-1", "alg": "ES256"})


@pytest.fixture
def provider(portal_key: jwk.ECKey) -> Iterator[Provider]:
    with Provider(portal_key=portal_key) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def portal(
    provider: Provider, portal_key: jwk.ECKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"client_id": CLIENT_ID, "private_jwk": portal_key.as_dict(private=True)}))
    monkeypatch.setenv("PORTAL_CLIENT_FILE", str(file))
    monkeypatch.setenv("PORTAL_ISSUER", provider.issuer)
    monkeypatch.setenv("PORTAL_PURPOSES", str(PURPOSES))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.syspath_prepend(str(PORTAL))
    yield importlib.import_module("portal")
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def browser(portal: ModuleType) -> FlaskClient:
    client: FlaskClient = portal.app.test_client()
    return client
