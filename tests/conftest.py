"""Servers that tests may use: each worker of a parallel run starts its own, and they end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis
import pytest
from playwright.sync_api import sync_playwright
from xdist.scheduler import LoadScopeScheduling

from idp import journal
from idp.storage.redis import RedisEphemeral
from tests.support.chromium import launch
from tests.support.login.failures import HAS_FAILED
from tests.support.login.log_watch import private_in
from tests.support.login.stopwatch import MEASURED
from tests.support.postgres import Postgres
from tests.support.valkey import ValkeyCluster, ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser
    from xdist.remote import Producer

hypothesis.settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")  # `--hypothesis-profile=default` looks for what nobody has thought of

journal.MOST_NOTES = 0
"""Whoever answers in this process writes its line at once, so that none turns up in the output of a later test."""

TOGETHER = {
    "tests/browser/test_account_pages.py": "browser 1",
    "tests/browser/test_first_login.py": "browser 1",
    "tests/browser/test_idle_sessions.py": "browser 1",
    "tests/browser/test_logout_pages.py": "browser 1",
    "tests/browser/test_other_devices.py": "browser 1",
    "tests/browser/test_without_javascript.py": "browser 1",
    "tests/flows/test_front.py": "browser 1",
    "tests/browser/": "browser 2",
    "tests/unit/pages/test_passkey_script.py": "browser 2",
    "tests/unit/pages/test_seen.py": "browser 2",
    "tests/flows/test_demo.py": "demo",
    "tests/flows/test_wheel.py": "wheel",
    "tests/architecture/": "sources",
}
"""What shares a server or a reading of every file that takes seconds, or Chromium, which two workers are to have."""


class Together(LoadScopeScheduling):  # type: ignore[misc]  # the library has no types
    """Gives each worker test after test, and all of a group to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """Let parallel runs be divided by TOGETHER."""
    return Together(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test fail in which a log line held what is private: all of the suite is a search for it."""
    report = yield
    if report.failed:
        item.stash[HAS_FAILED] = True
    found = private_in("\n".join(text for _, text in report.sections))
    if report.when == "teardown" and found and HAS_FAILED not in item.stash:
        report.outcome, report.longrepr = "failed", "private in a log line:\n" + "\n".join(found)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, whichever worker it was on."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == MEASURED:
                terminalreporter.line(f"{report.nodeid.rpartition('::')[2]}: {value}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give Chromium: one for all tests of a worker, because Playwright is started once in a process or not at all."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Give a PostgreSQL; take a database of your own with `create_database`."""
    server = Postgres.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def lone_valkey() -> Iterator[ValkeyServer]:
    """Give one Valkey on a unix socket, shared by all tests: use keys of your own, and neither kill nor flush it."""
    server = ValkeyServer.alone()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[ValkeyCluster]:
    """Give a Valkey cluster of three nodes, shared by all tests: use keys of your own, neither kill nor flush it."""
    cluster = ValkeyCluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(params=["lone_valkey", "valkey_cluster"])
def ephemeral(request: pytest.FixtureRequest) -> Iterator[RedisEphemeral]:
    """Give the port to what expires by itself, once on a Valkey alone and once on a cluster."""
    server: ValkeyServer | ValkeyCluster = request.getfixturevalue(request.param)
    port = RedisEphemeral(server.url, connect_seconds=5, answer_seconds=5)  # what it does, not how fast this machine is
    yield port
    port.close()
