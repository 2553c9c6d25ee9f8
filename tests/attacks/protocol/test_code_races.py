"""One code, many takers: two worker processes at once, and workers that are killed between two steps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pytest
from sqlalchemy import func, select

import idp.protocol.tokens
from idp.ephemeral import Take
from idp.storage.redis import RedisEphemeral
from idp.storage.sql.authorizations import SqlAuthorizations
from idp.storage.sql.tables import authorization
from tests.support.house import answered
from tests.support.login.killed import Worker, after, before, die, nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.house import House, Portal, SignedIn

OFFLINE = "openid service:login offline_access"
AT_ONCE = 25


@dataclass
class Taken:
    """A code and the form that redeems it, with as many assertions as needed."""

    portal: Portal
    citizen: SignedIn
    form: dict[str, str]

    @classmethod
    def of(cls, house: House) -> Self:
        """Let a new portal have a code of a new citizen, refresh tokens agreed."""
        portal, citizen = house.registers_portal(), house.logs_in_directly()
        login = portal.asks(scope=OFFLINE)
        code = answered(citizen.arrives(login, "offline_access"))["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": portal.redirect_uri}
        return cls(portal, citizen, {**form, "code_verifier": login.verifier})

    def forms(self, count: int) -> list[dict[str, str]]:
        """Return requests for the same code, each with an assertion of its own."""
        return [{**self.form, **self.portal.authentication()} for _ in range(count)]

    def redeems(self, house: House, form: dict[str, str]) -> int:
        """Send one of the requests."""
        response = house.browser().post("/token", data=form)
        assert response.status_code == 200 or response.json["error"] == "invalid_grant", response.text  # type: ignore[index]  # a JSON answer
        return response.status_code

    def living(self) -> int:
        """Return how many authorizations stand and have not ended."""
        mine = select(func.count()).where(
            authorization.c.citizen_id == self.citizen.citizen_id, authorization.c.ended_at.is_(None)
        )
        return self.citizen.house.office.database.consult(lambda connection: connection.execute(mine).scalar_one())


@pytest.mark.spec("TK-03", "I1")
def test_fifty_redemptions_of_one_code_over_two_workers_give_one_success(any_house: House) -> None:
    taken = Taken.of(any_house)
    forms = taken.forms(2 * AT_ONCE)

    def all_at_once(mine: list[dict[str, str]]) -> Callable[[House], list[int]]:
        def work(house: House) -> list[int]:
            with ThreadPoolExecutor(8) as pool:
                return list(pool.map(lambda form: taken.redeems(house, form), mine))

        return work

    workers = [Worker.start(any_house, all_at_once(half)) for half in (forms[:AT_ONCE], forms[AT_ONCE:])]
    statuses = [status for worker in workers for status in worker.ends()]
    assert len(statuses) == 2 * AT_ONCE
    assert statuses.count(200) == 1
    assert taken.living() <= 1


@pytest.mark.spec("TK-02", "TK-03")
def test_after_the_race_a_reuse_leaves_nothing_alive(house: House) -> None:
    taken = Taken.of(house)
    forms = taken.forms(9)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda form: taken.redeems(house, form), forms[:8])).count(200) == 1
    assert taken.redeems(house, forms[8]) == 400
    assert taken.living() == 0


def at_the_claim(*, is_done: bool) -> Callable[[], None]:
    """Kill the process at the wave that takes a code: before it is sent, or after its answers came."""

    def plant() -> None:
        real = RedisEphemeral.wave

        def wave(self: RedisEphemeral, *steps: Any) -> list[Any]:
            takes = any(isinstance(step, Take) for step in steps)
            if takes and not is_done:
                die()
            replies = real(self, *steps)
            if takes:
                die()
            return replies

        RedisEphemeral.wave = wave  # type: ignore[method-assign]  # in a process that dies of it

    return plant


CRASHES: dict[str, Callable[[], None]] = {
    "before the claim": at_the_claim(is_done=False),
    "after the claim": at_the_claim(is_done=True),
    "before signing": before(idp.protocol.tokens, "sign_jwt"),
    "after signing": after(idp.protocol.tokens, "sign_jwt"),
    "before storing": before(SqlAuthorizations, "create"),
    "after storing": after(SqlAuthorizations, "create"),
    "before the reply": nothing,
}


@pytest.mark.parametrize("point", CRASHES)
@pytest.mark.spec("TK-03", "F12", "I1", "I6")
def test_a_worker_that_is_killed_leaves_at_most_one_family_of_tokens(any_house: House, point: str) -> None:
    taken = Taken.of(any_house)
    first, again, third = taken.forms(3)

    def work(house: House) -> None:
        CRASHES[point]()
        taken.redeems(house, first)
        die()

    assert Worker.start(any_house, work).ends() is None
    stands = point in {"after storing", "before the reply"}
    assert taken.living() == (1 if stands else 0)
    retried = taken.redeems(any_house, again)
    assert retried == (200 if point == "before the claim" else 400)
    assert taken.living() == (1 if retried == 200 else 0)
    assert taken.redeems(any_house, third) == 400
    assert taken.living() == 0


def test_a_worker_that_lives_tells_what_it_did(any_house: House) -> None:
    taken = Taken.of(any_house)
    (form,) = taken.forms(1)
    assert Worker.start(any_house, lambda house: taken.redeems(house, form)).ends() == 200
    assert taken.living() == 1
