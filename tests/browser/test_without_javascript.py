"""Without JavaScript every page works that needs no passkey, and the others say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.browser import Someone
    from tests.support.running import Running


@pytest.fixture
def plain(people: Callable[..., Someone], running: Running) -> Someone:
    """Give somebody who logged in and then turned JavaScript off."""
    someone = people()
    someone.has_an_account(running.citizen())
    kept = someone.context.storage_state()
    return people(java_script_enabled=False, device=False, storage_state=kept)


def reads(someone: Someone, text: str) -> None:
    """Require that a text is to be seen; Playwright's own look skips what stands in noscript."""
    expect(someone.page.locator("body")).to_contain_text(text, use_inner_text=True)


def test_login_and_activation_begin_and_say_what_a_passkey_needs(
    people: Callable[..., Someone], running: Running
) -> None:
    someone = people(java_script_enabled=False, device=False)
    someone.chooses("login")
    reads(someone, "Khóa truy cập (passkey) cần JavaScript")
    expect(someone.page.locator("[data-passkey-start]")).to_be_hidden()
    someone.fills("Số định danh cá nhân", "123")
    someone.presses("Tiếp tục")
    someone.sees("Số định danh cá nhân có 12 chữ số.")
    someone.enters_code(running.citizen())
    reads(someone, "Khóa truy cập (passkey) cần JavaScript")


def test_consent_is_read_and_given(plain: Someone) -> None:
    plain.chooses("driving-licence")
    plain.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")
    plain.page.locator("details.reveal").first.click()
    plain.ticks("address")
    plain.agrees()
    plain.is_at_the_portal()
    assert "12 phố Thử" in plain.fact(plain.portal_word("claim.address"))


def test_consent_is_refused(plain: Someone) -> None:
    plain.chooses("driving-licence")
    plain.refuses()
    expect(plain.page.get_by_role("heading", level=1)).to_have_text(plain.portal_word("problem.access_denied.title"))


def test_the_account_is_read_a_passkey_renamed_and_a_consent_withdrawn(plain: Someone) -> None:
    plain.chooses("driving-licence")
    plain.agrees()
    plain.is_at_the_portal()
    plain.opens("/account")
    plain.follows("Khóa truy cập (passkey) của tôi", exact=False)
    plain.page.locator("details").first.click()
    plain.fills("Tên mới", "Máy ở nhà")
    plain.presses("Lưu")
    expect(plain.page.get_by_role("heading", name="Máy ở nhà")).to_be_visible()
    for page in ("/account/sessions", "/account/activity", "/account/services"):
        plain.opens(page)
        expect(plain.page).to_have_url(re.compile(page))
    plain.follows("Rút lại", exact=False)
    plain.presses("Rút lại")
    plain.sees("Đã rút lại sự đồng ý.")


def test_logging_out_works(plain: Someone) -> None:
    plain.opens("/account")
    reads(plain, "Vì an toàn, bạn sẽ được đăng xuất nếu không dùng trang trong 15 phút.")
    plain.follows("Đăng xuất")
    plain.presses("Đăng xuất")
    plain.sees_heading("Bạn đã đăng xuất")
    plain.opens("/account")
    plain.sees_heading("Đăng nhập")
