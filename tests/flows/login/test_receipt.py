"""The citizen's receipt for a consent: to read in both languages, to keep with our signature, for nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jwt
import pytest

from tests.support.house import ISSUER, House, members
from tests.support.login.own_pages import OwnPages, citizen_id_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import ACitizen

LICENCE = "openid service:driving-licence"
BYE = "https://portal.example/bye"


def consent_of(citizen: ACitizen) -> str:
    """Return the id behind the first link to a receipt."""
    found = re.search(r"receipt\?consent=([0-9a-f-]{36})", citizen.browser.get("/account/services").text)
    assert found
    return found[1]


def receipt_file(citizen: ACitizen, consent_id: str) -> TestResponse:
    return citizen.browser.get("/account/receipt/file", query_string={"consent": consent_id})


@pytest.fixture
def agreed(house: House, citizen: ACitizen) -> str:
    """Let the citizen agree to a purpose, and give the consent's id."""
    login = house.registers_portal().asks(scope=f"{LICENCE} offline_access")
    members(login.redeem(citizen.arrives(login, "offline_access")))
    return consent_of(citizen)


@pytest.mark.spec("CO-06")
@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "vi",
            (
                "Biên nhận đồng ý",
                "Đổi giấy phép lái xe",
                "- Dùng thông tin khi bạn không đăng nhập (tùy chọn",
                "không đồng ý chia sẻ",
            ),
        ),
        (
            "en",
            (
                "Receipt for your consent",
                "Who receives the information: ",
                "- Use of the information while you are not logged in (optional",
            ),
        ),
    ],
)
def test_a_receipt_says_who_gets_what_why_and_on_which_basis(
    citizen: ACitizen, agreed: str, language: str, words: tuple[str, ...]
) -> None:
    page = citizen.browser.get("/account/receipt", query_string={"consent": agreed, "lang": language})
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    for text in (*words, "91/2025/QH15"):
        assert text in page.text


@pytest.mark.spec("CO-06")
def test_anybody_can_check_a_kept_receipt_with_our_published_keys(house: House, citizen: ACitizen, agreed: str) -> None:
    kept = receipt_file(citizen, agreed)
    assert kept.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="sen-\d{8}-[0-9a-f]{6}\.txt"', kept.headers["Content-Disposition"])
    token = kept.text.strip().rpartition("\n")[2]
    keys = jwt.PyJWKSet.from_dict(members(house.browser().get("/jwks")))
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "consent-receipt+jwt"
    claims = jwt.decode(token, keys[header["kid"]], algorithms=["ES256"], issuer=ISSUER)
    assert claims["jti"] == agreed
    granted = {item["claim"] for item in claims["items"] if item["granted"]}
    assert {"name", "offline_access"} <= granted
    assert "address" not in granted
    assert citizen_id_of(house, citizen) not in kept.text


@pytest.mark.spec("CO-04")
def test_what_was_withdrawn_stays_on_the_page_and_its_receipt_says_so(citizen: ACitizen, agreed: str) -> None:
    OwnPages(citizen.browser).sends("/account/withdraw", consent=agreed)
    assert consent_of(citizen) == agreed
    page = citizen.browser.get("/account/services", query_string={"lang": "vi"}).text
    assert "Đã rút lại hoặc hết hạn" in page
    assert f"withdraw?consent={agreed}" not in page
    assert "Đã rút lại lúc: " in citizen.browser.get("/account/receipt", query_string={"consent": agreed}).text
    assert receipt_file(citizen, agreed).status_code == 200


@pytest.mark.spec("RT-13")
@pytest.mark.parametrize("path", ["/account/receipt", "/account/receipt/file"])
def test_nobody_sees_the_receipt_of_another(house: House, citizen: ACitizen, agreed: str, path: str) -> None:
    stranger = house.activates_citizen()
    unknown = "01900000-0000-7000-8000-000000000000"
    answers = [stranger.browser.get(path, query_string={"consent": asked}) for asked in (agreed, unknown, "", "x" * 99)]
    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {(303, "/account/services")}
    assert stranger.browser.get(path, query_string={"consent": "a\x00b"}).status_code == 400
    assert citizen.browser.get(path, query_string={"consent": agreed}).status_code == 200
    nobody = house.browser().get(path, query_string={"consent": agreed})
    assert nobody.status_code == 303
    assert nobody.headers["Location"].startswith("/login?tx=")


def test_a_receipt_is_taken_for_no_token(house: House, citizen: ACitizen, agreed: str) -> None:
    portal = house.registers_portal()
    token = receipt_file(citizen, agreed).text.strip().rpartition("\n")[2]
    assert portal.asks_userinfo(token).status_code == 401
    left = citizen.browser.get("/logout", query_string={"id_token_hint": token, "post_logout_redirect_uri": BYE})
    assert left.status_code == 200
    assert BYE not in left.text
