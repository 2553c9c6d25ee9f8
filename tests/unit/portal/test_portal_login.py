"""The demo portal as a relying party: what it sends, what it shows, and which answers it does not believe."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwk

if TYPE_CHECKING:
    from types import ModuleType

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.support.foreign.lying_provider import Provider


def begin(browser: FlaskClient, provider: Provider, service: str = "e-tax") -> dict[str, str]:
    """Choose a service and return what a truthful provider would send back to the portal."""
    answer = browser.get(f"/start/{service}")
    assert answer.status_code == 303
    address = urlsplit(answer.headers["Location"])
    if not provider.wants_pushed_requests:
        provider.pushed = dict(parse_qsl(address.query))
    return {"code": secrets.token_urlsafe(8), "state": provider.pushed["state"], "iss": provider.issuer}


def come_back(browser: FlaskClient, answer: dict[str, str]) -> TestResponse:
    """Follow the provider's redirect to the portal, and the portal's to its page."""
    return browser.get("/callback", query_string=answer, follow_redirects=True)


def sign_in(browser: FlaskClient, provider: Provider, service: str = "e-tax") -> TestResponse:
    return come_back(browser, begin(browser, provider, service))


def test_choosing_a_service_pushes_the_whole_request_and_shows_the_browser_none_of_it(
    browser: FlaskClient, provider: Provider
) -> None:
    address = urlsplit(browser.get("/start/secured-transaction").headers["Location"])
    assert set(dict(parse_qsl(address.query))) == {"client_id", "request_uri"}
    asked = provider.pushed
    assert asked["scope"] == "openid service:secured-transaction"
    assert asked["acr_values"] == "LoA3"
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://localhost:8001/callback"
    assert asked["ui_locales"] == "vi"
    assert len(asked["nonce"]) >= 16
    assert len(asked["state"]) >= 16


def test_without_pushed_requests_in_discovery_the_browser_carries_the_request(
    browser: FlaskClient, provider: Provider
) -> None:
    provider.wants_pushed_requests = False
    assert "Nguyễn Thị An" in sign_in(browser, provider).text
    assert provider.pushed["code_challenge_method"] == "S256"


def test_a_login_shows_the_person_the_level_and_what_was_shared(browser: FlaskClient, provider: Provider) -> None:
    page = sign_in(browser, provider, "household-business").text
    for text in ("Nguyễn Thị An", "099••••••017", "14/02/2005", "Nữ", "Số 1, phố Thử, Hà Nội", "Không được chia sẻ"):
        assert text in page
    assert "pairwise-of-an" in page
    assert len(provider.assertions) == 2


def test_a_second_service_is_shown_beside_the_first_and_ends_at_log_out(
    browser: FlaskClient, provider: Provider
) -> None:
    sign_in(browser, provider, "login")
    page = sign_in(browser, provider, "e-tax").text
    assert 'id="login"' in page
    assert 'id="e-tax"' in page

    answer = browser.post("/logout")
    address = urlsplit(answer.headers["Location"])
    sent = dict(parse_qsl(address.query))
    assert f"{address.scheme}://{address.netloc}{address.path}" == provider.issuer + "/end_session"
    assert sent.keys() == {"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}
    assert browser.get("/me").status_code == 303
    back = browser.get("/logged-out", query_string={"state": sent["state"]}, follow_redirects=True)
    assert "Bạn đã đăng xuất" in back.text
    assert "Bạn đã đăng xuất" not in browser.get("/logged-out?state=forged", follow_redirects=True).text


def test_another_person_in_the_same_browser_sees_nothing_of_the_first(browser: FlaskClient, provider: Provider) -> None:
    sign_in(browser, provider, "login")
    provider.userinfo = {"sub": "pairwise-of-binh", "name": "Trần Văn Bình"}
    provider.lies = {"claims": {"sub": "pairwise-of-binh"}}
    page = sign_in(browser, provider, "e-tax").text
    assert "Trần Văn Bình" in page
    assert "Nguyễn Thị An" not in page


def test_the_cookie_holds_no_token_and_its_name_changes_at_every_login(
    browser: FlaskClient, provider: Provider
) -> None:
    seen = []
    for _ in range(2):
        sign_in(browser, provider)
        cookie = browser.get_cookie("portal")
        assert cookie is not None
        assert cookie.http_only
        assert len(cookie.value) < 400
        with browser.session_transaction() as session:
            assert session.keys() <= {"id", "asked", "lang"}
            seen.append(session["id"])
    assert seen[0] != seen[1]
    with browser.session_transaction() as session:
        session["id"] = seen[0]
    assert browser.get("/me").status_code == 303


FORGED = jwk.ECKey.generate_key("P-256", {"kid": "provider", "alg": "ES256"})


@pytest.mark.parametrize(
    ("lies", "title"),
    [
        pytest.param({"claims": {"acr": "LoA1"}}, "Mức độ xác thực chưa đủ", id="a lower level"),
        pytest.param({"claims": {"nonce": "another"}}, "Không kiểm tra được", id="another nonce"),
        pytest.param({"claims": {"aud": "another"}}, "Không kiểm tra được", id="another audience"),
        pytest.param({"claims": {"iss": "http://127.0.0.1:1"}}, "Không kiểm tra được", id="another issuer"),
        pytest.param({"claims": {"exp": 1}}, "Không kiểm tra được", id="too old"),
        pytest.param({"claims": {"sub": "another"}}, "Không kiểm tra được", id="userinfo of another person"),
        pytest.param({"key": FORGED}, "Không kiểm tra được", id="signed by another key"),
    ],
)
def test_an_answer_that_does_not_hold_signs_nobody_in(
    browser: FlaskClient, provider: Provider, lies: dict[str, Any], title: str
) -> None:
    provider.lies = lies
    assert title in sign_in(browser, provider).text
    assert browser.get("/me").status_code == 303

    provider.lies = {}
    assert "Nguyễn Thị An" in sign_in(browser, provider).text


@pytest.mark.parametrize("change", [{"iss": "http://evil.example"}, {"iss": ""}, {"state": "forged"}, {"state": ""}])
def test_an_answer_from_elsewhere_or_to_nothing_is_not_taken(
    browser: FlaskClient, provider: Provider, change: dict[str, str]
) -> None:
    true_answer = begin(browser, provider)
    come_back(browser, true_answer | change)
    assert browser.get("/me").status_code == 303
    assert len(provider.assertions) == 1, "the code must not have been used"

    assert "Nguyễn Thị An" in come_back(browser, true_answer).text


def test_an_answer_counts_once_and_only_in_the_browser_that_began(
    portal: ModuleType, browser: FlaskClient, provider: Provider
) -> None:
    answer = begin(browser, provider)
    assert "không còn" in come_back(portal.app.test_client(), answer).text
    assert "Nguyễn Thị An" in come_back(browser, answer).text
    assert "không còn" in come_back(browser, answer).text


def test_a_refusal_is_told_kindly_with_a_way_to_try_again(browser: FlaskClient, provider: Provider) -> None:
    answer = begin(browser, provider, "customs")
    del answer["code"]
    page = come_back(browser, answer | {"error": "access_denied", "error_description": "<b>no</b>"}).text
    assert "Bạn đã dừng lại" in page
    assert 'href="/start/customs"' in page
    assert "<b>no" not in page


def test_a_level_out_of_reach_is_explained_and_the_portal_goes_on(browser: FlaskClient, provider: Provider) -> None:
    provider.lies = {"par_error": "unmet_authentication_requirements"}
    page = browser.get("/start/secured-transaction", follow_redirects=True).text
    assert "mức độ xác thực cao hơn" in page
    assert 'href="/start/secured-transaction"' in page


def test_a_provider_that_does_not_answer_is_not_the_persons_fault(
    portal: ModuleType, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal.oauth.sen, "_server_metadata_url", "http://127.0.0.1:1/")
    page = browser.get("/start/login", follow_redirects=True).text
    assert "Chưa kết nối được với hệ thống định danh" in page
