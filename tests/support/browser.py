"""People at a browser: Chromium with authenticators of its own, what a person does in it, what it complains about."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from idp.pages.languages import Languages
from tests.support.chromium import AUTHENTICATOR, Device

if TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        CDPSession,
        ConsoleMessage,
        Locator,
        Page,
        Route,
    )

    from idp.pages.languages import Language
    from tests.support.running import Papers, Running

ROOT: Final = Path(__file__).parents[2]
LOCALES: Final[dict[Language, str]] = {"vi": "vi-VN", "en": "en-GB"}
TEXTS: Final = Languages(folder=ROOT / "templates" / "translations")
PORTAL_TEXTS: Final = tomllib.loads((ROOT / "examples" / "portal" / "texts.toml").read_text(encoding="utf-8"))
PURPOSES: Final = {
    row["id"]: row for row in tomllib.loads((ROOT / "config" / "purposes.toml").read_text(encoding="utf-8"))["purposes"]
}
WAIT_MS: Final = 60_000
expect.set_options(timeout=WAIT_MS)  # a page that is right is looked at once, however long another one may take
REFUSED_ANSWER: Final = "Failed to load resource: the server responded with a status of"
"""Chromium says so of every answer that is no success; the tests look at these answers themselves."""

NO_AUTOFILL: Final = (
    "if (window.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false;"
)
"""A virtual authenticator picks a passkey from autofill by itself; people press the button first."""


@dataclass
class Someone:
    """A person at a browser: what they do, in their language; `clicks` are counted, `complaints` kept."""

    running: Running
    context: BrowserContext
    page: Page
    language: Language
    cdp: CDPSession | None = None
    devices: list[Device] = field(default_factory=list)
    clicks: int = 0
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, browser: Browser, running: Running, *, language: Language = "vi", **options: Any) -> Self:
        """Sit down at a browser that has never been anywhere; `options` are those of a Playwright context.

        `autofill` lets the page offer passkeys in the number field; `device` False takes the authenticator away.
        """
        autofill, device = options.pop("autofill", False), options.pop("device", True)
        context = browser.new_context(locale=LOCALES[language], **options)
        context.set_default_timeout(WAIT_MS)
        if not autofill:
            context.add_init_script(NO_AUTOFILL)
        someone = cls(running, context, context.new_page(), language)
        someone.watch(someone.page)
        if device:
            someone.takes_a_device()
        return someone

    # What the browser is asked, and what it complains about

    def watch(self, page: Page) -> None:
        """Keep what a page asks for and what Chromium complains about: scripts, styles, policies."""
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REFUSED_ANSWER):
            self.complaints.append(f"{message.location.get('url')}: {message.text}")

    def foreign_hosts(self) -> set[str]:
        """Return every host that was asked and is neither Sen nor the portal."""
        own = {urlsplit(self.running.issuer).netloc, urlsplit(self.running.portal).netloc}
        return {urlsplit(url).netloc for url in self.asked} - own

    def takes_a_device(self, **options: object) -> Device:
        """Give the page an authenticator; `options` as in WebAuthn.addVirtualAuthenticator."""
        if self.cdp is None:
            self.cdp = self.context.new_cdp_session(self.page)
            self.cdp.send("WebAuthn.enable")
        answer = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, **options}})
        self.devices.append(Device(self.cdp, answer["authenticatorId"]))
        return self.devices[-1]

    # Words

    def word(self, vietnamese: str) -> str:
        """Return a text of Sen in this person's language."""
        return TEXTS.texts(self.language).gettext(vietnamese)

    def portal_word(self, name: str) -> str:
        """Return a text of the portal in this person's language, by its key: `sign_in`, `problem.lost.title`."""
        found: Any = PORTAL_TEXTS[self.language]
        for part in name.split("."):
            found = found[part]
        return str(found)

    def sees(self, vietnamese: str, **values: object) -> None:
        """Require that a text of Sen is on the page."""
        expect(self.page.locator("body")).to_contain_text(
            self.word(vietnamese) % values if values else self.word(vietnamese)
        )

    def sees_heading(self, vietnamese: str) -> None:
        """Require that the page's heading is this text of Sen."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.word(vietnamese))

    def is_told(self, vietnamese: str) -> None:
        """Require that the script's alert says this."""
        expect(self.page.locator("[data-passkey-says]")).to_have_text(self.word(vietnamese))

    # Hands

    def opens(self, path: str) -> None:
        """Type an address of Sen, or a whole one."""
        self.page.goto(path if "://" in path else self.running.issuer + path)

    def presses(self, vietnamese: str, *, exact: bool = True) -> None:
        """Press a button of Sen."""
        self._click(self.page.get_by_role("button", name=self.word(vietnamese), exact=exact))

    def follows(self, vietnamese: str, *, exact: bool = True) -> None:
        """Follow a link of Sen, to the page behind it."""
        self._goes_on(self.page.get_by_role("link", name=self.word(vietnamese), exact=exact))

    def fills(self, vietnamese: str, text: str) -> None:
        """Type into the field with this label."""
        self.page.get_by_label(self.word(vietnamese), exact=True).fill(text)

    def _click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()

    def _goes_on(self, target: Locator) -> None:
        """Click on what leads to another page, and wait for that: the click itself may be over before."""
        with self.page.expect_navigation():
            self._click(target)

    def has_little_patience(self, *, milliseconds: int) -> None:
        """Close the dialog of the device after so long: for the page that is the same as its time being over."""

        def hurry(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, json={**answer.json(), "timeout": milliseconds})

        self.page.route("**/passkey/options", hurry)

    # Stories

    def chooses(self, service: str) -> None:
        """Open the portal and choose a service; `login` is the portal's own button."""
        self.page.goto(f"{self.running.portal}/?lang={self.language}")
        if service == "login":
            self._goes_on(self.page.get_by_role("link", name=self.portal_word("sign_in"), exact=True))
        else:
            card = self.page.locator("li", has=self.page.locator(f"#{service}"))
            self._goes_on(card.get_by_role("link", name=self.portal_word("use_service")))

    def enters_code(self, papers: Papers) -> None:
        """From the login page to the first passkey, with number and code."""
        self.follows("Kích hoạt tài khoản lần đầu")
        self.types_code(papers)
        expect(self.page).to_have_url(re.compile(r"/activate/passkey\?"))

    def types_code(self, papers: Papers) -> None:
        """Fill in number and code, and go on."""
        self.fills("Số định danh cá nhân", papers.number)
        self.fills("Mã kích hoạt", papers.code)
        with self.page.expect_navigation():
            self.presses("Tiếp tục")

    def activates(self, papers: Papers) -> None:
        """From the login page through activation to what comes after it; a second passkey is left for later."""
        self.enters_code(papers)
        self.presses("Tạo khóa truy cập")
        self.follows("Để sau")

    def signs_in(self) -> None:
        """Use the passkey on the login page."""
        self.presses("Đăng nhập bằng khóa truy cập (passkey)")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def ticks(self, item: str) -> None:
        """Tick an optional item of the consent page."""
        self.page.locator(f'input[name="item"][value="{item}"]').check()

    def agrees(self) -> None:
        """Agree on the consent page."""
        self.presses("Đồng ý")

    def refuses(self) -> None:
        """Say no on the consent page."""
        self.presses("Không đồng ý")

    def is_at_the_portal(self) -> None:
        """Require that the portal knows the person."""
        expect(self.page).to_have_url(f"{self.running.portal}/me")

    def arrives_at_the_portal(self, papers: Papers) -> None:
        """Begin at the portal without an account, and come back to it logged in."""
        self.chooses("login")
        self.activates(papers)
        self.agrees()
        self.is_at_the_portal()

    def fact(self, term: str) -> str:
        """Return what stands beside a term of a list of facts."""
        row = self.page.locator(
            "dl > div, dl", has=self.page.locator("dt", has_text=re.compile(f"^{re.escape(term)}$"))
        )
        return row.last.locator("dd").first.inner_text()

    def has_an_account(self, papers: Papers) -> None:
        """Activate from Sen's own pages and stand on the account page."""
        self.opens("/login")
        self.activates(papers)
        expect(self.page).to_have_url(f"{self.running.issuer}/account")
        self.page.wait_for_load_state()  # an address is there before the page's scripts have begun

    def adds_a_passkey_on(self, device: Device) -> None:
        """Make another passkey on the account page, with one device at hand and the others out of reach."""
        for each in self.devices:
            each.is_left_untouched()
        device.is_touched_again()
        self.opens("/account/passkeys")
        self.presses("Thêm khóa truy cập")
        expect(self.page.locator("a.stop")).to_have_count(len(self.devices))
        for each in self.devices:
            each.is_touched_again()

    def borrows(self, device: Device) -> None:
        """Have a device of another browser here too: a security key that is carried over."""
        (carried,) = self.devices
        for passkey in device.passkeys():
            carried.keeps(passkey)

    def transaction(self) -> str:
        """Return the transaction that the address names."""
        return parse_qs(urlsplit(self.page.url).query)["tx"][0]

    def leaves(self) -> None:
        """Close the browser."""
        self.context.close()
