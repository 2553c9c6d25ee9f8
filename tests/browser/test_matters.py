"""Matters on the consent page (RFC 9396): read in both languages, given and refused, with and without a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.browser.looking import look
from tests.browser.relying_party import RelyingParty

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.pages.languages import Language
    from tests.support.browser import Someone
    from tests.support.running import Running

MATTERS = [
    {
        "type": "vn_document_share",
        "documents": ["birth_certificate", "residence_confirmation", "land_use_certificate"],
        "recipient": "commune",
        "case_number": "000.00.01.H19-261122-0042",
    },
    {
        "type": "vn_signing_request",
        "document_kind": "authorization_letter",
        "document_name": "Giấy ủy quyền nhận kết quả",
        "document_sha256": "0123456789abcdef" * 4,
    },
]
WORDS: dict[Language, tuple[str, ...]] = {
    "vi": (
        "Việc bạn được đề nghị đồng ý",
        "Chuyển giấy khai sinh, xác nhận thông tin về cư trú, giấy chứng nhận quyền sử dụng đất của bạn cho Ủy ban",
        "Chuẩn bị để bạn ký giấy ủy quyền “Giấy ủy quyền nhận kết quả”.",
    ),
    "en": (
        "What you are asked to agree to",
        "Hand your birth certificate, confirmation of residence, land use right certificate to the People's Committee",
        "Prepare the letter of authority “Giấy ủy quyền nhận kết quả” for your signature.",
    ),
}


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.spec("CO-01", "AZ-17", "RFC 9396 3")
def test_a_matter_is_read_in_words_and_agreed_to(
    people: Callable[..., Someone], running: Running, language: Language
) -> None:
    someone = people(language=language)
    party = RelyingParty.registered(running, authorization_details_types=["vn_document_share", "vn_signing_request"])
    someone.has_an_account(running.citizen())
    asked = orjson.dumps(MATTERS).decode()
    someone.opens(party.asks(scope="openid service:driving-licence", authorization_details=asked))
    for words in WORDS[language]:
        someone.sees(words)
    someone.sees("0123456789abcdef" * 4)
    assert look(someone, "consent with matters") == []
    with someone.page.expect_request(re.compile("/callback\\?")) as answered:
        someone.agrees()
    assert party.redeems(answered.value.url)["authorization_details"] == MATTERS
