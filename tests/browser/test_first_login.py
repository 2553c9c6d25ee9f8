"""The first login, from the portal and back: activation, passkey, consent; and every login after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browser import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.pages.languages import Language
    from tests.support.browser import Someone
    from tests.support.running import Running

PORTAL_NAME = "Cổng Dịch vụ công quốc gia (bản thử nghiệm)"
DEMO_CODE = re.compile(r"^ +(?P<number>[0-9]{12})   (?P<name>\S.*?)   +(?P<code>\S+)$", re.MULTILINE)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.spec("CO-01")
def test_a_stranger_activates_with_what_the_demo_printed_agrees_and_is_logged_in(
    people: Callable[..., Someone], running: Running, language: Language
) -> None:
    someone = people(language=language)
    printed = list(DEMO_CODE.finditer(running.welcome))[{"vi": 0, "en": 1}[language]]
    someone.chooses("driving-licence")
    someone.sees_heading("Đăng nhập")
    someone.sees("muốn biết bạn là ai.")
    someone.follows("Kích hoạt tài khoản lần đầu")
    someone.fills("Số định danh cá nhân", printed["number"])
    someone.fills("Mã kích hoạt", printed["code"])
    someone.presses("Tiếp tục")
    someone.sees_heading("Tạo khóa truy cập (passkey)")
    someone.presses("Tạo khóa truy cập")
    someone.sees_heading("Thêm một khóa dự phòng?")
    someone.follows("Để sau")
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")
    page = someone.page.locator("main")
    purpose = PURPOSES["driving-licence"]
    for text in (purpose["name"][language], purpose["purpose"][language], printed["name"]):
        expect(page).to_contain_text(text)
    for item in purpose["items"]:
        expect(page).to_contain_text(item["why"][language])
    someone.agrees()
    someone.is_at_the_portal()
    expect(someone.page.get_by_role("heading", level=1)).to_contain_text(printed["name"])
    assert someone.fact(someone.portal_word("level")) == "2"
    assert someone.fact(someone.portal_word("claim.account_level")) == "02"
    assert someone.fact(someone.portal_word("claim.address")) == someone.portal_word("not_shared")
    assert someone.foreign_hosts() == set()


def test_the_second_login_takes_two_clicks(someone: Someone, running: Running) -> None:
    someone.arrives_at_the_portal(running.citizen())
    someone.context.clear_cookies()
    someone.clicks = 0
    someone.chooses("login")
    someone.signs_in()
    someone.is_at_the_portal()
    assert someone.clicks == 2


def test_a_browser_that_offers_the_passkey_by_itself_saves_one_of_them(
    people: Callable[..., Someone], running: Running
) -> None:
    someone = people(autofill=True)
    someone.arrives_at_the_portal(running.citizen())
    someone.context.clear_cookies()
    someone.clicks = 0
    someone.chooses("login")
    someone.is_at_the_portal()
    assert someone.clicks == 1


def test_a_second_passkey_is_made_on_another_device_at_once(someone: Someone, running: Running) -> None:
    someone.chooses("login")
    someone.enters_code(running.citizen())
    someone.presses("Tạo khóa truy cập")
    someone.sees_heading("Thêm một khóa dự phòng?")
    (phone,) = someone.devices
    phone.is_left_untouched()
    key = someone.takes_a_device(transport="usb")
    someone.presses("Thêm khóa dự phòng")
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")
    assert len(phone.passkeys()) == len(key.passkeys()) == 1
    phone.is_taken_away()
    someone.context.clear_cookies()
    someone.chooses("login")
    someone.signs_in()
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")


def test_numbers_are_masked_until_the_citizen_asks_to_see_them(someone: Someone, running: Running) -> None:
    papers = running.citizen()
    someone.chooses("driving-licence")
    someone.activates(papers)
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")
    page = someone.page.locator("main")
    assert papers.number not in page.inner_text()
    page.get_by_text(f"{papers.number[:3]}•••••••{papers.number[-2:]}").click()
    assert papers.number in page.inner_text()


@pytest.mark.spec("CO-01")
def test_optional_items_start_unticked_and_only_ticked_ones_are_sent(someone: Someone, running: Running) -> None:
    someone.chooses("driving-licence")
    someone.activates(running.citizen())
    boxes = someone.page.locator('input[name="item"]')
    expect(boxes).to_have_count(2)
    expect(someone.page.locator('input[name="item"]:checked')).to_have_count(0)
    agree = someone.page.get_by_role("button", name="Đồng ý", exact=True)
    refuse = someone.page.get_by_role("button", name="Không đồng ý", exact=True)
    assert agree.get_attribute("class") == refuse.get_attribute("class")
    assert agree.bounding_box()["height"] == refuse.bounding_box()["height"]  # type: ignore[index]
    someone.ticks("address")
    someone.agrees()
    someone.is_at_the_portal()
    assert "12 phố Thử" in someone.fact(someone.portal_word("claim.address"))
    assert someone.fact(someone.portal_word("claim.phone_number")) == someone.portal_word("not_shared")


def test_a_service_that_needs_more_asks_only_for_what_is_new(someone: Someone, running: Running) -> None:
    someone.chooses("electricity-connection")
    someone.activates(running.citizen())
    someone.agrees()
    someone.is_at_the_portal()
    someone.chooses("electricity-connection")  # nothing has changed: nothing is asked
    someone.is_at_the_portal()
    someone.chooses("driving-licence")  # another purpose: asked, though the citizen is logged in
    expect(someone.page).to_have_url(re.compile("/consent"))
    someone.agrees()
    someone.is_at_the_portal()


def test_a_service_of_level_3_says_kindly_what_is_missing(someone: Someone, running: Running) -> None:
    someone.arrives_at_the_portal(running.citizen())
    someone.chooses("secured-transaction")
    someone.sees(
        "%(portal)s cần %(level)s: %(needs)s Khóa truy cập trên điện thoại hoặc máy tính thường chưa đủ. "
        "Nếu không có, hãy quay lại %(portal)s.",
        portal=PORTAL_NAME,
        level="mức độ xác thực 3",
        needs="khóa bảo mật được nhà sản xuất chứng thực và chỉ mở bằng sinh trắc học như vân tay, "
        "không mở bằng mã PIN.",
    )
    someone.signs_in()
    expect(someone.page.get_by_role("heading", level=1)).to_have_text(
        someone.portal_word("problem.unmet_authentication_requirements.title")
    )
    someone.opens(f"{running.portal}/start/login")  # what worked before works still
    someone.is_at_the_portal()


@pytest.mark.spec("LO-03", "LO-04")
def test_logging_out_asks_first_and_ends_both_sessions(someone: Someone, running: Running) -> None:
    someone.arrives_at_the_portal(running.citizen())
    someone.page.get_by_role("button", name=someone.portal_word("sign_out")).click()
    someone.sees_heading("Bạn muốn đăng xuất?")
    someone.presses("Đăng xuất")
    expect(someone.page).to_have_url(f"{running.portal}/")
    expect(someone.page.get_by_role("status")).to_contain_text(someone.portal_word("notice_logged_out"))
    someone.opens("/account")
    someone.sees_heading("Đăng nhập")


def test_who_stays_is_logged_in_at_sen_and_out_at_the_portal(someone: Someone, running: Running) -> None:
    someone.arrives_at_the_portal(running.citizen())
    someone.page.get_by_role("button", name=someone.portal_word("sign_out")).click()
    someone.follows("Ở lại")
    expect(someone.page).to_have_url(f"{running.portal}/")
    expect(someone.page.get_by_role("link", name=someone.portal_word("sign_in"), exact=True)).to_be_visible()
    someone.opens("/account")
    someone.sees_heading("Tài khoản của tôi")
