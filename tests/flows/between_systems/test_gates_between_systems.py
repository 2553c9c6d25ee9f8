"""Gate by grant, between systems: whatever is ended behind a token is the end of all that was made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.foreign.systems import INACTIVE, Line, exchanges, gets_token, introspects
from tests.support.house import House, members
from tests.support.signed_in import GATES

if TYPE_CHECKING:
    from tests.support.portal import Portal
    from tests.support.valkey import ValkeyServer


def _gives_the_token_back(held: Held) -> None:
    assert held.line.portal.revokes(held.line.tokens.access).status_code == 200


def _gives_the_refresh_token_back(held: Held) -> None:
    assert held.line.portal.revokes(held.line.tokens.refresh).status_code == 200


OWN_GATES = {
    "token given back": _gives_the_token_back,
    "refresh token given back": _gives_the_refresh_token_back,
}
"""What can be ended behind an exchanged token beyond what can be ended behind any."""


@dataclass
class Held:
    """What three systems in a line hold of one citizen: a token, one made of it, one made of that, and their own."""

    line: Line
    second: str
    third: str
    own: str

    @classmethod
    def of(cls, house: House) -> Held:
        """Let a citizen log in, and two servers exchange what they received."""
        line = Line(house)
        second = line.exchanged()["access_token"]
        third = members(exchanges(line.next, second, resource=line.third))["access_token"]
        return cls(line, second, third, gets_token(line.server, line.second))

    def ends(self, gate: str) -> None:
        """Let one gate be shut."""
        if gate in OWN_GATES:
            OWN_GATES[gate](self)
        else:
            GATES[gate](self.line.citizen, self.line.portal)

    def what_works(self, *, asker: Portal | None = None) -> dict[str, bool]:
        """Ask about everything, and try to make more of it; a refusal must be the right one."""
        line = self.line
        told = {
            "token": introspects(asker or line.server, line.tokens.access),
            "exchanged": introspects(line.next, self.second),
            "exchanged again": introspects(line.last, self.third),
            "its own": introspects(line.next, self.own),
        }
        made = exchanges(line.next, self.second, resource=line.third)
        assert made.status_code == 200 or members(made)["error"] == "invalid_request", made.text
        assert all(answer == INACTIVE or answer["active"] is True for answer in told.values())
        return {name: answer["active"] for name, answer in told.items()} | {"exchange": made.status_code == 200}


EVERYTHING = {"token": True, "exchanged": True, "exchanged again": True, "its own": True, "exchange": True}
NOTHING = {"token": False, "exchanged": False, "exchanged again": False, "its own": True, "exchange": False}
"""What is left of a citizen's: nothing; what a system got for itself goes on."""


@pytest.mark.parametrize("gate", [*GATES, *OWN_GATES])
@pytest.mark.spec("TK-16", "RT-07", "RT-09", "CO-04", "SS-05", "RT-12")
def test_what_was_ended_works_for_no_system(any_house: House, gate: str) -> None:
    untouched, held = Held.of(any_house), Held.of(any_house)
    assert held.what_works() == EVERYTHING
    held.ends(gate)
    assert held.what_works() == NOTHING
    assert untouched.what_works() == EVERYTHING


@pytest.mark.spec("TK-16", "RT-06", "RT-07", "CO-04")
def test_what_was_ended_stays_ended_through_a_restart_and_an_emptied_memory(
    lonely_house: House, own_valkey: ValkeyServer
) -> None:
    held = {gate: Held.of(lonely_house) for gate in [*GATES, *OWN_GATES]}
    untouched = Held.of(lonely_house)
    for gate, ended in held.items():
        ended.ends(gate)
    expected = dict.fromkeys(held, NOTHING)
    anew = lonely_house.restarted()
    for one in (*held.values(), untouched):
        one.line.moves_to(anew)
    assert {gate: ended.what_works() for gate, ended in held.items()} == expected
    own_valkey.client.flushall()
    anew.waits_until_assertions_count()
    assert {gate: ended.what_works() for gate, ended in held.items()} == expected
    assert untouched.what_works() == EVERYTHING
    anew.services.close()


@pytest.mark.spec("RT-07")
def test_another_worker_sees_an_end_at_once(any_house: House) -> None:
    held, other = Held.of(any_house), any_house.beside()
    held.line.next.moves_to(other)
    assert introspects(held.line.next, held.second)["active"] is True
    held.ends("consent withdrawn")
    assert introspects(held.line.next, held.second) == INACTIVE
    other.services.close()


def test_the_end_of_a_child_is_not_the_end_of_its_parent(house: House) -> None:
    held = Held.of(house)
    line = held.line
    sibling = line.exchanged()["access_token"]
    assert line.server.revokes(held.second).status_code == 200
    assert introspects(line.next, held.second) == introspects(line.last, held.third) == INACTIVE
    assert introspects(line.next, sibling)["active"] is True
    assert introspects(line.server, line.tokens.access)["active"] is True


@pytest.mark.parametrize("gate", ["relying party ended", "relying party suspended"])
@pytest.mark.spec("TK-16", "RT-07")
def test_a_server_in_the_middle_ends_with_all_that_it_made_and_nothing_else(any_house: House, gate: str) -> None:
    held = Held.of(any_house)
    GATES[gate](held.line.citizen, held.line.server)
    assert held.what_works(asker=held.line.portal) == {**NOTHING, "token": True, "its own": False}
    assert held.line.portal.refreshes(held.line.tokens.refresh).status_code == 200
