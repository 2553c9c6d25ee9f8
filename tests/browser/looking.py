"""What is looked at on every page: axe, room on a small screen, weight, words left in the other language."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import axe_playwright_python
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from idp.pages.languages import Language
    from tests.support.browser import Someone

AXE: Final = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
AXE_OPTIONS: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
Theme = Literal["light", "dark"]
WIDTHS: Final = (360, 1280)
AXE_RUNS: Final[dict[Language, tuple[tuple[int, Theme], ...]]] = {
    "vi": ((360, "light"), (1280, "dark")),
    "en": ((360, "dark"), (1280, "light")),
}
"""Every page in both languages, both themes, both widths, and over the languages in every pair of the last two."""
ZOOMED: Final = 320
"""1280 px at 400 % (WCAG 2.2 success criterion 1.4.10)."""
HEIGHT: Final = 800
MOST_BYTES: Final = 100_000
SCREENSHOTS: Final = os.environ.get("SEN_SCREENSHOTS")
"""A folder that keeps a picture of every page; where it is set, the README's picture is made anew, too."""
README_PICTURE: Final = ("vi-login for a portal", Path(__file__).parents[2] / "docs" / "login.png")

RUN_AXE: Final = """async (options) => {
  for (const moving of document.getAnimations()) moving.finish();
  return (await axe.run(document, options)).violations.map(
  (v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join("; ")}`);
}"""

OPEN_ALL: Final = 'document.querySelectorAll("details").forEach((each) => { each.open = true; })'

OVERHANGING: Final = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 1)
    .map((e) => `${e.tagName.toLowerCase()}.${e.className}: ${e.textContent.trim().slice(0, 40)}`).slice(-3);
}"""

WEIGHT: Final = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((e) => e.initiatorType !== "fetch").reduce((sum, e) => sum + e.decodedBodySize, 0)"""

VIETNAMESE: Final = """() => {
  const letters = /[ăâđêôơưàằầèềìòồờùừỳảẳẩẻểỉỏổởủửỷãẵẫẽễĩõỗỡũữỹáắấéếíóốớúứýạặậẹệịọộợụựỵ]/i;
  const found = [];
  const own = (e) => e.closest("[lang]").lang !== "vi";
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim(), e = walk.currentNode.parentElement;
    if (letters.test(text) && own(e) && !["SCRIPT", "STYLE"].includes(e.tagName)) found.push(text);
  }
  for (const e of document.querySelectorAll("*"))
    for (const { name, value } of e.attributes)
      if (letters.test(value) && own(e)) found.push(`${name}: ${value}`);
  return found;
}"""


def look(someone: Someone, stop: str, *, is_weighed: bool = True) -> list[str]:
    """Return everything that is wrong with the page that someone stands on.

    It cannot be weighed where the test moves the browser's clock: what was loaded is then not told. A page is looked at
    once: where the click that led on was over before the next page was there, that one is waited for.
    """
    page = someone.page
    expect(page.locator("html[data-looked-at]")).to_have_count(0)
    page.wait_for_load_state()
    page.evaluate(OPEN_ALL)
    found = _axe(someone) + _overhanging(page, width=ZOOMED) + _overhanging(page, width=WIDTHS[0])
    if is_weighed and not 0 < (weight := page.evaluate(WEIGHT)) < MOST_BYTES:
        found.append(f"{weight} bytes")
    if page.locator("html").get_attribute("lang") != someone.language:
        found.append("another language than asked for")
    if someone.language == "en":
        found += [f"left in Vietnamese: {text}" for text in page.evaluate(VIETNAMESE)]
    if SCREENSHOTS:
        _keep(page, f"{someone.language}-{stop}")
    page.evaluate("document.documentElement.dataset.lookedAt = ''")
    return [f"{stop}: {line}" for line in found]


def _axe(someone: Someone) -> list[str]:
    """Run axe; `evaluate` needs no leave of the page's policy."""
    page = someone.page
    page.evaluate(AXE)
    found: list[str] = []
    for width, theme in AXE_RUNS[someone.language]:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=theme)
        violations: list[Any] = page.evaluate(RUN_AXE, AXE_OPTIONS)
        found += [f"{theme} {width}: {violation}" for violation in violations]
    page.emulate_media(color_scheme="light")
    return found


def _overhanging(page: Page, *, width: int) -> list[str]:
    page.set_viewport_size({"width": width, "height": HEIGHT})
    return [f"wider than {width}: {element}" for element in page.evaluate(OVERHANGING)]


def _keep(page: Page, name: str) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.screenshot(path=Path(str(SCREENSHOTS), f"{name}-{width}.png"), full_page=True)
    stop, picture = README_PICTURE
    if name == stop:
        page.set_viewport_size({"width": 1000, "height": 600})
        page.screenshot(path=picture)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=Path(str(SCREENSHOTS), f"{name}-dark.png"), full_page=True)
    page.emulate_media(color_scheme="light")
