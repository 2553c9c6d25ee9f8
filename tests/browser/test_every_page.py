"""Every page, in both languages: nothing that axe finds, nothing too wide, too heavy, foreign or left untranslated."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from idp.pages import PAGES
from tests.browser.looking import look
from tests.browser.tours import PASSED, TOURS

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.pages.languages import Language
    from tests.support.browser import Someone
    from tests.support.running import Running

NO_PAGE_OF_ITS_OWN = {"/continue", "/account/approvals/state", "/account/receipt/file"}
"""One leads on to another page, always; one speaks to our script; one is a file to keep."""


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("tour", TOURS)
@pytest.mark.spec("AZ-17")
def test_a_page_is_whole_for_everybody(
    people: Callable[..., Someone], running: Running, tour: str, language: Language
) -> None:
    someone, other = people(language=language), people(language=language)
    found: list[str] = []
    seen: set[str] = set()
    for stop, visitor in TOURS[tour](someone, other, running):
        seen.add(urlsplit(visitor.page.url).path)
        found += look(visitor, stop)
    assert found == [], "\n".join(found)
    assert PASSED.get(tour, frozenset()) <= seen
    assert someone.foreign_hosts() | other.foreign_hosts() == set()


def test_no_page_is_left_out_of_the_tours_above() -> None:
    pages = {path for path, methods in PAGES.items() if "GET" in methods}
    assert pages - NO_PAGE_OF_ITS_OWN == frozenset().union(*PASSED.values())
