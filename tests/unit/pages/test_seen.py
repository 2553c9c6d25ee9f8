"""The pages in a real browser: axe, narrow screens, no script, and the warning before a session ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser.looking import AXE, AXE_OPTIONS, OPEN_ALL, RUN_AXE
from tests.unit.pages.samples import SAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NARROW = 320
"""A window of 1280 pixels at 400 % zoom (WCAG 2.2 success criterion 1.4.10)."""
PHONE, LARGE_LETTERS = 360, 32
"""WCAG 2.2 success criterion 1.4.4, as the settings of a phone do it: the letters grow, the window does not."""
A4 = 680
"""Pixels of CSS between the margins of a sheet of A4."""
PALE = """() => [...document.querySelectorAll("body *")].filter((e) => e.getClientRects().length
    && [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim())
    && Math.max(...getComputedStyle(e).color.match(/[0-9.]+/g).slice(0, 3).map(Number)) > 80)
  .map((e) => e.textContent.trim().slice(0, 40))"""
"""What would hardly be seen in ink on white paper."""
SEEN = [sample.name for sample in SAMPLES if not sample.name.startswith("error-") or sample.name == "error-wait"]


def axe_finds(page: Page) -> list[str]:
    """Return what axe finds on a page."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN_AXE, AXE_OPTIONS)
    return found


@pytest.mark.parametrize(("language", "theme"), [("vi", "dark"), ("en", "light")])
@pytest.mark.spec("SS-11")
def test_no_page_scrolls_sideways_or_offends_its_own_policy_and_axe_finds_nothing(
    site: str, chromium: Browser, language: str, theme: Literal["light", "dark"]
) -> None:
    context = chromium.new_context(viewport={"width": NARROW, "height": 700}, color_scheme=theme)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for name in SEEN:
        page.goto(f"{site}/sample/{name}?lang={language}")
        page.evaluate(OPEN_ALL)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{name} is wider than the window")
        problems += [f"{name}: {found}" for found in axe_finds(page)]
    context.close()
    assert problems == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_page_scrolls_sideways_on_a_phone_with_letters_of_twice_their_size(
    site: str, chromium: Browser, language: str
) -> None:
    context = chromium.new_context(viewport={"width": PHONE, "height": 740})
    page = context.new_page()
    context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": LARGE_LETTERS}})
    page.goto(f"{site}/sample/home?lang={language}")
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") == LARGE_LETTERS * 1.125
    wide: list[str] = []
    for name in SEEN:
        page.goto(f"{site}/sample/{name}?lang={language}")
        page.evaluate(OPEN_ALL)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(name)
    context.close()
    assert wide == []


def test_on_paper_a_page_is_dark_on_white_and_has_nothing_to_press(site: str, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": A4, "height": 900}, color_scheme="dark", locale="vi-VN")
    page = context.new_page()
    problems: list[str] = []
    for name in SEEN:
        page.emulate_media(media="screen")
        page.goto(f"{site}/sample/{name}")
        assert page.evaluate(PALE), "on a dark screen, text is pale"
        page.emulate_media(media="print")
        problems += [f"{name}: pale: {text}" for text in page.evaluate(PALE)]
        problems += [f"{name}: a button" for _ in page.locator(".button:visible").all()]
        if page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != "rgb(255, 255, 255)":
            problems.append(f"{name} is on dark ground")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{name} is wider than the sheet")
    page.goto(f"{site}/sample/consent")
    assert page.get_by_text("099•••••••17").is_visible()
    assert not page.get_by_text("099305000017").is_visible()
    context.close()
    assert problems == []


def test_axe_would_find_a_field_without_a_label(site: str, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{site}/sample/activate")
    page.evaluate("document.querySelector('label').remove()")
    assert [found for found in axe_finds(page) if found.startswith("label:")]
    context.close()


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
