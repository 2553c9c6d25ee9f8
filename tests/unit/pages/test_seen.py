"""The pages in a real browser: axe, narrow screens, no script, and the warning before a session ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.unit.pages.samples import SAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NARROW = 320
"""A window of 1280 pixels at 400 % zoom (WCAG 2.2 success criterion 1.4.10)."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SEEN = [sample.name for sample in SAMPLES if not sample.name.startswith("error-") or sample.name == "error-wait"]


def problems_of(page: Page) -> list[str]:
    """Return what axe finds, and whether the page has to be scrolled sideways."""
    found = Axe().run(page, options=RULES).response["violations"]
    names = [f"{problem['id']}: {[node['target'] for node in problem['nodes']]}" for problem in found]
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*names, *(["wider than the window"] if wide else [])]


@pytest.mark.parametrize(("language", "theme"), [("vi", "dark"), ("en", "light")])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    site: str, chromium: Browser, language: str, theme: Literal["light", "dark"]
) -> None:
    context = chromium.new_context(viewport={"width": NARROW, "height": 700}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    problems = {}
    for name in SEEN:
        page.goto(f"{site}/sample/{name}?lang={language}")
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        problems[name] = problems_of(page)
    context.close()
    assert {name: found for name, found in problems.items() if found} == {}


def test_axe_would_find_a_field_without_a_label(site: str, chromium: Browser) -> None:
    context = chromium.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"{site}/sample/activate")
    page.evaluate("document.querySelector('label').remove()")
    assert [problem for problem in problems_of(page) if problem.startswith("label:")]
    context.close()


@pytest.mark.spec("SS-11")
def test_no_page_offends_its_own_policy(site: str, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    offences: list[str] = []
    page.on("console", lambda said: offences.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: offences.append(str(error)))
    for name in SEEN:
        page.goto(f"{site}/sample/{name}")
    context.close()
    assert offences == []


def test_without_scripts_a_passkey_page_says_so_and_shows_no_dead_button(site: str, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="vi-VN")
    page = context.new_page()
    page.goto(f"{site}/sample/login")
    assert "cần JavaScript" in page.locator("noscript .note").inner_text()
    assert not page.locator("[data-passkey-start]").is_visible()
    assert page.get_by_role("button", name="Tiếp tục").is_visible()
    page.goto(f"{site}/sample/consent")
    page.locator("summary", has_text="099").click()
    assert page.get_by_text("099305000017").is_visible()
    assert "nếu không dùng trang trong 15 phút" in page.locator("noscript").inner_text()
    context.close()


def test_two_minutes_before_the_end_the_page_warns_and_staying_starts_the_time_again(
    site: str, chromium: Browser
) -> None:
    context = chromium.new_context(locale="vi-VN")
    page = context.new_page()
    page.clock.install()
    page.route("**/session/stay", lambda route: route.fulfill(json={"stays": True}))
    page.goto(f"{site}/sample/account")
    dialog = page.get_by_role("dialog", name="Bạn còn ở đó không?")
    page.clock.run_for((15 - 3) * 60 * 1000)  # what passes by itself comes on top
    assert not dialog.is_visible()
    page.clock.run_for(62_000)
    assert dialog.is_visible()
    dialog.get_by_role("button", name="Ở lại").click()
    dialog.wait_for(state="hidden")
    page.clock.run_for(10 * 60 * 1000)
    assert not dialog.is_visible()
    context.close()


def test_a_page_whose_session_has_ended_is_asked_for_anew(site: str, chromium: Browser) -> None:
    context = chromium.new_context(locale="vi-VN")
    page = context.new_page()
    page.clock.install()
    page.goto(f"{site}/sample/account")
    with page.expect_navigation():
        page.clock.run_for(15 * 60 * 1000 + 2000)
    context.close()
