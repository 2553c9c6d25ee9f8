"""`sen citizen show` and `sen revoke`: what operators see of an account, and what they end of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from idp.cli.revoke import KINDS
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.house import House
    from tests.support.signed_in import SignedIn


@pytest.fixture
def at_house(any_house: House) -> Terminal:
    """Give a terminal that works on the database of the running house, of either kind."""
    return terminal_at(any_house)


def terminal_at(house: House) -> Terminal:
    """Return a terminal that works on the database of a running house."""
    storage = house.settings.storage
    return Terminal(
        house_folder(house), redis_url=storage.redis_url, environ={"SEN_STORAGE__DATABASE_URL": storage.database_url}
    )


def house_folder(house: House) -> Path:
    """Return the folder of a house."""
    return house.settings.data_file("purposes.toml").parent


def test_an_account_is_shown_without_its_person(any_house: House, at_house: Terminal) -> None:
    number = any_house.office.registers()
    account = any_house.office.activates(number=number)
    shown = at_house.types("citizen", "show", "-", stdin=number.digits)
    assert shown.status == 0
    assert account.citizen.id in shown.out
    assert account.session.id in shown.out
    for private in (number.digits, "Hoa", "1941"):
        assert private not in shown.out


REACH: dict[str, Callable[[SignedIn, Terminal], str]] = {
    "citizen": lambda citizen, _terminal: citizen.citizen_id,
    "passkey": lambda citizen, _terminal: citizen.account.session.passkey_id,
    "session": lambda citizen, _terminal: citizen.account.session.id,
    "authorization": lambda citizen, terminal: authorizations_of(citizen, terminal)[0],
}


def account_shown(citizen: SignedIn, terminal: Terminal) -> str:
    """Return what the operator sees of a citizen's account."""
    number = citizen.house.services.provider.authorizations.known(citizen_id=citizen.citizen_id).number
    shown = terminal.types("citizen", "show", "-", stdin=number or "")
    assert shown.status == 0, shown.err
    return shown.out


def authorizations_of(citizen: SignedIn, terminal: Terminal) -> list[str]:
    """Return the ids of the authorizations that the operator sees of a citizen."""
    return re.findall(r"^authorization (\S+)", account_shown(citizen, terminal), re.MULTILINE)


@pytest.mark.spec("AD-05")
def test_an_operator_sees_who_holds_what_of_a_citizen_and_what_has_ended_no_more(
    any_house: House, at_house: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen, bystander, portals = (
        any_house.logs_in_directly(),
        any_house.logs_in_directly(),
        [any_house.registers_portal()] * 2,
    )
    tokens = [citizen.gives_tokens(portal) for portal in (*portals, any_house.registers_portal())]
    bystander.gives_tokens(portals[0])
    shown = account_shown(citizen, at_house)
    told = f"   {tokens[-1].portal.client_id}   openid service:login offline_access, since "
    assert told in shown
    newest, *others = authorizations_of(citizen, at_house)
    assert len(others) == 2
    assert shown.index(newest) < shown.index(told) < shown.index(others[0])
    monkeypatch.setattr("idp.cli.citizens.MOST_AUTHORIZATIONS", 1)
    assert authorizations_of(citizen, at_house) == [newest]
    assert "... and 2 older authorizations." in account_shown(citizen, at_house)
    assert at_house.types("revoke", "authorization", newest, "--reason", "ticket 17").status == 0
    assert [one.are_alive() for one in tokens] == [True, True, False]
    assert authorizations_of(citizen, at_house) == [others[0]]


@pytest.mark.spec("AD-05", "RT-07", "WV-11", "SS-05")
@pytest.mark.parametrize("kind", REACH)
def test_what_is_revoked_takes_its_tokens_with_it(any_house: House, at_house: Terminal, kind: str) -> None:
    citizen, bystander = any_house.logs_in_directly(), any_house.logs_in_directly()
    portal = any_house.registers_portal()
    tokens, others = citizen.gives_tokens(portal), bystander.gives_tokens(portal)
    identifier = REACH[kind](citizen, at_house)
    revoked = at_house.types("revoke", kind, identifier, "--reason", "ticket 17")
    assert revoked.status == 0, revoked.err
    assert f"Ended: {kind} {identifier}." in revoked.out
    assert not tokens.are_alive()
    assert others.are_alive()


def test_every_kind_that_can_be_revoked_has_a_test_here() -> None:
    assert KINDS.keys() == REACH.keys() | {"client", "key"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_cannot_be_revoked(terminal: Terminal, kind: str) -> None:
    refused = terminal.types("revoke", kind, "no-such-thing", "--reason", "x")
    assert refused.status == 1
    assert len(refused.err.splitlines()) == 1
    assert "Ended" not in refused.out


@pytest.mark.parametrize("reason", ["", "two\nlines", "x" * 201, "asked by 099 305 000 017"])
def test_a_reason_is_one_line_about_a_case_and_not_a_person(terminal: Terminal, reason: str) -> None:
    for command in (("revoke", "client"), ("client", "suspend")):
        refused = terminal.types(*command, "some-client", "--reason", reason)
        assert (refused.status, "The reason" in refused.err) == (1, True)
