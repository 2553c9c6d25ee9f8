"""A citizen at a real browser, who does what a relying party's program sends people to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.browser import Someone

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from tests.interop.landing import Landing
    from tests.support.running import Papers, Running

MOST_PAGES = 6
"""From a portal to its answer lie the login, what another device shows, and the consent: never more than these."""


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody with an account and a passkey; what is asked is agreed to, with every optional item."""

    someone: Someone
    papers: Papers
    landing: Landing

    @classmethod
    def arrives(cls, browser: Browser, running: Running, *, landing: Landing) -> Citizen:
        """Activate an account, once for all programs: the browser stays logged in between them."""
        someone, papers = Someone.at(browser, running, ignore_https_errors=True), running.citizen()
        someone.has_an_account(papers)
        return cls(someone, papers, landing)

    @property
    def page(self) -> Page:
        """What the browser shows."""
        return self.someone.page

    def does(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Do what a program asks for, by name; return what came of it."""
        doings: dict[str, Callable[..., dict[str, Any]]] = {
            "open": self.opens,
            "enter": self.enters,
            "approve": self.approves,
            "leave": self.leaves,
        }
        return doings[wish.pop("do")](**wish)

    def opens(self, *, url: str) -> dict[str, Any]:
        """Open a portal's request, log in and agree where that is asked; return how the browser came back."""
        self.landing.forget()
        self.page.goto(url)
        self._goes_on()
        arrival = self.landing.next()
        return {"method": arrival.method, "url": arrival.url, "body": arrival.body}

    def visits(self, url: str) -> str:
        """Open a page of a portal that is a server of its own; return what its last page says."""
        self.page.goto(url)
        self._goes_on()
        self.page.wait_for_load_state()
        return self.page.locator("body").inner_text()

    def enters(self, *, url: str, code: str) -> dict[str, Any]:
        """Type the code of a device, pick it among others, and agree."""
        self.page.goto(url)
        self._goes_on()
        self.someone.fills("Mã trên thiết bị", code)
        self.someone.presses("Tiếp tục")
        self._goes_on(code=code)
        return self._is_told()

    def approves(self, *, message: str) -> dict[str, Any]:
        """Find a portal's request on the account page, see that it shows the same message, and agree."""
        self.someone.opens("/account/approvals")
        self._goes_on()
        self.someone.presses("Xem yêu cầu")
        self._goes_on(code=message)
        return self._is_told()

    def leaves(self, *, url: str) -> dict[str, Any]:
        """Follow a portal to the logout, confirm, and go back to the portal."""
        self.landing.forget()
        self.page.goto(url)
        if self.page.get_by_role("button", name=self.someone.word("Đăng xuất"), exact=True).count():
            self.someone.presses("Đăng xuất")
        if not self.page.url.startswith(self.landing.url):
            self.page.locator("a.button").filter(has_text=re.compile("^Quay lại")).click()
        arrival = self.landing.next()
        return {"method": arrival.method, "url": arrival.url, "body": arrival.body}

    def leaves_by(self, url: str, *, back_at: str) -> None:
        """Press a portal's own logout, confirm at Sen, and come back to the portal."""
        self.page.goto(url)
        self.someone.presses("Đăng xuất")
        self.page.wait_for_url(lambda at: at.startswith(back_at))

    def logs_out_at_sen(self) -> None:
        """Log out on Sen's own pages: every portal that was open is told."""
        self.someone.opens("/logout")
        self.someone.presses("Đăng xuất")
        self.page.wait_for_load_state("networkidle")

    def is_asked_to_log_in(self, url: str) -> bool:
        """Open a portal's page, and tell whether it sends the citizen to Sen."""
        self.page.goto(url)
        return self.page.url.startswith(f"{self.someone.running.issuer}/login")

    def number(self) -> str:
        """Return the personal number, as somebody types it at a counter."""
        return self.papers.number

    def _is_told(self) -> dict[str, Any]:
        self.page.wait_for_load_state()
        return {"page": self.page.locator("h1").inner_text()}

    def _goes_on(self, *, code: str | None = None) -> None:
        """Answer every page of Sen's that asks something; stop where none does."""
        for _ in range(MOST_PAGES):
            path = urlsplit(self.page.url).path if self.page.url.startswith(self.someone.running.issuer) else ""
            if path == "/login":
                self.someone.signs_in()
            elif path == "/consent":
                for box in self.page.locator('input[name="item"]').all():
                    box.check()
                self.someone.agrees()
            elif path in {"/device/confirm", "/approvals/confirm"}:
                same = self.page.locator(f'button[name="code"][value="{code}"]')
                same.click() if same.count() else self._sees_the_same(code)
            else:
                return

    def _sees_the_same(self, message: str | None) -> None:
        assert self.page.locator(".message-shown").inner_text() == message
        self.someone.presses("Đúng, tiếp tục")
