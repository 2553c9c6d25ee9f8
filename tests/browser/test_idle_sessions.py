"""A session that nobody uses: the page warns, who is there stays, and a time-out keeps what the portal asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.looking import look
from tests.support.browser import Someone
from tests.support.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

IDLE_SECONDS, WARNING_SECONDS = 24, 20
TIMED_OUT = "Phiên đăng nhập đã hết hạn vì lâu không dùng, hoặc đã được kết thúc ở nơi khác."


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a Sen whose sessions end soon; a busy machine has twenty seconds to press the button."""
    short = {"SEN_SESSIONS__IDLE_SECONDS": str(IDLE_SECONDS), "SEN_SESSIONS__WARNING_SECONDS": str(WARNING_SECONDS)}
    started = Running.start(tmp_path_factory.mktemp("hasty"), **short)
    yield started
    started.end()


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.spec("SS-04")
def test_the_page_warns_two_minutes_before_the_fifteenth(
    people: Callable[..., Someone], running: Running, language: str
) -> None:
    someone = people(language=language)
    someone.page.clock.install()
    someone.has_an_account(running.citizen())
    dialog = someone.page.get_by_role("dialog")
    someone.page.clock.run_for("12:00")  # what passes by itself comes on top
    expect(dialog).to_be_hidden()
    someone.page.clock.run_for("01:02")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text(someone.word("Bạn còn ở đó không?"))
    assert look(someone, "session warning", is_weighed=False) == []
    someone.page.clock.run_for("01:00")
    expect(dialog.get_by_role("status")).to_contain_text(someone.word("Còn {n} giây.").partition("{")[0])
    someone.presses("Ở lại")
    expect(dialog).to_be_hidden()
    someone.page.clock.run_for("12:00")
    expect(dialog).to_be_hidden()
    someone.page.clock.run_for("02:00")
    expect(dialog).to_be_visible()
    someone.page.keyboard.press("Escape")  # whoever presses a key is there
    expect(dialog).to_be_hidden()
    someone.sees_heading("Tài khoản của tôi")


@pytest.mark.spec("SS-04")
def test_a_time_out_clears_the_page_says_why_and_keeps_what_the_portal_asked(chromium: Browser, hasty: Running) -> None:
    someone = Someone.at(chromium, hasty)
    someone.chooses("driving-licence")
    someone.activates(hasty.citizen())
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")
    dialog = someone.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    someone.presses("Ở lại")
    expect(dialog).to_be_hidden()
    expect(dialog).to_be_visible()
    heading = someone.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Đăng nhập")
    someone.sees(TIMED_OUT)
    someone.signs_in()
    someone.agrees()
    someone.is_at_the_portal()
    assert someone.complaints == []
    someone.leaves()
