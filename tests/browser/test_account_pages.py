"""The citizen's own pages: passkeys, who has my data, where I am logged in, what has happened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.relying_party import RelyingParty
from tests.support.demo import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.browser import Someone
    from tests.support.running import Running


def test_a_passkey_is_added_named_used_and_removed(people: Callable[..., Someone], running: Running) -> None:
    someone = people()
    someone.has_an_account(running.citizen())
    someone.sees("Bạn mới có một khóa truy cập (passkey).")
    key = someone.takes_a_device(transport="usb")
    someone.adds_a_passkey_on(key)
    cards = someone.page.locator("li:has(a.stop)")
    names = [heading.inner_text().partition("Đang dùng")[0].strip() for heading in cards.get_by_role("heading").all()]
    assert names == ["Máy tính Linux", "Máy tính Linux 2"]
    new = cards.filter(has_not_text="Đang dùng lúc này")
    new.locator("summary").click()
    new.get_by_label("Tên mới").fill("Khóa trong ngăn kéo")
    new.get_by_role("button", name="Lưu").click()
    expect(someone.page.get_by_role("heading", name="Khóa trong ngăn kéo")).to_be_visible()
    someone.sees("Đã đổi tên khóa truy cập.")
    cards.filter(has_text="Đang dùng lúc này").get_by_role("link", name="Xóa").click()
    someone.sees("Bạn đang dùng khóa này: bạn sẽ được đăng xuất.")
    someone.sees("Khóa trong ngăn kéo")
    someone.presses("Xóa khóa này")
    someone.sees_heading("Đăng nhập")
    someone.sees("Đã xóa khóa truy cập, và bạn đã được đăng xuất.")
    phone = someone.devices[0]
    key.is_left_untouched()
    someone.has_little_patience(milliseconds=5000)
    someone.presses("Đăng nhập bằng khóa truy cập (passkey)")
    someone.is_told("Khóa truy cập này chưa dùng được ở đây. Hãy thử lại, hoặc dùng khóa truy cập khác.")
    phone.is_taken_away()
    key.is_touched_again()
    someone.signs_in()
    someone.opens("/account/passkeys")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("Khóa trong ngăn kéo")


def test_who_removes_a_passkey_that_is_not_in_use_stays_logged_in_and_is_told(
    someone: Someone, running: Running
) -> None:
    someone.has_an_account(running.citizen())
    someone.adds_a_passkey_on(someone.takes_a_device(transport="usb"))
    someone.sees("Đã thêm khóa truy cập.")
    cards = someone.page.locator("li:has(a.stop)")
    cards.filter(has_not_text="Đang dùng lúc này").get_by_role("link", name="Xóa").click()
    someone.presses("Xóa khóa này")
    someone.sees("Đã xóa khóa truy cập. Khóa đó không đăng nhập được nữa.")
    expect(cards).to_have_count(1)


def test_the_last_passkey_cannot_be_removed(someone: Someone, running: Running) -> None:
    someone.has_an_account(running.citizen())
    someone.opens("/account/passkeys")
    someone.page.locator("a.stop").click()
    someone.sees_heading("Đây là khóa truy cập duy nhất của bạn")
    expect(someone.page.get_by_role("button", name="Xóa khóa này")).to_have_count(0)
    someone.follows("Thêm khóa truy cập")
    expect(someone.page.get_by_role("heading", name="Thêm khóa truy cập")).to_be_in_viewport()


@pytest.mark.spec("CO-04", "RT-07", "TK-16")
def test_a_withdrawn_consent_reaches_the_tokens_that_rest_on_it(someone: Someone, running: Running) -> None:
    party = RelyingParty.registered(running)
    someone.has_an_account(running.citizen())
    someone.opens(party.asks(scope="openid service:driving-licence offline_access", prompt="consent"))
    someone.ticks("offline_access")
    with someone.page.expect_request(re.compile("/callback\\?")) as answered:
        someone.agrees()
    tokens = party.redeems(answered.value.url)
    assert party.asks_userinfo(tokens["access_token"]).status_code == 200
    refreshed = party.refreshes(tokens["refresh_token"])
    assert refreshed.status_code == 200
    someone.opens("/account/services")
    someone.sees("Đổi giấy phép lái xe")
    someone.follows("Rút lại", exact=False)
    someone.sees("việc đã làm trước đó vẫn hợp lệ")
    someone.presses("Rút lại")
    someone.sees("Đã rút lại sự đồng ý.")
    for token in (tokens["access_token"], refreshed.json()["access_token"]):
        assert party.asks_userinfo(token).status_code == 401
    assert party.refreshes(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    someone.opens(party.asks(scope="openid service:driving-licence"))
    someone.sees_heading("Bạn đã rút lại sự đồng ý trước đây")


@pytest.mark.spec("RT-13", "SS-06")
def test_other_sessions_are_seen_and_ended(people: Callable[..., Someone], running: Running) -> None:
    someone, at_work, at_the_library = people(), people(), people()
    someone.has_an_account(running.citizen())
    for other, lender in ((at_work, someone), (at_the_library, at_work)):
        other.borrows(lender.devices[0])
        other.opens("/login")
        other.signs_in()
        other.sees_heading("Tài khoản của tôi")
    someone.opens("/account/sessions")
    ends = someone.page.get_by_role("button", name="Kết thúc phiên")
    expect(ends).to_have_count(2)
    ends.first.click()
    expect(ends).to_have_count(1)
    someone.sees("Đã kết thúc phiên đăng nhập.")
    someone.presses("Đăng xuất khỏi tất cả thiết bị khác")
    expect(ends).to_have_count(0)
    for other in (at_work, at_the_library):
        other.opens("/account")
        other.sees_heading("Đăng nhập")
        other.sees("hoặc đã được kết thúc ở nơi khác")
    someone.opens("/account")
    someone.sees_heading("Tài khoản của tôi")


def test_the_history_tells_what_happened_newest_first_and_with_a_code_to_read_out(
    someone: Someone, running: Running
) -> None:
    someone.chooses("driving-licence")
    someone.activates(running.citizen())
    someone.refuses()
    someone.chooses("driving-licence")
    someone.agrees()
    someone.is_at_the_portal()
    someone.opens("/account/activity")
    someone.sees("Trang này hiện nhiều nhất 100 việc gần đây.")
    told = someone.page.locator("li.line strong").all_inner_texts()
    assert told[:3] == [
        "Đã gửi thông tin mà bạn đồng ý",
        "Đã đồng ý chia sẻ thông tin",
        "Đã từ chối chia sẻ thông tin",
    ]
    assert set(told[3:]) == {"Đã đăng nhập", "Đã tạo khóa truy cập mới", "Đã kích hoạt tài khoản"}
    first = someone.page.locator("li.line").first
    expect(first).to_contain_text("Cổng Dịch vụ công quốc gia (bản thử nghiệm): Đổi giấy phép lái xe")
    code = someone.page.locator("li.line .code").first.inner_text()
    assert until(lambda: code in running.demo.log())


@pytest.mark.spec("SS-09")
def test_passkeys_are_changed_only_soon_after_a_login(someone: Someone, running: Running) -> None:
    someone.has_an_account(running.citizen())
    running.ages_sessions(seconds=301)
    someone.opens("/account/passkeys")
    someone.presses("Thêm khóa truy cập")
    someone.sees("Để thay đổi khóa truy cập, hãy đăng nhập lại một lần nữa.")
    someone.signs_in()
    someone.sees_heading("Khóa truy cập (passkey) của tôi")


@pytest.mark.spec("SS-10")
def test_nothing_of_the_account_is_left_in_the_browser_after_the_logout(someone: Someone, running: Running) -> None:
    papers = running.citizen()
    someone.has_an_account(papers)
    someone.follows("Đăng xuất")
    someone.presses("Đăng xuất")
    someone.sees_heading("Bạn đã đăng xuất")
    someone.page.go_back()
    someone.page.go_back()
    someone.sees_heading("Đăng nhập")
    assert papers.name not in someone.page.content()
