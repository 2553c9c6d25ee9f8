"""One `sen demo` for half of the tests of this folder; every person gets a browser profile of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import Someone
from tests.support.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser


ONE_HALF = ("every_page", "attacks_in_a_browser", "refusals", "form_post", "languages")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of this folder on two workers, each with one `sen demo` that all of its tests share."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            half = item.path.stem.removeprefix("test_") in ONE_HALF
            item.add_marker(pytest.mark.xdist_group("browser-1" if half else "browser-2"))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give what `sen demo` starts."""
    started = Running.start(tmp_path_factory.mktemp("demo"))
    yield started
    started.end()


@pytest.fixture
def people(chromium: Browser, running: Running) -> Iterator[Callable[..., Someone]]:
    """Give a way to seat people at browsers; whatever they did, no page may have made Chromium complain."""
    seated: list[Someone] = []

    def seat(**options: Any) -> Someone:
        seated.append(Someone.at(chromium, running, **options))
        return seated[-1]

    yield seat
    for someone in seated:
        someone.leaves()
    assert [line for someone in seated for line in someone.complaints] == []


@pytest.fixture
def someone(people: Callable[..., Someone]) -> Someone:
    """Give one person who reads Vietnamese."""
    return people()
