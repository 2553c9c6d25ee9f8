"""`sen outbox`, and the worker's process that empties what it shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.flows.operation.test_revoke_command import house_folder, terminal_at
from tests.support.login.leaving import Receiver, courier_of, logs_out
from tests.support.terminal import bare, terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.house import House
    from tests.support.terminal import Terminal

__all__ = ["bare", "terminal"]


@pytest.fixture
def at_house(house: House) -> Terminal:
    """Give a terminal that works on the database of the running house."""
    return terminal_at(house)


@pytest.mark.spec("LO-06")
def test_it_shows_what_was_delivered_and_what_was_not_and_why(house: House, at_house: Terminal) -> None:
    courier = courier_of(house)
    with Receiver() as well, Receiver(answers=[503]) as ill:
        portals = [house.registers_portal(backchannel_logout_uri=server.url) for server in (well, ill)]
        citizen = house.logs_in_directly()
        for portal in portals:
            citizen.gives_tokens(portal)
        logs_out(citizen.browser)
        courier.send_out()
        courier.rest()
        secrets = [form["logout_token"] for form in (*well.received, *ill.received)]
    courier.close()
    said = at_house.types("outbox").out
    lines = {line.split()[0]: line.split() for line in said.splitlines()}
    assert lines[portals[0].client_id][1:6] == ["backchannel_logout", "1", "0", "0", "0"]
    assert lines[portals[1].client_id][1:6] == ["backchannel_logout", "0", "1", "0", "0"]
    assert "It answers with status 503" in said
    assert len(secrets) == 2
    assert not [secret for secret in secrets if secret in said]
    assert citizen.citizen_id not in said


def test_an_empty_outbox_is_said_to_be_empty(terminal: Terminal) -> None:
    assert "Nothing" in terminal.types("outbox").out


@pytest.mark.spec("LO-06")
def test_the_worker_delivers_and_ends_when_it_is_told_to(house: House, at_house: Terminal, tmp_path: Path) -> None:
    with Receiver() as receiver:
        portal = house.registers_portal(backchannel_logout_uri=receiver.url)
        citizen = house.logs_in_directly()
        citizen.gives_tokens(portal)
        logs_out(citizen.browser)
        environ = {
            **os.environ,
            **at_house.environ,
            "SEN_ENVIRONMENT": "development",
            "SEN_STORAGE__REDIS_URL": house.settings.storage.redis_url,
            "SEN_METRICS__FOLDER": str(tmp_path),
        }
        worker = subprocess.Popen([sys.executable, "-m", "idp.cli", "worker"], cwd=house_folder(house), env=environ)
        until = time.monotonic() + 100
        while not receiver.received and time.monotonic() < until:
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert len(receiver.received) >= 1
