"""Signing keys change under load, on a clock that runs fast: who caches the key set for its max-age notices nothing."""

from __future__ import annotations

import re
import secrets
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import jwt
import orjson
import pytest

from idp import clock
from idp.storage.sql.keys import SqlKeyStore
from idp.wiring import ring_settings
from keys import rotate, rotate_now
from keys.custody import Custodian, NewKey, SoftwareCustodian
from tests.support.house import members
from tests.support.login import hurried
from tests.support.login.served_house import HOST, ServedHouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jwt.types import Options

    from keys import Sealer
    from tests.support.portal import Portal
    from tests.support.postgres import Postgres
    from tests.support.valkey import ValkeyServer

ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
ROUNDS = 5
"""Four keys are replaced in each: twenty rotations."""
LIFE = timedelta(seconds=10)
SHORT_LIVES = {
    "SEN_KEYS__JWKS_CACHE_SECONDS": "1",
    "SEN_TOKENS__ID_TOKEN_SECONDS": "10",
    "SEN_TOKENS__ACCESS_TOKEN_SECONDS": "10",
}
LONGEST_SECONDS = 60
PAUSE_SECONDS = 0.01
"""Between two refreshes of a portal."""
UNAWARE_OF_TIME: Options = {"verify_exp": False, "verify_iat": False}
"""PyJWT's own clock does not hurry."""


@pytest.fixture
def served(
    tmp_path_factory: pytest.TempPathFactory,
    quick_valkey: ValkeyServer,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ServedHouse]:
    """Give a server with two workers; its clocks and those of this process run fast, and together.

    On PostgreSQL, where nobody who writes waits for all the others: on this clock, that would take seconds.
    """
    monkeypatch.setattr(clock, "now", hurried.now)
    started = ServedHouse.start(
        folder=tmp_path_factory.mktemp("rotating"),
        redis_url=quick_valkey.url,
        database_url=postgres.create_database(f"rotating_{secrets.token_hex(6)}"),
        sen=[sys.executable, "-m", hurried.__name__],
        **SHORT_LIVES,
    )
    yield started
    assert started.stop() == 0


@dataclass
class CachingPortal:
    """Refreshes without a pause and verifies each ID token twice: at once, and towards the end of its life.

    It asks for the key set only when its copy is older than `max-age`, and never because a key is not in it.
    """

    served: ServedHouse
    portal: Portal
    algorithm: str
    refresh_token: str
    keys: dict[str, Any] = field(default_factory=dict)
    good_until: datetime | None = None
    kids: set[str] = field(default_factory=set)
    kept: deque[tuple[datetime, str]] = field(default_factory=deque)
    verified_later: int = 0
    broken: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, served: ServedHouse, *, algorithm: str) -> Self:
        """Register a portal whose ID tokens are signed with an algorithm, and let a citizen log in there."""
        portal = served.house.registers_portal(id_token_signed_response_alg=algorithm)
        tokens = served.house.logs_in_directly().gives_tokens(portal)
        return cls(served, portal, algorithm, tokens.refresh)

    def works(self, *, until_told: threading.Event) -> None:
        """Work until told to stop, or until something does not hold."""
        try:
            while not until_told.is_set():
                time.sleep(PAUSE_SECONDS)
                answer = self.portal.refreshes(self.refresh_token)
                assert answer.status_code == 200, answer.text
                token = members(answer)["id_token"]
                self.verifies(token)
                self.kept.append((clock.now(), token))
                while self.kept and clock.now() - self.kept[0][0] > LIFE / 2:
                    self.verified_later += self.verifies(self.kept.popleft()[1])
        except Exception as error:  # noqa: BLE001  whatever it is, the test must see it
            self.broken.append(f"{self.algorithm}: {error!r}")
        finally:
            self.served.wire.forget()

    def verifies(self, token: str) -> bool:
        """Verify a signature with the copy of the key set; return whether the token was still good then.

        Only on a very busy machine is anybody that late.
        """
        if self.good_until is None or clock.now() >= self.good_until:
            self.fetches()
        kid = jwt.get_unverified_header(token)["kid"]
        if clock.epoch_seconds() >= jwt.decode(token, options={"verify_signature": False})["exp"]:
            return False
        assert kid in self.keys, f"{kid} is not in a copy of the key set that may be used"
        mine = self.portal.client_id
        jwt.decode(token, self.keys[kid], algorithms=[self.algorithm], audience=mine, options=UNAWARE_OF_TIME)
        self.kids.add(kid)
        return True

    def fetches(self) -> None:
        """Fetch the key set; it is as old as the moment in which it was asked for."""
        asked_at = clock.now()
        answer, body = self.served.wire.send("GET", "/jwks", headers={"Host": HOST})
        found = re.search("max-age=([0-9]+)", answer.headers["Cache-Control"])
        assert found
        self.good_until = asked_at + timedelta(seconds=int(found[1]))
        self.keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(orjson.loads(body)).keys if key.key_id}


