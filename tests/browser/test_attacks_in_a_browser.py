"""What a real browser is used for by somebody who means harm: each attack beside the same act without its poison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.valkey import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Request

    from tests.support.browser import Someone
    from tests.support.running import Running

GONE = "Lần đăng nhập này đã kết thúc"
REFUSED = "Khóa truy cập này chưa dùng được ở đây. Hãy thử lại, hoặc dùng khóa truy cập khác."

FETCH = """async ([address, body]) => {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const reply = await fetch(address, {method: "POST", body: JSON.stringify(body),
    headers: {"Content-Type": "application/json", "X-CSRFToken": token}});
  return [reply.status, await reply.json()];
}"""
"""What a script on one of Sen's own pages can do."""

ASSERT = """async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey ?? options);
  return (await navigator.credentials.get({publicKey})).toJSON();
}"""
"""What a page anywhere can ask of the device of who opened it."""


def posts(page: Page, address: str, **body: Any) -> tuple[int, Any]:
    """Send JSON as a script of the page would; return status and answer."""
    status, answer = page.evaluate(FETCH, [address, body])
    return status, answer


@pytest.mark.spec("WV-10")
def test_an_assertion_that_was_used_is_refused_the_second_time(someone: Someone, running: Running) -> None:
    someone.has_an_account(running.citizen())
    someone.context.clear_cookies(name="sen_session")
    sent: list[Request] = []
    someone.page.on("request", lambda request: sent.append(request) if "passkey/verify" in request.url else None)
    someone.opens("/login")
    someone.signs_in()
    someone.sees_heading("Tài khoản của tôi")
    (request,) = sent
    answer = request.response()
    assert answer is not None
    assert answer.status == 200
    someone.context.clear_cookies(name="sen_session")
    headers = {name: value for name, value in request.all_headers().items() if name in ("x-csrftoken", "content-type")}
    headers |= {"Origin": running.issuer, "Sec-Fetch-Site": "same-origin"}
    for _worker in range(4):
        replayed = someone.context.request.post(request.url, data=request.post_data, headers=headers)
        assert replayed.status == 400
        assert replayed.json()["message"] == REFUSED
    someone.opens("/account")
    someone.sees_heading("Đăng nhập")


@pytest.mark.spec("WV-03")
@pytest.mark.parametrize("is_foreign", [True, False], ids=["on another port", "on Sen itself"])
def test_a_passkey_used_on_a_page_that_relays_the_challenge_logs_nobody_in(
    people: Callable[..., Someone], running: Running, *, is_foreign: bool
) -> None:
    victim, attacker = people(), people(device=False)
    victim.has_an_account(running.citizen())
    attacker.opens("/login")
    status, options = posts(attacker.page, "/login/passkey/options", tx=attacker.transaction())
    assert status == 200
    if is_foreign:  # the same host name, so that the device knows the passkey, and another origin
        address = f"http://localhost:{free_ports(1)[0]}/"
        victim.context.route(address, lambda route: route.fulfill(content_type="text/html", body="<h1>Sen</h1>"))
        victim.opens(address)
    credential = victim.page.evaluate(ASSERT, options)
    status, answer = posts(attacker.page, "/login/passkey/verify", tx=attacker.transaction(), credential=credential)
    assert status == (400 if is_foreign else 200)
    attacker.opens("/account")
    attacker.sees_heading("Đăng nhập" if is_foreign else "Tài khoản của tôi")
    assert ("next" in answer) is not is_foreign


def test_nothing_is_answered_under_another_host_name(someone: Someone, running: Running) -> None:
    other = running.issuer.replace("localhost", "127.0.0.1")
    assert someone.context.request.get(other + "/login").status == 421
    assert someone.context.request.get(running.issuer + "/login").status == 200


@pytest.mark.spec("SS-07")
def test_a_form_that_another_site_sends_is_refused(someone: Someone, running: Running) -> None:
    someone.has_an_account(running.citizen())
    someone.opens("/account/sessions")
    token = someone.page.locator('meta[name="csrf-token"]').get_attribute("content")
    foreign = f"http://localhost:{free_ports(1)[0]}/"
    form = (
        f'<form method="post" action="{running.issuer}/session/stay">'
        f'<input type="hidden" name="csrf_token" value="{token}"><button>Go</button></form>'
    )
    someone.context.route(foreign, lambda route: route.fulfill(content_type="text/html", body=form))
    someone.opens(foreign)
    someone.page.get_by_role("button").click()
    someone.sees_heading("Biểu mẫu không đến từ Sen")
    someone.opens("/account/sessions")
    status, answer = posts(someone.page, "/session/stay")
    assert (status, answer) == (200, {"stays": True})


