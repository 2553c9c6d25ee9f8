"""authorization_details: asked in the registry's words, agreed to one by one, narrowed and never widened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select

from idp.storage.sql.tables import consent, consent_wording
from tests.support.foreign.systems import (
    ACCESS_TOKEN,
    EXCHANGE,
    exchanges,
    introspects,
    new_resource,
    registers_machine,
)
from tests.support.house import TX, answered, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import ACitizen, House, Login, Portal, SignedIn

SHARE: dict[str, Any] = {
    "type": "vn_document_share",
    "documents": ["birth_certificate", "driving_licence"],
    "recipient": "tax",
    "case_number": "H19.26-0042",
}
SIGN: dict[str, Any] = {
    "type": "vn_signing_request",
    "document_kind": "declaration",
    "document_name": "Tờ khai thuế năm 2026",
    "document_sha256": "0123456789abcdef" * 4,
}
TYPES = ["vn_document_share", "vn_signing_request"]


def asking(*details: dict[str, Any]) -> str:
    """Write the parameter."""
    return orjson.dumps(details).decode()


@pytest.fixture
def resource() -> str:
    """Name a resource of this test."""
    return new_resource()


@pytest.fixture
def portal(house: House, resource: str) -> Portal:
    """Give a portal that may ask for both types."""
    return registers(house, resource)


def registers(house: House, resource: str, **metadata: Any) -> Portal:
    """Register a portal that may ask for both types."""
    return house.registers_portal(
        resources=[resource],
        authorization_details_types=TYPES,
        scope="openid profile offline_access records.read",
        **metadata,
    )


@pytest.fixture
def citizen(house: House) -> SignedIn:
    """Give a citizen of this test."""
    return house.logs_in_directly()


@pytest.mark.spec("RFC 9396 7", "RFC 9396 9.1", "RFC 9396 9.2")
def test_what_was_agreed_stands_in_the_answer_in_the_token_and_in_introspection(any_house: House) -> None:
    resource = new_resource()
    portal, citizen = registers(any_house, resource), any_house.logs_in_directly()
    server = registers_machine(any_house, resources=[resource], resources_served=[resource])
    tokens = citizen.gives_tokens(portal, resource=resource, authorization_details=asking(SHARE, SIGN))
    assert tokens.members["authorization_details"] == [SHARE, SIGN]
    claims = portal.reads_access_token(tokens.access, expected_audience=resource)
    assert claims["authorization_details"] == [SHARE, SIGN]
    for asker, token in ((server, tokens.access), (portal, tokens.access), (portal, tokens.refresh)):
        assert introspects(asker, token)["authorization_details"] == [SHARE, SIGN]
    assert members(portal.refreshes(tokens.refresh))["authorization_details"] == [SHARE, SIGN]


@pytest.mark.spec("RFC 9396 5", "RFC 9126 2.1")
@pytest.mark.parametrize(
    "poisoned",
    [
        "nothing", "{}", "[]", "[1]", "[[]]", "null",
        asking({"type": "unknown"}),
        asking({"documents": ["birth_certificate"]}),
        asking({**SHARE, "type": 7}),
        asking({**SHARE, "actions": ["read"]}),
        asking({name: value for name, value in SHARE.items() if name != "recipient"}),
        asking({**SHARE, "recipient": "thief"}),
        asking({**SHARE, "recipient": ["tax"]}),
        asking({**SHARE, "documents": []}),
        asking({**SHARE, "documents": ["birth_certificate", "birth_certificate"]}),
        asking({**SHARE, "documents": "birth_certificate"}),
        asking({**SHARE, "documents": [{"birth_certificate": 1}]}),
        asking({**SHARE, "case_number": "a" * 41}),
        asking({**SHARE, "case_number": "<b>H1</b>"}),
        asking({**SIGN, "document_name": "Tờ khai\u202e"}),
        asking({**SIGN, "document_name": "Tờ khai\u3164\u3164\u3164và hơn nữa"}),
        asking({**SIGN, "document_name": "Tờ khai\nvà hơn nữa"}),
        asking({**SIGN, "document_name": "“Không cần ký”"}),
        asking({**SIGN, "document_name": " "}),
        asking({**SIGN, "document_sha256": "0" * 63}),
        asking(SHARE, SHARE),
        asking(*({**SHARE, "case_number": f"H{number}"} for number in range(6))),
        "[" * 2000,
        asking({**SIGN, "document_name": "x" * 5000}),
    ],
)  # fmt: skip
def test_what_the_registry_does_not_know_is_refused(portal: Portal, poisoned: str) -> None:
    refused = portal.pushes(authorization_details=poisoned)
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_authorization_details")
    assert portal.pushes(authorization_details=asking(SHARE)).status_code == 201


def test_a_type_that_is_not_registered_is_refused(house: House, resource: str) -> None:
    plain = house.registers_portal(resources=[resource], authorization_details_types=["vn_signing_request"])
    assert members(plain.pushes(authorization_details=asking(SHARE)))["error"] == "invalid_authorization_details"
    assert plain.pushes(authorization_details=asking(SIGN)).status_code == 201


@pytest.mark.spec("CO-01", "RFC 9396 3")
def test_each_new_matter_is_asked_and_an_old_one_is_not(portal: Portal, citizen: SignedIn, resource: str) -> None:
    first = portal.asks(resource=resource, authorization_details=asking(SHARE))
    citizen.arrives(first)
    again = citizen.opens(portal.asks(resource=resource, authorization_details=asking(SHARE)))
    assert "code=" in again.headers["Location"]
    other = {**SHARE, "case_number": "H19.26-0043"}
    for asked in (asking(other), asking(SHARE, SIGN), asking({**SHARE, "recipient": "court"})):
        assert "/consent?" in citizen.opens(portal.asks(authorization_details=asked)).headers["Location"]
        silent = citizen.opens(portal.asks(authorization_details=asked, prompt="none"))
        assert answered(silent)["error"] == "consent_required"
    assert "code=" in citizen.opens(portal.asks()).headers["Location"]


def test_a_matter_goes_into_no_later_record_by_itself(portal: Portal, citizen: SignedIn) -> None:
    asked = [asking({**SHARE, "case_number": f"H{number}"}) for number in range(4)]
    for one in asked:
        citizen.arrives(portal.asks(authorization_details=one))
    newest = citizen.agrees_to(portal.asks(authorization_details=asked[-1]))
    assert sum(item.claim.startswith("details:") for item in newest.items) == 1
    assert {"name", "account_level"} <= newest.granted_claims


def page_of(house: House, portal: Portal, *details: dict[str, Any], language: str) -> tuple[ACitizen, Login, str]:
    """Bring a new citizen to the consent page of a request; return its text."""
    someone = house.registers_citizen()
    login = portal.asks(authorization_details=asking(*details), ui_locales=language)
    tx = TX.search(someone.opens(login).headers["Location"])
    assert tx is not None
    someone.activates(tx[1])
    answer = someone.browser.get(someone.opens(login).headers["Location"])
    return someone, login, re.sub(r"\s+", " ", answer.text)


@pytest.mark.spec("CO-01", "RFC 9396 3")
def test_the_page_says_it_in_words_and_the_ledger_keeps_them(house: House, portal: Portal) -> None:
    someone, login, html = page_of(house, portal, SHARE, SIGN, language="vi")
    sentences = (
        "Chuyển giấy khai sinh, giấy phép lái xe của bạn cho cơ quan thuế, để giải quyết hồ sơ số H19.26-0042.",
        "Chuẩn bị để bạn ký tờ khai “Tờ khai thuế năm 2026”. Bạn vẫn ký ở bước sau, trên thiết bị của bạn.",
    )
    assert all(sentence in html for sentence in sentences)
    assert SIGN["document_sha256"] in html
    assert "vn_document_share" not in html
    given = members(login.redeem(someone.arrives(login)))
    assert given["authorization_details"] == [SHARE, SIGN]
    wording = select(consent_wording.c.text).join(consent, consent.c.wording_sha256 == consent_wording.c.sha256)
    chosen = wording.where(consent.c.client_id == portal.client_id)
    (text,) = house.office.database.consult(lambda connection: connection.execute(chosen).scalars().all())
    assert all(sentence in text for sentence in sentences)
    services = someone.browser.get("/account/services").text
    assert "Chuyển giấy tờ cho cơ quan khác" in services
    assert "details:" not in services


def test_who_says_no_gives_nothing(house: House, portal: Portal) -> None:
    someone, login, _ = page_of(house, portal, SHARE, language="vi")
    tx = TX.search(someone.opens(login).headers["Location"])
    assert tx is not None
    refused = someone.agrees(tx[1], answer="refuse")
    assert answered(refused)["error"] == "access_denied"


def redeem(portal: Portal, citizen: SignedIn, asked: dict[str, str], **narrower: str) -> TestResponse:
    """Let a citizen agree to a request and redeem its code."""
    login = portal.asks(**{"scope": "openid service:login offline_access", **asked})
    return login.redeem(citizen.arrives(login, "offline_access"), **narrower)


@pytest.mark.spec("RFC 9396 6")
def test_a_token_request_may_ask_for_less(portal: Portal, citizen: SignedIn, resource: str) -> None:
    less = [{**SHARE, "documents": ["driving_licence"]}]
    wide = {"resource": resource, "authorization_details": asking(SHARE, SIGN)}
    given = members(redeem(portal, citizen, wide, authorization_details=asking(*less)))
    assert given["authorization_details"] == less
    assert introspects(portal, given["access_token"])["authorization_details"] == less
    refresh = given["refresh_token"]
    assert members(portal.refreshes(refresh))["authorization_details"] == [SHARE, SIGN]
    fewer = members(portal.refreshes(refresh, authorization_details=asking(SIGN)))
    assert fewer["authorization_details"] == [SIGN]
    claims = portal.reads_access_token(fewer["access_token"], expected_audience=resource)
    assert claims["authorization_details"] == [SIGN]


@pytest.mark.parametrize(
    "wider",
    [
        asking({**SHARE, "documents": [*SHARE["documents"], "land_use_certificate"]}),
        asking({**SHARE, "recipient": "court"}),
        asking(SHARE, SIGN),
        asking({name: value for name, value in SHARE.items() if name != "case_number"}),
        asking({**SHARE, "actions": ["write"]}),
        asking({**SHARE, "documents": []}),
        asking({**SHARE, "case_number": ["H19.26-0042"]}),
        "[]",
        "nothing",
    ],
)
@pytest.mark.spec("RFC 9396 6")
def test_a_token_request_may_never_ask_for_more(portal: Portal, citizen: SignedIn, resource: str, wider: str) -> None:
    asked = {"resource": resource, "authorization_details": asking(SHARE)}
    refused = redeem(portal, citizen, asked, authorization_details=wider)
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_authorization_details")
    good = members(redeem(portal, citizen, asked, authorization_details=asking(SHARE)))
    again = portal.refreshes(good["refresh_token"], authorization_details=wider)
    assert members(again)["error"] == "invalid_authorization_details"
    assert portal.refreshes(good["refresh_token"]).status_code == 200


def test_without_a_resource_nothing_is_narrowed(portal: Portal, citizen: SignedIn) -> None:
    asked = {"authorization_details": asking(SHARE)}
    refused = redeem(portal, citizen, asked, authorization_details=asking(SHARE))
    assert members(refused)["error"] == "invalid_authorization_details"
    assert members(redeem(portal, citizen, asked))["authorization_details"] == [SHARE]


def test_details_go_along_with_an_exchange_only_as_far_as_they_were_agreed(house: House, resource: str) -> None:
    target = new_resource()
    portal, citizen = registers(house, resource), house.logs_in_directly()
    server = registers_machine(
        house,
        grant_types=[EXCHANGE],
        resources_served=[resource],
        exchange={"resources": [target], "scopes": ["records.read"]},
    )
    scope = "openid service:login records.read"
    token = citizen.gives_tokens(portal, resource=resource, scope=scope, authorization_details=asking(SHARE)).access
    less = {**SHARE, "documents": ["driving_licence"]}
    given = members(exchanges(server, token, resource=target, authorization_details=asking(less)))
    assert given["issued_token_type"] == ACCESS_TOKEN
    assert given["authorization_details"] == [less]
    assert "authorization_details" not in members(exchanges(server, token, resource=target))
    wider = exchanges(server, token, resource=target, authorization_details=asking(SIGN))
    assert members(wider)["error"] == "invalid_authorization_details"