class PreparedCustodian(SoftwareCustodian):
    """Has its new keys ready: making them takes as long as ever, which is far too long on the hurried clock."""

    def __init__(self, *, sealer: Sealer, keys_each: int) -> None:
        """Make as many keys of each algorithm as will be needed."""
        super().__init__(sealer=sealer)
        make = super().generate
        self._ready = {algorithm: [make(alg=algorithm) for _ in range(keys_each)] for algorithm in ALGORITHMS}

    def generate(self, *, alg: str) -> NewKey:
        """Hand out one that is ready."""
        return self._ready[alg].pop()


def _rotates(served: ServedHouse, *, custodian: Custodian, rounds: int) -> list[str]:
    """Replace every key so many times, as `sen keys rotate` and the worker do; return the keys that signed first.

    On a busy machine writing an announcement down takes hurried seconds: the hand that rotates is as late as that was.
    """
    store, settings = SqlKeyStore(served.house.office.database), ring_settings(served.house.settings)
    custodians = {settings.custodian: custodian}
    replaced: list[str] = []
    deadline = time.monotonic() + LONGEST_SECONDS
    late = timedelta()
    for _ in range(rounds):
        began = clock.now()
        rotate_now(store=store, custodians=custodians, settings=settings, now=began)
        late = max(late, clock.now() - began)
        signing = {one.kid for one in store.all() if one.state == "active"}
        while signing & {one.kid for one in store.all() if one.state == "active"}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
            began = clock.now()
            rotate(store=store, custodians=custodians, settings=settings, now=began - late)
            late = max(late, clock.now() - began)
        replaced += signing
    return replaced


@pytest.mark.spec("F16", "I8")
def test_twenty_rotations_under_load_fail_no_verification_with_a_copy_as_old_as_it_may_be(served: ServedHouse) -> None:
    portals = [CachingPortal.of(served, algorithm=algorithm) for algorithm in ALGORITHMS]
    custodian = PreparedCustodian(sealer=served.house.office.sealer, keys_each=ROUNDS)
    enough = threading.Event()
    at_work = [threading.Thread(target=portal.works, kwargs={"until_told": enough}) for portal in portals]
    for thread in at_work:
        thread.start()
    try:
        replaced = _rotates(served, custodian=custodian, rounds=ROUNDS)
        time.sleep(0.5)
    finally:
        enough.set()
        for thread in at_work:
            thread.join()
    assert [portal.broken for portal in portals] == [[]] * len(portals)
    assert len(set(replaced)) == len(replaced) == ROUNDS * len(ALGORITHMS)
    assert all(len(portal.kids) > ROUNDS / 2 for portal in portals), "one key after the other has signed"
    assert all(portal.verified_later for portal in portals)
    kept = {one.kid for one in SqlKeyStore(served.house.office.database).all()}
    assert set(replaced) - kept, "and the first ones are no longer published"
