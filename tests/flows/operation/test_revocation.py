"""Whatever an operator or a citizen ends works nowhere within five seconds: asked of both workers all the time."""

from __future__ import annotations

import contextlib
import io
import statistics
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest

from idp.cli import office as operators
from idp.cli.revoke import KINDS
from tests.support.login.served_house import ServedHouse
from tests.support.login.stopwatch import MEASURED
from tests.support.office import meanwhile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.house import House
    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn, Tokens
    from tests.support.valkey import ValkeyServer

PROMISED_SECONDS = 5.0
BATCH = 50
BATCHES = 4
AFTERWARDS_SECONDS = 2.2
NOTICED_SECONDS = 0.5
ENDED = ("citizen", "passkey", "session", "authorization", "client", "consent")


@dataclass
class Victim:
    """A citizen at a portal with everything that can be used: a session, an access token and a refresh token."""

    kind: str
    citizen: SignedIn
    portal: Portal
    tokens: Tokens
    authorization_id: str
    acknowledged_at: float | None = None
    last_success_after: float = 0.0
    first_refusal_after: float | None = None
    successes_before: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, house: House, kind: str) -> Victim:
        """Let a new citizen log in at a new portal."""
        portal = house.registers_portal(token_endpoint_auth_method="client_secret_basic")
        citizen = house.logs_in_directly()
        tokens = citizen.gives_tokens(portal)
        trail = house.office.audit.of_citizen(citizen_id=citizen.citizen_id, limit=10)
        granted = next(record for record in trail if record.type == "AuthorizationGranted")
        assert granted.object is not None
        return cls(kind, citizen, portal, tokens, granted.object)

    def is_ended(self, office: operators.Office) -> None:
        """End it as the command `sen revoke` does, or as the citizen does; note when that was acknowledged."""
        session = self.citizen.house.services.sessions.find(self.citizen.token)
        assert session is not None
        named = {
            "citizen": self.citizen.citizen_id,
            "passkey": session.passkey_id,
            "session": session.id,
            "authorization": self.authorization_id,
            "client": self.portal.client_id,
        }
        if self.kind == "consent":
            self.citizen.withdraws(self.citizen.newest_consent_id(self.portal))
        else:
            with contextlib.redirect_stdout(io.StringIO()):
                KINDS[self.kind](office, named[self.kind], "test")
        self.acknowledged_at = time.monotonic()

    def what_may_work(self) -> tuple[Callable[[], bool], ...]:
        """Return what is tried again and again; whoever lost one authorization may still ask for another."""
        tries: tuple[Callable[[], bool], ...] = (
            lambda: self.portal.asks_userinfo(self.tokens.access).status_code == 200,
            lambda: self.portal.refreshes(self.tokens.refresh).status_code == 200,
        )
        return tries if self.kind == "authorization" else (*tries, self._gets_a_code)

    def _gets_a_code(self) -> bool:
        answer = self.citizen.house.browser()
        answer.set_cookie("sen_session", self.citizen.token)
        return "code=" in answer.get(self.portal.asks(prompt="none").url).headers.get("Location", "")

    def is_tried(self) -> None:
        """Try everything once, and remember what worked although its end had been acknowledged before."""
        for tries in self.what_may_work():
            began, acknowledged = time.monotonic(), self.acknowledged_at
            worked = tries()
            if acknowledged is None:
                self.successes_before += worked
            elif worked:
                with self.lock:
                    self.last_success_after = max(self.last_success_after, time.monotonic() - acknowledged)
            elif self.first_refusal_after is None:
                self.first_refusal_after = began - acknowledged


