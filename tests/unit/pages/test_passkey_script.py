"""passkey.js in a real browser with a virtual authenticator: what it posts, and what it says when it stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.chromium import AUTHENTICATOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from playwright.sync_api import Browser, CDPSession, Page

OLD_BROWSER = """
delete PublicKeyCredential.parseCreationOptionsFromJSON;
delete PublicKeyCredential.parseRequestOptionsFromJSON;
delete PublicKeyCredential.prototype.toJSON;
"""


class Visitor:
    """A page, its authenticator, and what its scripts have posted."""

    def __init__(self, page: Page, device: CDPSession, posted: list[dict[str, Any]], site: str) -> None:
        """Begin with an empty authenticator."""
        self.page, self.device, self.posted, self.site = page, device, posted, site
        device.send("WebAuthn.enable")
        added = device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        self.authenticator = str(added["authenticatorId"])

    def is_verified(self, *, answer: bool) -> None:
        """Let the device recognise its owner, or not."""
        self.device.send("WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": answer})

    def opens(self, sample: str) -> None:
        """Open a sample page."""
        self.page.goto(f"{self.site}/sample/{sample}")

    def makes_a_passkey(self, name: str = "Điện thoại") -> None:
        """Fill in the name and press the button."""
        self.opens("activate-passkey")
        self.page.get_by_label("Tên giúp bạn nhận ra khóa này").fill(name)
        self.page.get_by_role("button", name="Tạo khóa truy cập").click()

    def presses(self) -> None:
        """Press the passkey's button."""
        self.page.locator("[data-passkey-start]").click()

    def reads(self, text: str) -> None:
        """Wait until the page says so."""
        self.page.locator("[data-passkey-says]", has_text=text).wait_for()

    def arrives(self, sample: str) -> None:
        """Wait for the next page."""
        self.page.wait_for_url(f"**/sample/{sample}")


@pytest.fixture
def visitor(site: str, chromium: Browser, site_app: Flask) -> Iterator[Visitor]:
    posted: list[dict[str, Any]] = site_app.extensions["posted"]
    posted.clear()
    context = chromium.new_context(locale="vi-VN")
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield Visitor(page, context.new_cdp_session(page), posted, site)
    context.close()


def test_a_passkey_is_made_under_its_name_and_the_page_goes_on(visitor: Visitor) -> None:
    visitor.makes_a_passkey()
    visitor.arrives("account")
    asked, answered = visitor.posted
    assert asked == {"tx": "transaction", "name": "Điện thoại"}
    assert (answered["tx"], answered["name"]) == ("transaction", "Điện thoại")
    assert answered["credential"]["type"] == "public-key"
    assert answered["credential"]["response"]["attestationObject"]


def test_a_login_hands_back_the_sealed_number_and_the_assertion(visitor: Visitor) -> None:
    visitor.makes_a_passkey()
    visitor.arrives("account")
    visitor.opens("login-number")
    visitor.posted.clear()
    visitor.presses()
    visitor.arrives("account")
    asked, answered = visitor.posted
    assert asked == {"tx": "transaction", "sealed_number": "x"}
    assert answered["credential"]["response"]["signature"]
    assert answered["credential"]["response"]["userHandle"] == "YW55IHVzZXI"


def test_phones_without_the_new_conversions_can_do_the_same(visitor: Visitor) -> None:
    visitor.page.add_init_script(OLD_BROWSER)
    visitor.makes_a_passkey()
    visitor.arrives("account")
    made = visitor.posted[1]["credential"]
    visitor.opens("login-number")
    assert visitor.page.evaluate("'parseRequestOptionsFromJSON' in PublicKeyCredential") is False
    visitor.presses()
    visitor.arrives("account")
    used = visitor.posted[3]["credential"]
    assert made["id"] == made["rawId"] == used["id"] == used["rawId"]
    assert used["response"]["userHandle"] == "YW55IHVzZXI"


def test_who_is_not_recognised_by_the_device_reads_kind_words_and_can_try_again(visitor: Visitor) -> None:
    visitor.is_verified(answer=False)
    visitor.makes_a_passkey()
    visitor.reads("Không có gì thay đổi; bạn có thể thử lại.")
    assert len(visitor.posted) == 1
    visitor.is_verified(answer=True)
    visitor.presses()
    visitor.arrives("account")


def test_a_refusal_is_shown_in_the_words_of_the_server(visitor: Visitor) -> None:
    visitor.makes_a_passkey("refused")
    visitor.reads("Khóa này không vừa.")


def test_who_has_to_log_in_first_is_led_there(visitor: Visitor) -> None:
    visitor.makes_a_passkey("too late")
    visitor.arrives("login")


def test_a_lost_connection_is_said_plainly(visitor: Visitor) -> None:
    visitor.opens("login-number")
    visitor.page.route("**/options", lambda route: route.abort())
    visitor.presses()
    visitor.reads("Chưa kết nối được với Sen.")


def test_a_passkey_chosen_in_the_number_field_logs_in_without_the_button(visitor: Visitor) -> None:
    visitor.makes_a_passkey()
    visitor.arrives("account")
    visitor.posted.clear()
    visitor.opens("login")  # the virtual authenticator chooses as soon as it is offered something
    visitor.arrives("account")
    asked, answered = visitor.posted
    assert asked == {"tx": "transaction"}
    assert answered["credential"]["response"]["signature"]


def test_what_waits_in_the_number_field_gives_way_to_the_button(visitor: Visitor) -> None:
    visitor.makes_a_passkey()
    visitor.arrives("account")
    visitor.posted.clear()
    visitor.page.route("**/options", lambda _route: None, times=1)  # the first question stays without an answer
    with visitor.page.expect_request("**/options"):
        visitor.opens("login")
    with visitor.page.expect_event("requestfailed") as given_up:
        visitor.presses()
    assert given_up.value.url.endswith("/options")
    visitor.arrives("account")
    assert len(visitor.posted) == 2


def test_a_page_that_only_waits_says_nothing_of_failure(visitor: Visitor) -> None:
    visitor.page.route("**/options", lambda route: route.abort())
    with visitor.page.expect_event("requestfailed"):
        visitor.opens("login")
    assert visitor.page.locator("[data-passkey-says]").inner_text() == ""
