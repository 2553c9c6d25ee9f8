"""Error pages lead back to the portal that asks, where it is known which one that is, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.errors import TemporarilyUnavailable
from idp.storage.sql.authorizations import SqlAuthorizations
from tests.support.foreign.registrant import moves
from tests.support.house import TX
from tests.support.signed_in import ends_portal

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.house import ACitizen, House
    from tests.support.portal import Portal

HOME = "https://portal.example/"
GONE = "urn:ietf:params:oauth:request_uri:gone"


@pytest.fixture
def portal(house: House) -> Portal:
    """Give a portal with a home page."""
    return house.registers_portal(client_uri=HOME)


def leads_to(page: TestResponse, address: str, *, words: str) -> bool:
    """Tell whether a page has one button, and that it leads there."""
    return page.text.count('<a class="button') == 1 and f'href="{address}">{words}</a>' in page.text


def _has_no_such_request(portal: Portal) -> TestResponse:
    return portal.house.browser().get("/authorize", query_string={"client_id": portal.client_id, "request_uri": GONE})


def _names_a_foreign_address(portal: Portal) -> TestResponse:
    return portal.house.browser().get(portal.asks(redirect_uri="https://evil.example/").url)


FAULTS = [_has_no_such_request, _names_a_foreign_address]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_request_that_ends_on_a_page_leads_back_to_its_portal(
    portal: Portal, fault: Callable[[Portal], TestResponse]
) -> None:
    page = fault(portal)
    assert page.status_code == 400
    assert leads_to(page, HOME, words="Quay lại Cổng thử nghiệm")
    assert 'href="https://evil' not in page.text


def test_the_way_back_is_told_in_english_too(portal: Portal) -> None:
    asked = {"client_id": portal.client_id, "request_uri": GONE, "lang": "en"}
    assert leads_to(portal.house.browser().get("/authorize", query_string=asked), HOME, words="Back to Test portal")


def test_a_page_of_a_login_that_cannot_go_on_leads_back_to_its_portal(
    portal: Portal, citizen: ACitizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx = TX.search(citizen.opens(portal.asks(scope="openid service:driving-licence")).headers["Location"])
    assert tx

    def away(*_: object, **__: object) -> None:
        raise TemporarilyUnavailable("The database does not answer.", detail="away")

    monkeypatch.setattr(SqlAuthorizations, "gates", away)
    page = citizen.browser.get(f"/consent?tx={tx[1]}")
    assert page.status_code == 503
    assert leads_to(page, HOME, words="Quay lại Cổng thử nghiệm")


@pytest.mark.parametrize("page", ["login", "consent", "continue"])
@pytest.mark.spec("AZ-06")
def test_a_login_whose_portal_may_not_ask_any_more_ends_on_a_page(portal: Portal, citizen: ACitizen, page: str) -> None:
    answer = citizen.opens(portal.asks())
    tx = answer.headers["Location"].partition("tx=")[2]
    assert citizen.browser.get(f"/{page}?tx={tx}").status_code in {200, 303}
    moves(portal.house, portal.client_id, status="suspended")
    told = citizen.browser.get(f"/{page}?tx={tx}")
    assert told.status_code == 400
    assert leads_to(told, "/", words="Về trang chủ của Sen")


def _was_never_registered(portal: Portal) -> None:
    portal.client_id = "nobody"


def _is_suspended(portal: Portal) -> None:
    moves(portal.house, portal.client_id, status="suspended")


@pytest.mark.parametrize("befalls", [_was_never_registered, _is_suspended, ends_portal])
@pytest.mark.parametrize("fault", FAULTS)
def test_nobody_is_led_to_a_portal_that_may_not_ask(
    portal: Portal, fault: Callable[[Portal], TestResponse], befalls: Callable[[Portal], None]
) -> None:
    befalls(portal)
    portal.house.services.provider.directory.forget(portal.client_id)
    page = fault(portal)
    assert page.status_code == 400
    assert leads_to(page, "/", words="Về trang chủ của Sen")
    assert HOME not in page.text
