"""What one question of a device costs: one wave of commands, and no statement before there is something to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.login.elsewhere import Phone, asks_for, begins, ciba_portal, device_portal

if TYPE_CHECKING:
    from tests.support.house import House
    from tests.support.login.elsewhere import Waiting
    from tests.support.wiretap import Wiretap


@pytest.mark.parametrize("grant", ["device_code", "ciba"])
def test_a_question_is_one_wave_before_and_after_the_answer(tapped: tuple[House, Wiretap], grant: str) -> None:
    house, wire = tapped
    citizen = house.logs_in_directly()
    begun: list[Waiting] = []
    for _ in range(2):  # the first one makes connections and reads the registration
        if begun:
            Phone.of(citizen).approves(begun[-1])
        begun.append(begins(device_portal(house)) if grant == "device_code" else asks_for(ciba_portal(house), citizen))
        begun[-1].polls()
    counted = []
    for request in reversed(begun):
        before = wire.round_trips
        request.polls()
        counted.append(wire.round_trips - before)
    assert counted == [2, 1]  # too fast, which is written down; and tokens
