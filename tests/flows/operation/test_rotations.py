"""Signing keys change under load: who keeps the key set for its max-age notices nothing, and a removed key is refused.

Time is given and not waited for. Each step of it is taken when every portal has been seen to work since the last one.
"""

from __future__ import annotations

import re
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import jwt
import orjson
import pytest

from idp import clock
from idp.cli import office as operators
from idp.cli.revoke import KINDS
from keys import rotate, rotate_now
from tests.support.demo import until
from tests.support.house import members
from tests.support.login import given_time
from tests.support.login.given_time import GivenTime
from tests.support.login.served_house import HOST, ServedHouse, Wire
from tests.support.office import meanwhile
from tests.support.signed_in import OFFLINE_SCOPE
from tests.support.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from jwt.types import Options

    from tests.support.portal import Portal

ALGORITHMS = ("ES256", "EdDSA")
PHASES = (0, 75, 150, 225)
"""By how many seconds the portals' copies of the key set differ in age."""
ROUNDS = 10
"""Two keys are replaced in each: twenty rotations."""
STRIDES = (3, 150, 164)
"""Seconds from an announcement to the key's first signature: more than its head start of 310."""
AFTERWARDS = 3
"""Seconds after which every worker has looked at its keys again."""
AT_MOST = 5
"""Seconds after which a key that was revoked may be published nowhere."""
SHORT_SESSIONS = {"WARNING": "60", "IDLE": "240", "ABSOLUTE": "300"}
"""Seconds of each limit: for as long as a session lasts its ID tokens come back as hints, and their keys stay."""
RESOURCE = "https://archive.example/"
BUSY_SECONDS = 120
UNAWARE_OF_TIME: Options = {"verify_exp": False, "verify_iat": False}
"""PyJWT looks at another clock."""


@dataclass
class CachingPortal:
    """Refreshes without a pause on one worker, and verifies each ID token again and again for as long as it lives.

    It asks for the key set only when its copy is older than `max-age`, and never because a key is not in it.
    """

    served: ServedHouse
    portal: Portal
    worker: int
    refresh_token: str
    younger_by: int
    round_ended: threading.Condition
    keys: dict[str, Any] = field(default_factory=dict)
    good_until: datetime | None = None
    kept: list[str] = field(default_factory=list)
    kids: list[str] = field(default_factory=list)
    rounds: int = 0
    verified_later: int = 0
    broken: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, scene: Scene, *, algorithm: str, worker: int, younger_by: int) -> Self:
        """Register a portal whose ID tokens are signed with an algorithm, and let a citizen log in there."""
        house = scene.served.house
        portal = house.registers_portal(
            id_token_signed_response_alg=algorithm,
            token_endpoint_auth_method="client_secret_basic",  # an assertion would die on the way when time passes
        )
        tokens = house.logs_in_directly().gives_tokens(portal)
        return cls(scene.served, portal, worker, tokens.refresh, younger_by, scene.round_ended)

    def works(self, over: threading.Event) -> None:
        """Work until told to stop, or until something does not hold."""
        try:
            self.served.stays_with(self.worker)
            while not over.is_set():
                token = self.refreshes()["id_token"]
                assert self.verifies(token), "nobody lets time pass before this round is over"
                self.verified_later += sum(self.verifies(earlier) for earlier in self.kept)
                self.kept = [*self.kept[-5:], token]
                self.kids.append(jwt.get_unverified_header(token)["kid"])
                self._tells(1)
        except Exception as error:  # noqa: BLE001  whatever it is, the test must see it
            self.broken.append(f"{self.portal.client_id}: {error!r}")
            self._tells(0)
        finally:
            self.served.wire.forget()

    def _tells(self, rounds: int) -> None:
        with self.round_ended:
            self.rounds += rounds
            self.round_ended.notify_all()

    def refreshes(self) -> dict[str, Any]:
        """Have new tokens."""
        answer = self.portal.refreshes(self.refresh_token)
        assert answer.status_code == 200, answer.text
        return members(answer)

    def verifies(self, token: str) -> bool:
        """Verify a signature with the copy of the key set; return whether the token was still good then."""
        while self.good_until is None or clock.now() >= self.good_until:
            self.fetches()
        kid = jwt.get_unverified_header(token)["kid"]
        if clock.epoch_seconds() >= jwt.decode(token, options={"verify_signature": False})["exp"]:
            return False
        assert kid in self.keys, f"{kid} is not in a copy of the key set that may be used"
        key = self.keys[kid]
        mine = self.portal.client_id
        jwt.decode(token, key, algorithms=[key.algorithm_name], audience=mine, options=UNAWARE_OF_TIME)
        return True

    def fetches(self) -> None:
        """Fetch the key set; it is as old as the moment in which it was asked for."""
        asked_at = clock.now()
        answer, body = self.served.wire.send("GET", "/jwks", headers={"Host": HOST})
        found = re.search("max-age=([0-9]+)", answer.headers["Cache-Control"])
        assert found
        self.good_until = asked_at + timedelta(seconds=int(found[1]) - self.younger_by)
        self.keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(orjson.loads(body)).keys if key.key_id}
        self.younger_by = 0


