"""What the consent page shows and what the record keeps are the same sentences, in the same order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest

from idp.pages.languages import day
from idp.relying_parties.client import UNVERIFIED_OWNER
from tests.support.house import TX, House, answered
from tests.support.login.own_pages import citizen_id_of

if TYPE_CHECKING:
    from tests.support.house import ACitizen, Login, Portal

LICENCE, BIRTH = "openid service:driving-licence", "openid service:birth-registration"
MATTERS: list[dict[str, Any]] = [
    {
        "type": "vn_document_share",
        "documents": ["birth_certificate", "driving_licence"],
        "recipient": "tax",
        "case_number": "H19.26-0042",
    },
    {
        "type": "vn_signing_request",
        "document_kind": "declaration",
        "document_name": "Tờ khai thuế năm 2026",
        "document_sha256": "0123456789abcdef" * 4,
    },
]
LINKS = {
    "client_uri": "https://portal.example/",
    "policy_uri": "https://portal.example/policy",
    "tos_uri": "https://portal.example/terms",
}
UNVERIFIED = {f"name#{language}": text for language, text in UNVERIFIED_OWNER.items()}

NOT_RECORDED: Final = {
    "the person's values": {
        "Nguyễn Thị Hoa", "14/02/2005", "Việt Nam", "Vietnam", "Mức độ 02", "Level 02", "Số 1 phố Thử Nghiệm",
    },
    "what the buttons do": {"Đồng ý", "Không đồng ý", "Agree", "Do not agree"},
    "links to elsewhere": {
        "Ai có dữ liệu của tôi", "Who has my data",
        "Chính sách dữ liệu cá nhân của cổng", "The portal's personal-data policy",
        "Điều khoản sử dụng của cổng", "The portal's terms of use",
    },
}  # fmt: skip
"""Every text of the page that the record leaves out. A number stands behind a control that shows and hides it."""


class Sentences(HTMLParser):
    """The visible texts of a page's content, one for each line or label, without numbers that can be uncovered."""

    WITHIN: Final = frozenset({"strong"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found = [""]
        self.inside: list[tuple[str, bool]] = []
        self.hidden = 0
        self.feed(html[html.index("<main") : html.index("</main>")])
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin another text, but where a tag only marks a part of one."""
        given = dict(attrs)
        part = tag in self.WITHIN or (tag == "span" and ("lang" in given or given.get("class") == "address"))
        if tag not in {"input", "br"}:
            self.inside.append((tag, part))
            self.hidden += self.hidden > 0 or given.get("class") == "reveal"
        if not part:
            self.found.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass over a picture."""

    def handle_endtag(self, tag: str) -> None:
        """End a text."""
        opened, part = self.inside.pop()
        assert opened == tag
        self.hidden -= self.hidden > 0
        if not part:
            self.found.append("")

    def handle_data(self, data: str) -> None:
        """Go on with a text."""
        self.found[-1] += "" if self.hidden else data

    @property
    def texts(self) -> list[str]:
        """All texts in the order of the page."""
        plain = (" ".join(text.split()) for text in self.found)
        return [text for text in plain if text]


@dataclass(frozen=True)
class Case:
    """What a portal asks for; `before`, for what it asked at first, and whether that has been withdrawn since."""

    scope: str
    metadata: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    before: str | None = None
    withdrawn: bool = False


CASES = {
    "one legal basis, and use while away": Case(f"{LICENCE} offline_access"),
    "several legal bases, and items by law": Case(f"{BIRTH} offline_access"),
    "a sandbox with links": Case(LICENCE, metadata={"sandbox": True, **LINKS}),
    "an owner whom nobody has verified": Case(BIRTH, metadata={"owner": UNVERIFIED}),
    "new items beside known ones": Case("openid service:login offline_access", before="openid service:login"),
    "what was withdrawn": Case(BIRTH, before=BIRTH, withdrawn=True),
    "matters": Case(
        "openid service:login",
        metadata={"authorization_details_types": [matter["type"] for matter in MATTERS]},
        parameters={"authorization_details": orjson.dumps(MATTERS).decode()},
    ),
}


@pytest.fixture(scope="module")
def reader(house: House) -> ACitizen:
    """Give a citizen of whom the register knows much, and not all."""
    citizen = house.registers_citizen(
        birth_date="14/02/2005", nationality="VN", address="Số 1 phố Thử Nghiệm", phone_number="0912345678"
    )
    assert citizen.activates().status_code == 200
    return citizen


def reads(reader: ACitizen, login: Login, language: str) -> tuple[str, list[str]]:
    """Let the citizen read the page of a request; return its transaction and its texts."""
    location = reader.opens(login).headers["Location"]
    html = reader.browser.get(f"{location}&lang={language}").text
    return TX.search(location)[1], Sentences(html).texts  # type: ignore[index]


def prepares(house: House, reader: ACitizen, portal: Portal, case: Case) -> None:
    """Let the citizen agree to what was asked before, and take it back where the case says so."""
    if case.before is None:
        return
    reader.arrives(portal.asks(scope=case.before))
    if case.withdrawn:
        subject, purpose = citizen_id_of(house, reader), case.before.partition("service:")[2]
        consents = house.services.consents
        standing = consents.read(
            lambda ledger: ledger.newest(subject=subject, recipient=portal.client_id, purpose=purpose)
        )
        assert standing is not None
        now = standing.consent.given_at
        consents.change(
            lambda ledger: ledger.withdraw(
                consent_id=standing.consent.id, subject=subject, by="citizen", reason="test", now=now
            )
        )


@pytest.mark.spec("CO-06")
@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_sentence_of_the_page_and_no_other_stands_in_the_record(
    house: House, reader: ACitizen, case: Case, language: str
) -> None:
    portal = house.registers_portal(purposes=["login", "driving-licence", "birth-registration"], **case.metadata)
    prepares(house, reader, portal, case)
    tx, shown = reads(reader, portal.asks(scope=case.scope, **case.parameters), language)
    assert "code" in answered(reader.agrees(tx))
    purpose = case.scope.split()[1].removeprefix("service:")
    standing = house.services.consents.read(
        lambda ledger: ledger.newest(subject=citizen_id_of(house, reader), recipient=portal.client_id, purpose=purpose)
    )
    assert standing is not None
    wording, end = standing.consent.wording, standing.consent.expires_at
    assert wording.language == language
    recorded = re.sub(r"\n+(- )?| · ", " ", wording.text)
    left_out = set().union(*NOT_RECORDED.values())
    assert " ".join(text.replace(day(end), "…") for text in shown if text not in left_out) == recorded
    assert reader.number.digits not in wording.text
    assert "Nguyễn Thị Hoa" not in wording.text


def test_what_is_left_out_of_the_record_stands_on_a_page(house: House, reader: ACitizen) -> None:
    portal = house.registers_portal(purposes=["birth-registration"], **LINKS)
    login = portal.asks(scope=BIRTH)
    shown = {text for language in ("vi", "en") for text in reads(reader, login, language)[1]}
    assert set().union(*NOT_RECORDED.values()) - shown == set()
