"""The demo portal as a process: it says what is missing, it stops when told to, and it never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests
from joserfc import jwk

from tests.support.valkey import free_ports

PROGRAM = str(Path(__file__).parents[3] / "examples" / "portal" / "portal.py")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    key = jwk.ECKey.generate_key("P-256", {"kid": "portal-1", "alg": "ES256"})
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"client_id": "the-portal", "private_jwk": key.as_dict(private=True)}))
    (port,) = free_ports(1)
    return os.environ | {"PORTAL_CLIENT_FILE": str(file), "PORTAL_PORT": str(port), "NO_PROXY": "127.0.0.1"}


def wait_until_it_answers(environment: dict[str, str]) -> None:
    """Return when the start page is there; fail after a long while."""
    end = time.monotonic() + 100
    while time.monotonic() < end:
        try:
            page = requests.get(f"http://127.0.0.1:{environment['PORTAL_PORT']}/", timeout=60)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            assert page.status_code == 200
            return
    pytest.fail("the portal did not answer")


def test_it_answers_quietly_and_stops_when_told_to(environment: dict[str, str]) -> None:
    command = [sys.executable, PROGRAM]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as portal:
        wait_until_it_answers(environment)
        portal.send_signal(signal.SIGTERM)
        output, _ = portal.communicate(timeout=60)
    assert portal.returncode == 0
    assert output == b""


def test_it_never_outlives_its_parent(environment: dict[str, str]) -> None:
    start = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); print(p.pid, flush=True); p.wait()"
    command = [sys.executable, "-c", start, sys.executable, PROGRAM]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        portal = psutil.Process(int(parent.stdout.readline()))
        wait_until_it_answers(environment)
        parent.kill()
    gone, alive = psutil.wait_procs([portal], timeout=60)
    assert (len(gone), alive) == (1, [])


def test_without_its_registration_it_says_what_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PORTAL_CLIENT_FILE"}
    ended = subprocess.run([sys.executable, PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "PORTAL_CLIENT_FILE" in ended.stderr