@dataclass
class Probe:
    """Two threads, each on the connection of one worker, that try every victim all the time."""

    served: ServedHouse
    victims: list[Victim] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)
    rounds: dict[int, int] = field(default_factory=dict)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Ask both workers for as long as this lasts."""
        workers = self.served.workers()
        assert len(workers) == 2
        try:
            with meanwhile(*(partial(self._ask, pid) for pid in workers)):
                yield
        finally:
            self.served.wire.forget()
        assert self.broken == []

    def _ask(self, worker: int, over: threading.Event) -> None:
        try:
            self.served.stays_with(worker)
            while not over.is_set():
                for victim in list(self.victims):
                    victim.is_tried()
                self.rounds[worker] = self.rounds.get(worker, 0) + 1
        except BaseException as error:  # noqa: BLE001  whatever it is, the test must see it
            self.broken.append(error)
        finally:
            self.served.wire.forget()


@pytest.fixture
def served(
    tmp_path_factory: pytest.TempPathFactory, quick_valkey: ValkeyServer, own_database: str | None
) -> Iterator[ServedHouse]:
    """Give a server with two workers, over SQLite and over PostgreSQL."""
    started = ServedHouse.start(
        folder=tmp_path_factory.mktemp("served"), redis_url=quick_valkey.url, database_url=own_database
    )
    yield started
    assert started.stop() == 0


def _one_batch(probe: Probe, office: operators.Office, kinds: list[str]) -> list[Victim]:
    """End a batch, one after the other, while both workers are asked."""
    house = probe.served.house
    probe.victims = [Victim.of(house, kind) for kind in kinds]
    control = Victim.of(house, "nothing")
    probe.victims.append(control)
    with probe.at_work():
        _until(lambda: all(victim.successes_before for victim in probe.victims))
        for victim in probe.victims[:-1]:
            victim.is_ended(office)
        time.sleep(AFTERWARDS_SECONDS)
        _until(lambda: all(victim.first_refusal_after is not None for victim in probe.victims[:-1]))
    assert all(tries() for tries in control.what_may_work()), "who was not ended goes on"
    return probe.victims[:-1]


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.timeout(240)
@pytest.mark.spec("AD-05", "RT-07", "SS-05", "WV-11", "CO-04", "I3")
def test_of_two_hundred_things_that_are_ended_none_works_on_any_worker_five_seconds_later(
    served: ServedHouse, quick_valkey: ValkeyServer, record_property: Callable[[str, str], None]
) -> None:
    probe, ended = Probe(served), []
    with operators.opened(served.house.settings) as office:
        for batch in range(BATCHES):
            kinds = [ENDED[(batch * BATCH + index) % len(ENDED)] for index in range(BATCH)]
            ended += _one_batch(probe, office, kinds)
    worst = max(victim.last_success_after for victim in ended)
    refusals = [victim.first_refusal_after or 0.0 for victim in ended]
    record_property(
        MEASURED,
        f"{len(ended)} revocations; last success after the acknowledgement, in seconds: "
        f"median {statistics.median(victim.last_success_after for victim in ended):.3f}, worst {worst:.3f}; "
        f"first refusal seen: median {statistics.median(refusals):.3f}, worst {max(refusals):.3f}; "
        f"rounds of the probe: {sorted(probe.rounds.values())}",
    )
    assert len(ended) == BATCH * BATCHES
    assert worst <= PROMISED_SECONDS
    quick_valkey.client.flushall()
    served.house.waits_until_assertions_count()
    back = [victim for victim in ended if any(tries() for tries in victim.what_may_work())]
    assert back == [], "what was ended came back when the memory forgot"
    assert Victim.of(served.house, "nothing").tokens.are_alive()


@pytest.mark.spec("AD-05")
def test_the_command_itself_ends_what_it_names_before_it_returns(served: ServedHouse) -> None:
    for kind, name in (("authorization", "authorization_id"), ("citizen", "citizen_id")):
        victim = Victim.of(served.house, kind)
        identifier = getattr(victim, name, None) or getattr(victim.citizen, name)
        assert all(tries() for tries in victim.what_may_work())
        served.types("revoke", kind, identifier, "--reason", "test")
        for worker in served.workers():
            served.stays_with(worker)
            assert not any(tries() for tries in victim.what_may_work())


@pytest.mark.parametrize("own_database", [None])  # what the probe notices does not hang on the database
@pytest.mark.spec("AD-05")
def test_an_end_that_comes_after_its_acknowledgement_would_be_noticed(served: ServedHouse) -> None:
    late = Victim.of(served.house, "citizen")
    probe = Probe(served, [late])
    with operators.opened(served.house.settings) as office, probe.at_work():
        _until(lambda: bool(late.successes_before))
        late.acknowledged_at = time.monotonic()
        _until(lambda: late.last_success_after > NOTICED_SECONDS)
        too_early = late.acknowledged_at
        late.is_ended(office)
        late.acknowledged_at = too_early
        _until(lambda: late.first_refusal_after is not None)
    assert late.last_success_after > NOTICED_SECONDS
