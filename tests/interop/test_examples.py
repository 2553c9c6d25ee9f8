"""examples/: one relying party per profile, as they stand there; `web` is the portal that `sen demo` itself starts."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.interop.programs import a_line
from tests.interop.servers import started
from tests.support.demo import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.citizen import Citizen
    from tests.interop.programs import Provider
    from tests.support.running import Running

EXAMPLES = ROOT / "examples"
NAME = "Nguyễn Thị Hoa"


@pytest.mark.parametrize(("profile", "path"), [("fapi2", "/login"), ("fapi2-signing", "/")])
def test_the_portal_of_a_strict_profile_logs_a_citizen_in(
    profile: str, path: str, provider: Provider, ports: dict[str, int], citizen: Citizen, tmp_path: Path
) -> None:
    command, environ = ["node", str(EXAMPLES / profile / "portal.mjs")], provider.environ(f"example-{profile}")
    with started(command, port=ports[profile], folder=tmp_path, environ=environ) as server:
        assert NAME in citizen.visits(server.url + path)
        if profile == "fapi2":
            citizen.leaves_by(f"{server.url}/logout", back_at=f"{server.url}/")
            assert "Nobody" in citizen.visits(server.url)


def test_the_portal_of_the_profile_web_logs_a_citizen_in(running: Running, citizen: Citizen) -> None:
    page = citizen.visits(f"{running.portal}/start/login")
    assert NAME in page


def test_the_app_logs_a_citizen_in(provider: Provider, citizen: Citizen) -> None:
    command, environ = ["node", str(EXAMPLES / "native" / "app.mjs")], provider.environ("example-native")
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as app:
        try:
            assert "close this page" in citizen.visits(a_line(app, "Open "))
            rest, _nothing = app.communicate(timeout=120)
        finally:
            app.kill()
    assert app.returncode == 0, rest
    assert NAME in rest


def test_the_television_is_logged_in_by_a_code(provider: Provider, citizen: Citizen) -> None:
    party = json.loads((provider.folder / "television.json").read_text(encoding="utf-8"))
    told = {"ISSUER": provider.issuer, "CLIENT_ID": party["client_id"], "CLIENT_SECRET": party["client_secret"]}
    command = [sys.executable, str(EXAMPLES / "television" / "television.py")]
    environ = provider.environ("television", **told)
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as device:
        try:
            address, _and, code = a_line(device, "Open ").partition(" and enter the code: ")
            citizen.enters(url=address, code=code)
            rest, _nothing = device.communicate(timeout=120)
        finally:
            device.kill()
    assert device.returncode == 0, rest
    assert "Welcome, " in rest


def test_the_nightly_job_gets_a_token(provider: Provider) -> None:
    command = [sys.executable, str(EXAMPLES / "machine" / "nightly.py")]
    done = subprocess.run(
        command, env=provider.environ("example-machine"), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "A token for https://statistics.example/" in done.stdout
