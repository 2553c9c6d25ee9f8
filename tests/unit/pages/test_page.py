"""What guards and frames every page: origin and token of a form, headers, languages, errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import pytest

from idp.errors import LoginError, ProtocolError
from idp.pages._error_texts import ERROR_TEXTS, error_text
from idp.pages._shield import form_source
from tests.unit.pages.conftest import ORIGIN, make_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

Kind = TypeVar("Kind")

OUR_FORM = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
"""What a browser sends with a form of a page that sends no Referer."""


def token_of(client: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sample/home").text)
    assert found
    return found[1]


def send(client: FlaskClient, headers: dict[str, str], path: str = "/form") -> TestResponse:
    return client.post(path, data={"csrf_token": token_of(client)}, headers=headers)


@pytest.mark.spec("SS-07")
@pytest.mark.parametrize(
    "headers",
    [
        OUR_FORM,
        {"Origin": ORIGIN},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_form_of_ours_is_taken(browser_client: FlaskClient, headers: dict[str, str]) -> None:
    assert send(browser_client, headers).text == "taken"


@pytest.mark.spec("SS-07")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:8001"},
        {"Origin": ORIGIN + ".evil.example"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-site"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_a_good_token(
    browser_client: FlaskClient, headers: dict[str, str]
) -> None:
    answer = send(browser_client, headers)
    assert answer.status_code == 403
    assert "Biểu mẫu không đến từ Sen" in answer.text


@pytest.mark.spec("SS-07")
def test_a_form_needs_the_token_of_its_own_browser(browser_client: FlaskClient, pages_app_client: FlaskClient) -> None:
    strange = token_of(pages_app_client)
    token_of(browser_client)
    for data in ({}, {"csrf_token": ""}, {"csrf_token": strange}):
        answer = browser_client.post("/form", data=data, headers=OUR_FORM)
        assert answer.status_code == 400
        assert "Trang này đã mở quá lâu" in answer.text
    assert send(browser_client, OUR_FORM).status_code == 200


@pytest.mark.spec("SS-07")
def test_a_script_of_ours_sends_the_token_in_a_header_and_reads_refusals_as_json(browser_client: FlaskClient) -> None:
    good = {"X-CSRFToken": token_of(browser_client)} | OUR_FORM
    assert browser_client.post("/form", json={}, headers=good).text == "taken"
    refused = browser_client.post("/form?lang=en", json={}, headers=OUR_FORM)
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["message"].startswith("To keep you safe")
    assert refused.json["message"].endswith("Load this page again, and start over.")


def test_a_path_that_other_sites_may_post_to_is_named_exactly(browser_client: FlaskClient) -> None:
    elsewhere = {"Origin": "https://portal.example", "Sec-Fetch-Site": "cross-site"}
    assert browser_client.post("/open", headers=elsewhere).text == "taken"
    assert browser_client.post("/form", headers=elsewhere).status_code == 403


@pytest.mark.spec("SS-10", "SS-11", "CO-07")
@pytest.mark.parametrize("path", ["/sample/home", "/no-such-page", "/broken"])
def test_every_answer_is_guarded(browser_client: FlaskClient, path: str) -> None:
    headers = browser_client.get(path).headers
    policy = headers["Content-Security-Policy"]
    for rule in (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self';",
        "style-src 'self'",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]
    assert "publickey-credentials-get=(self)" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


@pytest.mark.spec("SS-11")
def test_nonces_are_never_the_same_twice(browser_client: FlaskClient) -> None:
    policies = {browser_client.get("/sample/login").headers["Content-Security-Policy"] for _time in range(5)}
    assert len(policies) == 5


@pytest.mark.spec("SS-01", "SS-11")
def test_over_tls_browsers_remember_it_and_cookies_belong_to_this_host_alone() -> None:
    client = make_app(origin="https://sen.example").test_client()
    answer = client.get("/sample/home?lang=en", base_url="https://sen.example")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_static_files_are_kept_by_their_digest(browser_client: FlaskClient) -> None:
    found = re.search(r'href="(/static/sen\.css\?v=[0-9a-f]{12})"', browser_client.get("/sample/home").text)
    assert found
    with browser_client.get(found[1]) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    missing = browser_client.get("/static/../base.html")
    assert missing.status_code == 404
    assert missing.headers["Cache-Control"] == "no-store"


def test_a_form_may_end_at_the_portal_that_the_page_names(browser_client: FlaskClient) -> None:
    answer = browser_client.get("/sample/consent?target=http://localhost:8001/callback?a=b")
    assert "form-action 'self' http://localhost:8001;" in answer.headers["Content-Security-Policy"]


def test_form_targets_become_sources_that_a_policy_understands() -> None:
    assert form_source("https://portal.example/cb?x=1") == "https://portal.example"
    assert form_source("https://portal.example") == "https://portal.example"
    assert form_source("http://[::1]:5000/cb") == "http:"
    assert form_source("vn.gov.app:/cb") == "vn.gov.app:"
    assert form_source("vn.gov.app://") == "vn.gov.app:"


@pytest.mark.parametrize(
    "target", ["https://a.example; script-src *", "https://a.example *", "/relative", "", "https://a\n"]
)
def test_a_form_target_cannot_break_out_of_the_policy(target: str) -> None:
    with pytest.raises(ValueError, match="policy"):
        form_source(target)


def test_a_click_on_the_switch_is_kept_through_the_flow(browser_client: FlaskClient) -> None:
    assert 'lang="vi"' in browser_client.get("/sample/login?tx=1").text
    assert '<html lang="en">' in browser_client.get("/sample/login?tx=1&lang=en").text
    assert '<html lang="en">' in browser_client.get("/sample/consent").text
    assert '<html lang="en">' in browser_client.get("/no-such-page").text
    assert '<html lang="vi">' in browser_client.get("/sample/consent?lang=vi").text


def test_the_portals_wish_is_honoured_until_the_citizen_chooses(browser_client: FlaskClient) -> None:
    assert '<html lang="en">' in browser_client.get("/sample/home?ui_locales=en").text
    browser_client.get("/sample/home?lang=vi")
    assert '<html lang="vi">' in browser_client.get("/sample/home?ui_locales=en").text


@pytest.mark.spec("HT-07")
def test_an_odd_language_sets_no_cookie_and_shows_vietnamese(browser_client: FlaskClient) -> None:
    answer = browser_client.get("/sample/home?lang={{7*7}}", headers={"Accept-Language": "en"})
    assert '<html lang="vi">' in answer.text
    assert not [cookie for cookie in answer.headers.getlist("Set-Cookie") if "lang" in cookie]


def test_the_switch_keeps_the_query_and_never_names_another_host(browser_client: FlaskClient) -> None:
    html = browser_client.get("/sample/login-account?tx=a%22b&lang=vi&tx=c").text
    assert 'href="/login?tx=transaction&amp;lang=en"' in html
    home = browser_client.get("/sample/home?tx=a%22b&lang=vi&tx=c").text
    assert 'href="?tx=a%22b&amp;tx=c&amp;lang=en"' in home


@pytest.mark.spec("HT-10")
def test_what_breaks_shows_a_page_with_an_incident_number_and_nothing_private(browser_client: FlaskClient) -> None:
    answer = browser_client.get("/broken")
    assert answer.status_code == 500
    assert "Có lỗi ở phía chúng tôi" in answer.text
    assert "Mã sự việc" in answer.text
    assert "private" not in answer.text
    assert "099305000017" not in answer.text


def test_an_error_says_what_happened_what_to_do_and_how_long_to_wait(browser_client: FlaskClient) -> None:
    answer = browser_client.get("/tired?lang=en")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "61"
    for words in ("Please wait a while", "What you can do", "Wait about 2 minutes.", "Incident number"):
        assert words in answer.text


def test_a_protocol_error_becomes_a_page_for_people(browser_client: FlaskClient) -> None:
    answer = browser_client.get("/denied")
    assert answer.status_code == 403
    assert "Bạn không thể làm việc này" in answer.text
    assert "private" not in answer.text


def test_a_method_that_is_not_allowed_says_which_is(browser_client: FlaskClient) -> None:
    answer = browser_client.get("/form")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_every_reason_has_a_text_and_an_unknown_one_falls_back_by_its_status() -> None:
    assert error_text("never heard of", status=400) == ERROR_TEXTS["invalid_request"]
    assert error_text("never heard of", status=502) == ERROR_TEXTS["server_error"]
    assert error_text("never heard of", status=404) == ERROR_TEXTS["404"]
    for reason, text in ERROR_TEXTS.items():
        assert error_text(reason, status=400) == text
        assert text.can_do


def test_every_text_belongs_to_an_error_that_there_is() -> None:
    known = {error.reason for error in kinds_of(LoginError)} | {error.code for error in kinds_of(ProtocolError)}
    others = {"form_expired", "foreign_form", "404", "405", "413"}
    assert ERROR_TEXTS.keys() - known == others


def kinds_of(error: type[Kind]) -> set[type[Kind]]:
    """Return the classes below an error."""
    below = set(error.__subclasses__())
    return below.union(*(kinds_of(kind) for kind in below))


def test_pages_do_not_start_without_a_secret_key() -> None:
    from flask import Flask  # noqa: PLC0415  only here

    from idp.pages._page import Pages, protect  # noqa: PLC0415  only here
    from tests.unit.pages.test_languages import LANGUAGES  # noqa: PLC0415  only here

    pages = Pages(languages=LANGUAGES, expected_origin=ORIGIN, session_warning_seconds=1)
    with pytest.raises(ValueError, match="secret key"):
        protect(Flask("empty"), pages=pages)
