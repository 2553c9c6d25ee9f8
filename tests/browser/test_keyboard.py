"""The whole way with the keyboard alone: what is reached can be seen, and nothing is out of reach."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.pages.languages import Language
    from tests.support.browser import Someone
    from tests.support.running import Running

MOST_STEPS = 60
WHERE = """() => {
  const e = document.activeElement, style = getComputedStyle(e);
  const label = e.labels?.[0]?.innerText ?? e.innerText ?? "";
  const box = e.getBoundingClientRect();
  return {words: (e.ariaLabel ?? label).trim(), checked: e.checked,
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.top >= 0
      && box.bottom <= innerHeight && box.width > 0};
}"""


def tabs_to(someone: Someone, vietnamese: str) -> None:
    """Press Tab until the focus is there; wherever it stops, it can be seen."""
    words = someone.word(vietnamese)
    for _step in range(MOST_STEPS):
        someone.page.keyboard.press("Tab")
        where = someone.page.evaluate(WHERE)
        assert where["seen"], f"the focus on {where['words']!r} cannot be seen"
        if where["words"].startswith(words):
            return
    raise AssertionError(f"{words!r} cannot be reached")


def goes_to(someone: Someone, vietnamese: str, key: str = "Enter") -> None:
    """Press Tab until the focus is there, then the key."""
    tabs_to(someone, vietnamese)
    someone.page.keyboard.press(key)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_activation_consent_and_login_need_no_mouse(
    people: Callable[..., Someone], running: Running, language: Language
) -> None:
    papers = running.citizen()
    someone = people(language=language)
    someone.opens(f"{running.portal}/?lang={language}")
    someone.opens(f"{running.portal}/start/driving-licence")
    goes_to(someone, "Kích hoạt tài khoản lần đầu")
    someone.sees_heading("Kích hoạt tài khoản")
    tabs_to(someone, "Số định danh cá nhân")
    someone.page.keyboard.type(papers.number)
    tabs_to(someone, "Mã kích hoạt")
    someone.page.keyboard.type(papers.code)
    someone.page.keyboard.press("Enter")
    someone.sees_heading("Tạo khóa truy cập (passkey)")
    goes_to(someone, "Tạo khóa truy cập", "Space")
    someone.sees_heading("Thêm một khóa dự phòng?")
    goes_to(someone, "Để sau")
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")
    goes_to(someone, "001")
    goes_to(someone, "Địa chỉ thường trú", "Space")
    assert someone.page.evaluate(WHERE)["checked"]
    tabs_to(someone, "Không đồng ý")
    goes_to(someone, "Đồng ý")
    someone.is_at_the_portal()
    someone.context.clear_cookies(name="sen_session")
    someone.opens(f"{running.portal}/start/driving-licence")
    goes_to(someone, "Đăng nhập bằng khóa truy cập (passkey)")
    someone.is_at_the_portal()


def test_the_first_stop_of_the_keyboard_leads_past_the_head_of_the_page(someone: Someone) -> None:
    for path in ("/", "/login", "/help"):
        someone.opens(path)
        someone.page.keyboard.press("Tab")
        skip = someone.page.get_by_role("link", name=someone.word("Đến nội dung chính"))
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        someone.page.keyboard.press("Enter")
        expect(someone.page.locator("main")).to_be_focused()
        expect(someone.page).to_have_url(re.compile("#main$"))


def test_what_went_wrong_is_said_aloud_and_the_field_is_named(someone: Someone) -> None:
    someone.opens("/activate")
    tabs_to(someone, "Số định danh cá nhân")
    someone.page.keyboard.type("123")
    someone.page.keyboard.press("Enter")
    alerts = someone.page.get_by_role("alert").filter(has_text=re.compile(r"\S"))
    expect(alerts).to_have_count(2)
    expect(someone.page.get_by_label("Số định danh cá nhân")).to_have_attribute("aria-invalid", "true")
