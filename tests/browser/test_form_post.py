"""The page that posts an answer: it sends itself, its button does the same, and it posts nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import expect

from tests.browser.looking import look
from tests.browser.relying_party import RelyingParty

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from idp.pages.languages import Language
    from tests.support.browser import Someone
    from tests.support.running import Running

ADDRESS = "https://forms.example/callback"
SCRIPT = "**/static/form_post.js*"
ARRIVED = "<!doctype html><html lang=vi><title>Cổng</title><h1>Đã nhận</h1>"


SENDS = """([address, fields]) => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: address});
  for (const [name, value] of fields) {
    form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
  }
  document.body.append(form);
  form.submit();
}"""


class FormParty(RelyingParty):
    """A relying party that has its answers posted."""

    @property
    def redirect_uri(self) -> str:
        """Where the form ends."""
        return ADDRESS


class Portal:
    """What stands at the redirect address: it keeps what is posted."""

    def __init__(self, someone: Someone) -> None:
        """Stand there for one person's browser."""
        self.posted: list[dict[str, str]] = []
        someone.page.route(f"{ADDRESS}**", self._take)

    def _take(self, route: Route) -> None:
        request = route.request
        assert (request.method, request.url) == ("POST", ADDRESS)
        assert "referer" not in request.headers
        self.posted.append(dict(parse_qsl(request.post_data or "", strict_parsing=True)))
        route.fulfill(body=ARRIVED, content_type="text/html; charset=utf-8")


def waits(route: Route) -> None:
    """Let the script of the page do nothing, as on a machine that is slow to fetch it."""
    route.fulfill(body="", content_type="text/javascript")


def cookies_of(someone: Someone) -> dict[str, str]:
    """Return what Sen keeps at a person's browser."""
    return {cookie["name"]: cookie["value"] for cookie in someone.context.cookies(someone.running.issuer)}


@pytest.fixture
def party(running: Running) -> FormParty:
    """Give a relying party that has its answers posted."""
    return FormParty.registered(running)


def test_an_answer_posts_itself_after_a_login_and_an_agreement(
    people: Callable[..., Someone], running: Running, party: FormParty
) -> None:
    someone = people()
    portal = Portal(someone)
    someone.has_an_account(running.citizen())
    someone.page.goto(party.asks(scope="openid service:driving-licence", response_mode="form_post", state="mine"))
    someone.agrees()
    expect(someone.page.get_by_role("heading", level=1)).to_have_text("Đã nhận")
    someone.page.goto(party.asks(scope="openid service:driving-licence", response_mode="form_post", state="again"))
    expect(someone.page.get_by_role("heading", level=1)).to_have_text("Đã nhận")
    first, second = portal.posted
    assert (set(first), first["state"], first["iss"]) == ({"code", "state", "iss"}, "mine", running.issuer)
    assert second["state"] == "again"


def test_without_javascript_its_button_sends_the_answer(
    people: Callable[..., Someone], running: Running, party: FormParty
) -> None:
    owner = people()
    owner.has_an_account(running.citizen())
    plain = people(java_script_enabled=False, device=False, storage_state=owner.context.storage_state())
    portal = Portal(plain)
    plain.page.goto(party.asks(scope="openid service:driving-licence", response_mode="form_post.jwt"))
    plain.refuses()
    plain.sees("Nếu trang không tự chuyển, hãy bấm nút bên dưới.")
    assert portal.posted == []
    plain.page.get_by_role("button", name="Tiếp tục đến Cổng thử nghiệm").focus()
    plain.page.keyboard.press("Enter")
    expect(plain.page.get_by_role("heading", level=1)).to_have_text("Đã nhận")
    assert [set(said) for said in portal.posted] == [{"response"}]


@pytest.mark.spec("AZ-27")
def test_a_form_of_another_site_finds_who_is_logged_in(
    people: Callable[..., Someone], running: Running, party: FormParty
) -> None:
    someone = people()
    portal = Portal(someone)
    someone.has_an_account(running.citizen())
    someone.page.goto(party.asks(scope="openid service:driving-licence", response_mode="form_post"))
    someone.agrees()
    expect(someone.page.get_by_role("heading", level=1)).to_have_text("Đã nhận")
    before = cookies_of(someone)
    address, _, query = party.asks(
        scope="openid service:driving-licence", prompt="none", response_mode="form_post"
    ).partition("?")
    with someone.page.expect_response(ADDRESS):
        someone.page.evaluate(SENDS, [address, parse_qsl(query)])
    assert [set(said) for said in portal.posted] == [{"code", "state", "iss"}] * 2
    assert cookies_of(someone) == before
    assert any("/authorize?" in url and "request_uri=" in url for url in someone.asked), "cookies came with the form"


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.spec("AZ-17")
def test_the_page_is_whole_for_everybody(
    people: Callable[..., Someone], running: Running, party: FormParty, language: Language
) -> None:
    someone = people(language=language)
    someone.page.route(SCRIPT, waits)
    someone.has_an_account(running.citizen())
    someone.page.goto(party.asks(scope="openid service:driving-licence", response_mode="form_post"))
    someone.agrees()
    someone.sees("Nếu trang không tự chuyển, hãy bấm nút bên dưới.")
    found = look(someone, "form post")
    assert found == [], "\n".join(found)
    assert someone.foreign_hosts() == set()


@pytest.mark.spec("SS-10")
def test_a_form_that_was_tampered_with_goes_nowhere_else(
    people: Callable[..., Someone], running: Running, party: FormParty
) -> None:
    someone = people()
    someone.page.route(SCRIPT, waits)
    someone.has_an_account(running.citizen())
    someone.page.goto(party.asks(scope="openid service:driving-licence", response_mode="form_post"))
    someone.agrees()
    someone.sees("Nếu trang không tự chuyển, hãy bấm nút bên dưới.")
    with someone.page.expect_console_message(lambda message: "form-action" in message.text):
        someone.page.evaluate("""() => {
          const form = document.getElementById("answer");
          form.action = "https://elsewhere.example/";
          form.submit();
        }""")
    assert not [url for url in someone.asked if "elsewhere" in url]
    (_,) = someone.complaints
    someone.complaints.clear()