@pytest.mark.spec("CO-02")
@pytest.mark.parametrize(
    "poison",
    [
        "f => f.shown.value = f.shown.value.split('').reverse().join('')",
        "f => f.insertAdjacentHTML('beforeend', '<input type=hidden name=item value=gender>')",
        "f => f.insertAdjacentHTML('beforeend', '<input type=hidden name=item value=name>')",
        "f => f.shown.remove()",
    ],
    ids=["what was shown changed", "an item added that nobody asked for", "a required item ticked", "nothing shown"],
)
def test_a_consent_that_was_changed_on_its_way_counts_for_nothing(
    someone: Someone, running: Running, poison: str
) -> None:
    someone.chooses("driving-licence")
    someone.activates(running.citizen())
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")
    someone.page.locator("form").evaluate(poison)
    someone.agrees()
    someone.sees_heading("Bạn có đồng ý chia sẻ thông tin này?")  # asked again, nothing recorded
    someone.opens("/account/services")
    someone.sees("Hiện không dịch vụ nào được nhận thông tin của bạn từ Sen.")
    someone.chooses("driving-licence")
    someone.agrees()
    someone.is_at_the_portal()


@pytest.mark.spec("SS-08")
@pytest.mark.parametrize("page", ["login", "activate", "consent", "continue"])
def test_a_login_begun_in_one_browser_goes_no_further_in_another(
    people: Callable[..., Someone], running: Running, page: str
) -> None:
    one, other = people(), people()
    other.has_an_account(running.citizen())
    one.chooses("login")
    address = f"/{page}?tx={one.transaction()}"
    answer = other.page.goto(running.issuer + address)
    assert answer is not None
    assert answer.status == 400
    other.sees_heading(GONE)
    one.opens(address)
    expect(one.page.get_by_role("heading", name=GONE)).to_have_count(0)


@pytest.mark.spec("SS-01")
def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(someone: Someone, running: Running) -> None:
    someone.chooses("login")
    someone.activates(running.citizen())
    cookies = [cookie for cookie in someone.context.cookies(running.issuer) if cookie["name"].startswith("sen_")]
    assert {cookie["name"] for cookie in cookies} == {"sen_session", "sen_browser", "sen_form"}
    for cookie in cookies:
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Lax"
        assert cookie["path"] == "/"
    assert "sen_" not in someone.page.evaluate("document.cookie")


@pytest.mark.spec("SS-02")
def test_a_session_that_stood_before_a_login_is_dead_after_it(someone: Someone, running: Running) -> None:
    someone.has_an_account(running.citizen())
    former = next(cookie for cookie in someone.context.cookies() if cookie["name"] == "sen_session")
    someone.opens("/login")
    someone.signs_in()
    someone.sees_heading("Tài khoản của tôi")
    someone.context.add_cookies([{"name": former["name"], "value": former["value"], "url": running.issuer}])
    someone.opens("/account")
    someone.sees_heading("Đăng nhập")


@pytest.mark.spec("CO-07", "AZ-17")
def test_no_page_can_be_framed(someone: Someone, running: Running) -> None:
    foreign = f"http://localhost:{free_ports(1)[0]}/"
    address = {"framed": f"{running.issuer}/login", "harmless": foreign + "inner"}
    body = "".join(f'<iframe name="{name}" src="{url}" title="{name}"></iframe>' for name, url in address.items())
    someone.context.route(foreign, lambda route: route.fulfill(content_type="text/html", body=body))
    someone.context.route(
        address["harmless"], lambda route: route.fulfill(content_type="text/html", body="<h1>Harmless</h1>")
    )
    someone.opens(foreign)
    framed, harmless = someone.page.frame("framed"), someone.page.frame("harmless")
    assert framed is not None
    assert harmless is not None
    expect(harmless.get_by_role("heading")).to_have_text("Harmless")
    framed.wait_for_load_state()
    assert framed.url == "chrome-error://chromewebdata/"
