"""Step-up: a service that takes a fresh login alone asks for one, and the citizen uses the passkey again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.support.browser import Someone
    from tests.support.running import Running

TEN_MINUTES = 600


@pytest.mark.spec("AZ-19")
def test_a_service_that_needs_a_fresh_login_gets_one_and_is_silent_while_it_is_fresh(
    someone: Someone, running: Running
) -> None:
    someone.has_an_account(running.citizen())
    running.ages_sessions(seconds=TEN_MINUTES)
    someone.chooses("login")
    someone.agrees()
    someone.is_at_the_portal()

    open_files = someone.page.get_by_role("link", name=someone.portal_word("files"))
    open_files.click()
    someone.sees_heading("Đăng nhập")
    assert urlsplit(someone.page.url).path == "/login", "the old login is not enough"
    someone.signs_in()
    expect(someone.page).to_have_url(f"{running.portal}/files")
    expect(someone.page.get_by_role("status")).to_have_text(someone.portal_word("files_are_open"))

    visited = len(someone.asked)
    someone.page.goto(f"{running.portal}/files")
    expect(someone.page.get_by_role("status")).to_have_text(someone.portal_word("files_are_open"))
    assert all(url.startswith(running.portal) for url in someone.asked[visited:]), "nobody is asked twice"
