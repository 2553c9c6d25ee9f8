"""Items of the consent page: what the register does not hold is not chosen, and what rests on one law says so once."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from idp import clock
from tests.support.house import TX, House, answered
from tests.support.login.own_pages import citizen_id_of
from tests.support.wiretap import has_at_hand, heard_by_sqlite

if TYPE_CHECKING:
    from consent import Consent
    from tests.support.house import ACitizen

LICENCE, BIRTH = "openid service:driving-licence", "openid service:birth-registration"
CONSENT, TASK = "Your consent, under the Law on Personal Data Protection", "A state body's task set by law"
BOXES = re.compile(r'type="checkbox" name="item" value="(\w+)"')


@pytest.fixture
def caller(house: House) -> ACitizen:
    """Give a citizen of whom the register holds a telephone number, and neither an address nor a former number."""
    citizen = house.registers_citizen(phone_number="0912345678")
    assert citizen.activates().status_code == 200
    return citizen


def asked(house: House, citizen: ACitizen, scope: str) -> tuple[str, str]:
    """Let a portal ask; return the transaction and the page in English."""
    portal = house.registers_portal(purposes=["driving-licence", "birth-registration"])
    location = citizen.opens(portal.asks(scope=scope)).headers["Location"]
    return TX.search(location)[1], citizen.browser.get(f"{location}&lang=en").text  # type: ignore[index]


def kept(house: House, citizen: ACitizen) -> tuple[Consent, ...]:
    """Return the records in force."""
    subject = citizen_id_of(house, citizen)
    return house.services.consents.read(lambda ledger: ledger.all_current(subject=subject, now=clock.now()))


@pytest.mark.spec("CO-01", "CO-02")
def test_what_the_register_does_not_hold_has_no_box_and_is_never_agreed_to(house: House, caller: ACitizen) -> None:
    tx, page = asked(house, caller, LICENCE)
    assert BOXES.findall(page) == ["phone_number"]
    for forged in (("address",), ("phone_number", "former_number")):
        assert caller.agrees(tx, *forged).headers["Location"] == f"/consent?tx={tx}"
        assert kept(house, caller) == ()
    assert "code" in answered(caller.agrees(tx, "phone_number"))
    (given,) = kept(house, caller)
    assert {"address", "former_number"}.isdisjoint(item.claim for item in given.items), "no answer without a choice"
    assert all(item.granted for item in given.items)
    assert "Permanent address · Not in the register · " in given.wording.text
    assert given.wording.text.index("Your choice\n") < given.wording.text.index("Phone number · To tell you")


@pytest.mark.spec("CO-01")
def test_whom_the_register_lacks_something_of_logs_in_again_without_a_page_or_a_further_question(
    house: House, caller: ACitizen
) -> None:
    portal = house.registers_portal(purposes=["driving-licence"])
    caller.arrives(portal.asks(scope=LICENCE), "phone_number")
    silent = portal.asks(scope=LICENCE, prompt="none")
    has_at_hand(house, portal)

    def again() -> int:
        assert "code" in answered(caller.opens(silent))
        return 200

    assert [statement.split()[0] for statement in heard_by_sqlite(house, again)] == ["SELECT"]


@pytest.mark.spec("CO-01", "CO-06")
def test_who_asks_for_no_data_is_said_to_get_an_identifier_and_no_name(house: House, caller: ACitizen) -> None:
    tx, page = asked(house, caller, "openid")
    said = "An identifier by which this service alone recognises you; no name, no personal number."
    assert said in page
    assert "code" in answered(caller.agrees(tx))
    (given,) = kept(house, caller)
    assert said in given.wording.text
    assert said in caller.browser.get("/account/services", query_string={"lang": "en"}).text


@pytest.mark.spec("CO-01", "CO-06")
@pytest.mark.parametrize(("scope", "bases"), [(LICENCE, (CONSENT,)), (BIRTH, (CONSENT, TASK))])
def test_a_legal_basis_is_told_once_where_all_items_rest_on_it_and_recorded_as_it_was_told(
    house: House, caller: ACitizen, scope: str, bases: tuple[str, ...]
) -> None:
    tx, page = asked(house, caller, f"{scope} offline_access")
    assert "code" in answered(caller.agrees(tx))
    (given,) = kept(house, caller)
    told = 1 if len(bases) == 1 else len(given.items)
    assert page.count("Legal basis:") == told
    for text in (unescape(page), given.wording.text):
        assert sum(text.count(basis) for basis in bases) == told
        assert all(basis in text for basis in bases)
