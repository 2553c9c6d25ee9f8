"""Vietnamese and English: chosen at the portal, by the browser or by a click, and kept all the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.pages.languages import Language
    from tests.support.browser import Someone
    from tests.support.running import Running

NAMES: dict[Language, str] = {"vi": "Tiếng Việt", "en": "English"}


def switches(someone: Someone, language: Language) -> None:
    """Click on the other language, named in itself."""
    someone.page.get_by_role("link", name=NAMES[language], exact=True).click()
    someone.language = language
    expect(someone.page.locator("html")).to_have_attribute("lang", language)


def test_a_click_on_the_other_language_keeps_the_login_and_the_choice(
    people: Callable[..., Someone], running: Running
) -> None:
    someone = people()
    someone.chooses("driving-licence")
    switches(someone, "en")
    someone.sees_heading("Đăng nhập")
    someone.follows("Kích hoạt tài khoản lần đầu")
    someone.sees_heading("Kích hoạt tài khoản")
    someone.types_code(running.citizen())
    switches(someone, "vi")
    someone.presses("Tạo khóa truy cập")
    someone.sees_heading("Thêm một khóa dự phòng?")
    switches(someone, "en")
    someone.follows("Để sau")
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")
    switches(someone, "vi")
    someone.agrees()
    someone.is_at_the_portal()


def test_a_page_that_answers_a_form_can_be_read_in_the_other_language(someone: Someone, running: Running) -> None:
    papers = running.citizen()
    someone.chooses("login")
    someone.fills("Số định danh cá nhân", papers.number)
    someone.presses("Tiếp tục")
    someone.sees_heading("Xác nhận đó là bạn")
    switches(someone, "en")
    someone.follows("Kích hoạt tài khoản lần đầu")
    someone.types_code(replace(papers, code="BCFG-2345-HJKM-67"))
    switches(someone, "vi")
    someone.types_code(papers)
    someone.sees_heading("Tạo khóa truy cập (passkey)")


def test_the_portals_wish_goes_before_the_browsers_and_behind_the_citizens(someone: Someone, running: Running) -> None:
    someone.opens(f"{running.portal}/?lang=en")
    someone.page.get_by_role("link", name="Log in", exact=True).click()
    someone.language = "en"
    someone.sees_heading("Đăng nhập")
    switches(someone, "vi")
    someone.opens(f"{running.portal}/start/login")
    someone.sees_heading("Đăng nhập")


def test_a_browser_that_reads_english_is_answered_in_english(people: Callable[..., Someone]) -> None:
    for language in ("vi", "en"):
        someone = people(language=language)
        someone.opens("/")
        someone.sees_heading("Một lần đăng nhập cho mọi dịch vụ công")
