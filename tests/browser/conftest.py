"""One `sen demo` for all tests of this folder that a worker runs; every person gets a browser profile of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import Someone
from tests.support.login.failures import HAS_FAILED
from tests.support.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

LOG_CHARACTERS = 5000


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give what `sen demo` starts."""
    started = Running.start(tmp_path_factory.mktemp("demo"))
    yield started
    started.end()


@pytest.fixture
def people(chromium: Browser, running: Running, request: pytest.FixtureRequest) -> Iterator[Callable[..., Someone]]:
    """Give a way to seat people at browsers; whatever they did, no page may have made Chromium complain."""
    seated: list[Someone] = []

    def seat(**options: Any) -> Someone:
        seated.append(Someone.at(chromium, running, **options))
        return seated[-1]

    yield seat
    if HAS_FAILED in request.node.stash:
        stood = [f"{someone.page.url}\n{someone.page.locator('body').inner_text()}" for someone in seated]
        told = "\n".join([*stood, running.demo.log()[-LOG_CHARACTERS:]])
        request.node.add_report_section("teardown", "where they stood, and the log", told)
    for someone in seated:
        someone.leaves()
    assert [line for someone in seated for line in someone.complaints] == []


@pytest.fixture
def someone(people: Callable[..., Someone]) -> Someone:
    """Give one person who reads Vietnamese."""
    return people()
