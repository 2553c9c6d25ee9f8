"""Logging out in a browser: portals are told in frames and by their servers, and nobody waits for one that is away."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.looking import look
from tests.browser.relying_party import RelyingParty
from tests.support.login.leaving import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from idp.pages.languages import Language
    from tests.support.browser import Someone
    from tests.support.running import Running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a portal's server that frames open."""
    with Receiver() as server:
        yield server


def framed_party(running: Running, receiver: Receiver) -> RelyingParty:
    """Register a portal that is told in a frame, and that people come back from to the demo portal."""
    return RelyingParty.registered(
        running,
        redirect_uris=[f"{running.portal}/callback", f"{receiver.origin}/callback"],
        post_logout_redirect_uris=[f"{running.portal}/me"],
        frontchannel_logout_uri=f"{receiver.origin}/out",
        frontchannel_logout_session_required=True,
    )


def logs_in(someone: Someone, party: RelyingParty) -> str:
    """Log in at a party; return its ID token."""
    someone.opens(party.asks(scope="openid service:driving-licence"))
    with someone.page.expect_request(re.compile("/callback\\?")) as answered:
        someone.agrees()
    return str(party.redeems(answered.value.url)["id_token"])


def asks_to_leave(someone: Someone, party: RelyingParty, **parameters: str) -> None:
    """Come to the logout page as a portal sends people there."""
    back = {"post_logout_redirect_uri": f"{someone.running.portal}/me", **parameters}
    someone.opens(f"/logout?{urlencode({'client_id': party.client_id, **back})}")


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.spec("LO-01", "LO-06")
def test_portals_are_told_in_frames_and_then_the_way_goes_on(
    someone: Someone, running: Running, *, hangs: bool
) -> None:
    with Receiver(hang=threading.Event() if hangs else None) as receiver:
        party = framed_party(running, receiver)
        someone.has_an_account(running.citizen())
        asks_to_leave(someone, party, id_token_hint=logs_in(someone, party))
        someone.presses("Đăng xuất")
        someone.page.wait_for_url(f"{running.portal}/")
        (path,) = receiver.framed
        asked = parse_qs(urlsplit(path).query)
        assert urlsplit(path).path == "/out"
        assert asked["iss"] == [running.issuer]
        assert len(asked["sid"][0]) >= 16
        someone.opens("/account")
        someone.sees_heading("Đăng nhập")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.spec("LO-03")
def test_every_logout_page_is_whole_for_everybody(
    people: Callable[..., Someone], running: Running, receiver: Receiver, language: Language
) -> None:
    someone = people(language=language)
    other = {"client_name#vi": "Cổng kia", "client_name#en": "Other portal"}
    first, second = framed_party(running, receiver), RelyingParty.registered(running, **other)
    someone.has_an_account(running.citizen())
    for party in (first, second):
        logs_in(someone, party)
    asks_to_leave(someone, first)
    found = look(someone, "logout with two portals")
    for link in someone.page.locator("a").all():
        assert "id_token_hint" not in str(link.get_attribute("href"))
    someone.page.locator("li", has_text=re.compile("Cổng kia|Other portal")).get_by_role("button").click()
    found += look(someone, "logout left")
    someone.follows("Đăng xuất khỏi Sen")
    expect(someone.page.get_by_role("heading", level=3)).to_have_count(1)
    asks_to_leave(someone, first)
    someone.presses("Đăng xuất")
    someone.sees_heading("Bạn đã đăng xuất")
    found += look(someone, "logout told in frames")
    expect(someone.page.locator("iframe")).to_have_count(1)
    someone.page.get_by_role("link", name=re.compile("^(Back to|Quay lại)")).click()
    someone.page.wait_for_url(re.compile(re.escape(running.portal)))
    assert found == [], "\n".join(found)


@pytest.mark.spec("LO-01")
def test_without_javascript_portals_are_told_and_a_link_leads_on(
    people: Callable[..., Someone], running: Running, receiver: Receiver
) -> None:
    someone, party = people(), framed_party(running, receiver)
    someone.has_an_account(running.citizen())
    id_token = logs_in(someone, party)
    plain = people(java_script_enabled=False, device=False, storage_state=someone.context.storage_state())
    asks_to_leave(plain, party, id_token_hint=id_token)
    plain.presses("Đăng xuất")
    plain.sees_heading("Bạn đã đăng xuất")
    plain.page.wait_for_load_state("load")
    assert len(receiver.framed) == 1
    plain.follows("Quay lại", exact=False)
    plain.page.wait_for_url(f"{running.portal}/")


@pytest.mark.spec("LO-05", "LO-06")
def test_the_demo_portal_hears_of_a_logout_at_sen(someone: Someone, running: Running) -> None:
    someone.arrives_at_the_portal(running.citizen())
    someone.opens("/logout")
    someone.presses("Đăng xuất")
    someone.sees_heading("Bạn đã đăng xuất")
    for _ in range(600):
        someone.opens(f"{running.portal}/me")
        if someone.page.url == f"{running.portal}/":
            break
        someone.page.wait_for_timeout(100)
    expect(someone.page).to_have_url(f"{running.portal}/")


@pytest.mark.spec("RT-13")
def test_a_portal_is_opened_from_the_account_page(someone: Someone, running: Running) -> None:
    someone.arrives_at_the_portal(running.citizen())
    someone.page.get_by_role("button", name=someone.portal_word("sign_out")).click()
    someone.follows("Ở lại")
    someone.opens("/account/services")
    someone.follows("Mở", exact=False)
    someone.is_at_the_portal()