@dataclass
class Scene:
    """A server on a given clock, one connection with each of its workers, and the office that turns the keys."""

    served: ServedHouse
    time: GivenTime
    office: operators.Office
    views: dict[int, ServedHouse]
    portals: list[CachingPortal] = field(default_factory=list)
    round_ended: threading.Condition = field(default_factory=threading.Condition)

    @property
    def _ring(self) -> dict[str, Any]:
        office = self.office
        return {"store": office.signing_keys, "custodians": office.custodians, "settings": office.ring_settings}

    def signers(self) -> dict[str, str]:
        """Return which key signs with each algorithm, as the database has it."""
        return {one.alg: one.kid for one in self.office.signing_keys.all() if one.state == "active"}

    def announces(self) -> dict[str, str]:
        """Announce successors; return their kids by algorithm."""
        rotate_now(**self._ring, now=clock.now)
        return {one.alg: one.kid for one in self.office.signing_keys.all() if one.state == "announced"}

    def promotes(self) -> None:
        """Do what is due, as the background worker does."""
        rotate(**self._ring, now=clock.now)

    def published(self, worker: int) -> set[str]:
        """Return the kids that one worker publishes."""
        _answer, body = self.views[worker].wire.send("GET", "/jwks", headers={"Host": HOST})
        return {key["kid"] for key in orjson.loads(body)["keys"]}

    def all_publish(self, kids: set[str]) -> bool:
        """Tell whether each worker publishes these keys."""
        return all(self.published(worker) >= kids for worker in self.views)

    def all_sign(self, kids: set[str]) -> bool:
        """Tell whether each portal last got a token by one of these keys."""
        return {portal.kids[-1] for portal in self.portals} == kids

    def is_good(self, token: str, *, portal: Portal) -> set[bool]:
        """Return what the workers tell about an access token."""
        told = set[bool]()
        for view in self.views.values():
            portal.moves_to(replace(self.served.house, app=view.wire))  # type: ignore[arg-type]  # answers like one
            told.add(members(portal.post("/introspect", token=token))["active"])
        return told

    def load(self) -> AbstractContextManager[None]:
        """Let the portals work for as long as this lasts."""
        return meanwhile(*(portal.works for portal in self.portals))

    def sees(self, true: Callable[[], bool]) -> None:
        """Wait until something is so at the end of a round; raise when a portal breaks before."""
        with self.round_ended:
            seen = self.round_ended.wait_for(lambda: true() or self._broken(), timeout=BUSY_SECONDS)
        assert (seen, self._broken()) == (True, [])

    def _broken(self) -> list[str]:
        return [reason for portal in self.portals for reason in portal.broken]

    def passes(self, seconds: int) -> None:
        """Let time pass; return when each portal has begun and ended a round since."""
        self.time.passes(seconds)
        before = [portal.rounds for portal in self.portals]
        self.sees(lambda: all(one.rounds >= was + 2 for one, was in zip(self.portals, before, strict=True)))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Start a server with two workers on a clock that this process shares."""
    folder, memory = tmp_path_factory.mktemp("rotating"), ValkeyServer.alone(appendfsync="everysec")
    time = GivenTime(folder / "time")
    time.file.touch()
    environ = {given_time.VARIABLE: str(time.file), "SEN_KEYS__ALGORITHMS": ",".join(ALGORITHMS)}
    environ |= {f"SEN_SESSIONS__{limit}_SECONDS": seconds for limit, seconds in SHORT_SESSIONS.items()}
    sen = [sys.executable, "-m", given_time.__name__]
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        stack.callback(memory.stop)
        patch.setattr(clock, "now", time.now)
        served = ServedHouse.start(folder=folder, redis_url=memory.url, sen=sen, **environ)
        stack.callback(served.stop)
        office = stack.enter_context(operators.opened(served.house.settings))
        views = {
            worker: replace(served, wire=Wire(served.wire.port, served.wire.services)) for worker in served.workers()
        }
        for worker, view in views.items():
            view.stays_with(worker)
            stack.callback(view.wire.forget)
        yield Scene(served, time, office, views)


@pytest.mark.spec("F16", "I8", "ID-12")
def test_twenty_rotations_under_load_fail_no_verification_with_a_copy_as_old_as_it_may_be(scene: Scene) -> None:
    workers = [*scene.views, *reversed(scene.views)]
    for algorithm, worker, phase in zip(ALGORITHMS * 2, workers, PHASES, strict=True):
        scene.portals.append(CachingPortal.of(scene, algorithm=algorithm, worker=worker, younger_by=phase))
    signed_by = [scene.signers()]
    with scene.load():
        for _ in range(ROUNDS):
            announced = scene.announces()
            assert announced.keys() == set(ALGORITHMS)
            for seconds in STRIDES:
                scene.passes(seconds)
                scene.sees(partial(scene.all_publish, set(announced.values())))
            scene.promotes()
            signed_by.append(scene.signers())
            assert signed_by[-1] == announced
            scene.passes(AFTERWARDS)
            scene.sees(partial(scene.all_sign, set(announced.values())))
    first = set(signed_by[0].values())
    for number, portal in enumerate(scene.portals):
        mine = [kids[ALGORITHMS[number % 2]] for kids in signed_by]
        assert list(dict.fromkeys(portal.kids)) == mine, "each key has signed, one after the other"
        assert portal.verified_later > ROUNDS
    assert all(first.isdisjoint(scene.published(worker)) for worker in scene.views), "and the first ones are gone"


@pytest.mark.spec("F16")
def test_a_key_that_is_removed_in_an_emergency_verifies_nothing_any_more(scene: Scene) -> None:
    house = scene.served.house
    served = {"resources": [RESOURCE], "resources_served": [RESOURCE]}
    portal = house.registers_portal(id_token_signed_response_alg="ES256", **served)
    tokens = house.logs_in_directly().gives_tokens(portal, scope=OFFLINE_SCOPE, resource=RESOURCE)
    removed = jwt.get_unverified_header(tokens.access)["kid"]
    assert scene.is_good(tokens.access, portal=portal) == {True}
    KINDS["key"](scene.office, removed, "leaked")
    scene.time.passes(AFTERWARDS)
    assert until(
        lambda: not any(removed in scene.published(worker) for worker in scene.views), seconds=AT_MOST - AFTERWARDS
    )
    assert scene.is_good(tokens.access, portal=portal) == {False}
    renewed = members(portal.refreshes(tokens.refresh))["access_token"]
    assert jwt.get_unverified_header(renewed)["kid"] == scene.signers()["ES256"] != removed
    assert scene.is_good(renewed, portal=portal) == {True}
