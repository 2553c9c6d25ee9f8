"""What does not go well: a citizen says no, a device says no, a code is wrong, a page is opened again."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from idp.citizens.national_id import PersonalNumber

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.browser import Someone
    from tests.support.running import Running

NOTHING_MADE = "Bạn đã dừng lại, hoặc đã hết thời gian chờ. Không có gì thay đổi; bạn có thể thử lại."
NOT_LOGGED_IN = (
    "Chưa đăng nhập được: bạn đã dừng lại, hết thời gian chờ, hoặc thiết bị này chưa có khóa truy cập của bạn. "
    "Hãy thử lại, hoặc dùng thiết bị đã kích hoạt. Lần đầu dùng Sen? Hãy kích hoạt tài khoản trước."
)
NUMBER_AND_CODE = "Số định danh và mã kích hoạt chưa khớp, hoặc mã đã hết hiệu lực."
GONE = "Lần đăng nhập này đã kết thúc"


@pytest.mark.spec("CO-03")
def test_who_does_not_agree_is_back_at_the_portal_which_takes_it_kindly(someone: Someone, running: Running) -> None:
    someone.chooses("driving-licence")
    someone.activates(running.citizen())
    someone.refuses()
    heading = someone.page.get_by_role("heading", level=1)
    expect(heading).to_have_text(someone.portal_word("problem.access_denied.title"))
    someone.opens("/account/services")
    someone.sees("Hiện không dịch vụ nào được nhận thông tin của bạn từ Sen.")
    someone.chooses("driving-licence")  # and may think again
    someone.agrees()
    someone.is_at_the_portal()


def test_who_typed_a_number_and_thinks_again_is_back_at_the_portal(someone: Someone, running: Running) -> None:
    someone.chooses("driving-licence")
    someone.fills("Số định danh cá nhân", running.citizen().number)
    someone.presses("Tiếp tục")
    someone.sees_heading("Xác nhận đó là bạn")
    someone.page.get_by_role("button", name="Không đăng nhập, quay lại").click()
    heading = someone.page.get_by_role("heading", level=1)
    expect(heading).to_have_text(someone.portal_word("problem.access_denied.title"))


def test_who_reads_the_help_on_the_way_comes_back_to_the_portal(someone: Someone, running: Running) -> None:
    someone.chooses("login")
    someone.follows("Tôi mất điện thoại hoặc không đăng nhập được")
    someone.page.locator("summary", has_text="Tôi không còn thiết bị nào đã kích hoạt").click()
    someone.follows("Tôi đã có mã kích hoạt mới")
    someone.types_code(running.citizen())
    someone.presses("Tạo khóa truy cập")
    someone.follows("Để sau")
    someone.agrees()
    someone.is_at_the_portal()


@pytest.mark.spec("WR-09")
def test_a_device_that_does_not_recognise_its_owner_makes_no_passkey(someone: Someone, running: Running) -> None:
    (phone,) = someone.devices
    phone.does_not_recognise_its_owner()
    someone.opens("/activate")
    someone.types_code(running.citizen())
    someone.presses("Tạo khóa truy cập")
    someone.is_told(NOTHING_MADE)
    assert phone.passkeys() == []
    phone.recognises_its_owner()
    someone.presses("Tạo khóa truy cập")
    someone.sees_heading("Thêm một khóa dự phòng?")


@pytest.mark.spec("WV-05")
def test_a_device_that_does_not_recognise_its_owner_logs_nobody_in(someone: Someone, running: Running) -> None:
    someone.has_an_account(running.citizen())
    someone.context.clear_cookies()
    someone.opens("/login")
    (phone,) = someone.devices
    phone.does_not_recognise_its_owner()
    someone.presses("Đăng nhập bằng khóa truy cập (passkey)")
    someone.is_told(NOT_LOGGED_IN)
    someone.opens("/account")
    someone.sees_heading("Đăng nhập")
    phone.recognises_its_owner()
    someone.signs_in()
    someone.sees_heading("Tài khoản của tôi")


def test_who_lets_the_dialog_of_the_device_end_may_try_again(someone: Someone, running: Running) -> None:
    someone.has_an_account(running.citizen())
    someone.context.clear_cookies()
    someone.opens("/login")
    (phone,) = someone.devices
    phone.is_left_untouched()
    someone.has_little_patience(milliseconds=2000)
    someone.presses("Đăng nhập bằng khóa truy cập (passkey)")
    someone.is_told("Đang chờ thiết bị của bạn…")
    someone.is_told(NOT_LOGGED_IN)
    phone.is_touched_again()
    someone.signs_in()
    someone.sees_heading("Tài khoản của tôi")


def test_a_device_without_a_passkey_says_so_and_changes_nothing(people: Callable[..., Someone]) -> None:
    someone = people()
    someone.opens("/login")
    someone.presses("Đăng nhập bằng khóa truy cập (passkey)")
    someone.is_told(NOT_LOGGED_IN)


def test_a_page_whose_cookies_are_gone_says_what_to_do_in_place_and_when_it_is_loaded_again(someone: Someone) -> None:
    someone.opens("/login")
    someone.context.clear_cookies()
    someone.presses("Đăng nhập bằng khóa truy cập (passkey)")
    expect(someone.page.locator("[data-passkey-says]")).to_contain_text("Hãy tải lại trang này rồi làm lại.")
    someone.page.reload()
    someone.sees_heading(GONE)


def test_a_browser_that_knows_no_passkeys_says_what_to_do(people: Callable[..., Someone]) -> None:
    someone = people(device=False)
    someone.context.add_init_script("delete window.PublicKeyCredential")
    someone.opens("/login")
    someone.is_told("Trình duyệt này không dùng được khóa truy cập (passkey). Hãy thử trình duyệt hoặc thiết bị khác.")
    button = someone.page.locator("[data-passkey-start]")
    expect(button).to_be_hidden()


@pytest.mark.spec("LG-03")
def test_a_wrong_code_and_an_unknown_number_get_the_same_answer(someone: Someone, running: Running) -> None:
    papers = running.citizen()
    answers = []
    unknown = str(int(papers.number) + 1).zfill(12)
    for typed in (replace(papers, code="BCFG-2345-HJKM-67"), replace(papers, number=unknown)):
        someone.opens("/activate")
        someone.types_code(typed)
        someone.sees(NUMBER_AND_CODE)
        expect(someone.page.get_by_label("Mã kích hoạt")).to_have_value("")
        answers.append(someone.page.locator("main").inner_text())
    assert answers[0] == answers[1]
    someone.types_code(papers)
    someone.sees_heading("Tạo khóa truy cập (passkey)")


def test_a_number_of_the_wrong_form_is_explained_beside_its_field(someone: Someone) -> None:
    someone.opens("/login")
    someone.fills("Số định danh cá nhân", "12345")
    someone.presses("Tiếp tục")
    field = someone.page.get_by_label("Số định danh cá nhân")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("Số định danh cá nhân có 12 chữ số."))
    expect(field).to_have_value("12345")
    expect(field).to_be_focused()  # on a phone it lies below what is seen first
    expect(field).to_be_in_viewport()
    expect(someone.page).to_have_title(re.compile("^Lỗi: Đăng nhập"))


def test_of_two_wrong_fields_the_first_takes_the_focus(people: Callable[..., Someone]) -> None:
    someone = people(viewport={"width": 360, "height": 640}, java_script_enabled=False, device=False)
    someone.opens("/activate")
    someone.presses("Tiếp tục")
    number, code = (someone.page.get_by_label(label) for label in ("Số định danh cá nhân", "Mã kích hoạt"))
    for field in (number, code):
        expect(field).to_have_attribute("aria-invalid", "true")
    expect(number).to_be_in_viewport()
    assert number.get_attribute("autofocus") is not None
    assert code.get_attribute("autofocus") is None


@pytest.mark.spec("LG-01")
def test_known_and_unknown_numbers_lead_to_the_same_page(people: Callable[..., Someone], running: Running) -> None:
    papers = running.citizen()
    owner, stranger = people(), people()
    owner.has_an_account(papers)
    pages = []
    for number in (papers.number, str(int(papers.number) + 1).zfill(12)):
        stranger.opens("/login")
        stranger.fills("Số định danh cá nhân", number)
        stranger.presses("Tiếp tục")
        stranger.sees_heading("Xác nhận đó là bạn")
        masked = PersonalNumber(number).masked()
        page = stranger.page.locator("main").inner_text()
        assert masked in page
        pages.append(page.replace(masked, ""))
    assert pages[0] == pages[1]
    owner.context.clear_cookies()
    owner.opens("/login")
    owner.fills("Số định danh cá nhân", papers.number)
    owner.presses("Tiếp tục")
    owner.presses("Tiếp tục với khóa truy cập (passkey)")
    owner.sees_heading("Tài khoản của tôi")


def test_going_back_after_the_login_leads_to_a_page_that_explains(someone: Someone, running: Running) -> None:
    someone.chooses("login")
    someone.activates(running.citizen())
    consent = someone.page.url
    someone.agrees()
    someone.is_at_the_portal()
    someone.page.go_back(wait_until="load")
    someone.opens(consent)
    someone.sees_heading(GONE)
    someone.sees(
        "Lần đăng nhập đã xong, đã quá lâu, hoặc bắt đầu ở trình duyệt khác. Hãy quay lại dịch vụ bạn đang dùng."
    )
    assert someone.page.locator(".code").inner_text() in running.demo.log()
    someone.page.go_back(wait_until="load")
    someone.opens(f"{running.portal}/me")
    someone.is_at_the_portal()


def test_loading_a_page_of_the_journey_again_loses_nothing(someone: Someone, running: Running) -> None:
    papers = running.citizen()
    someone.chooses("login")
    someone.page.reload()
    someone.follows("Kích hoạt tài khoản lần đầu")
    someone.page.reload()
    someone.types_code(papers)
    someone.sees_heading("Tạo khóa truy cập (passkey)")
    someone.page.reload()
    someone.presses("Tạo khóa truy cập")
    someone.sees_heading("Thêm một khóa dự phòng?")
    someone.page.reload()
    someone.follows("Để sau")
    someone.page.reload()
    someone.agrees()
    someone.is_at_the_portal()
    someone.page.reload()
    someone.is_at_the_portal()


def test_going_back_to_a_step_that_is_done_leads_on(someone: Someone, running: Running) -> None:
    someone.chooses("login")
    someone.enters_code(running.citizen())
    someone.presses("Tạo khóa truy cập")
    someone.sees_heading("Thêm một khóa dự phòng?")
    someone.page.go_back()
    someone.sees_heading("Thêm một khóa dự phòng?")
    someone.follows("Để sau")
    someone.agrees()
    someone.is_at_the_portal()
