"""Limits: what is counted, for whom; what an attacker can and cannot do with them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from idp import clock, limits
from idp.ephemeral import Claimed
from idp.errors import TooManyAttempts
from idp.settings import load
from tests.support.house import ISSUER, House
from tests.support.login.own_pages import begins_login
from tests.support.login.stranger import AStranger
from tests.support.office import new_number
from tests.support.portal import members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from tests.support.valkey import ValkeyServer

WRONG = "BCFG-2345-HJKM-67"
TRIES = 5


@pytest.fixture
def build(tmp_path_factory: pytest.TempPathFactory, own_valkey: ValkeyServer) -> Iterator[Callable[..., House]]:
    """Give houses with limits of their own; their memory is a quarter of an hour old unless it is `young`."""
    houses: list[House] = []

    def made(*, young: bool = False, **settings: str) -> House:
        """Set the memory's birth back: its epoch is the first word of `since` in every bucket."""
        house = House.build(folder=tmp_path_factory.mktemp("limits"), redis_url=own_valkey.url, **settings)
        houses.append(house)
        if not young:
            _age(own_valkey, seconds=house.settings.limits.window_seconds + 1)
        return house

    yield made
    for house in houses:
        house.services.close()


def _age(server: ValkeyServer, *, seconds: float) -> None:
    for key in server.client.scan_iter("*epoch*"):
        born, run_id = bytes(server.ask("GET", key)).split(b" ")
        server.ask("SET", key, b"%.6f %s" % (float(born) - seconds, run_id))


def _tries_from(stranger: AStranger, address: str, **headers: str) -> int:
    """Try a wrong code under a number of its own from an address, saying more about oneself in headers."""
    form = {"tx": stranger.tx, "number": new_number().digits, "code": WRONG, "csrf_token": stranger.token}
    sent = {"Origin": ISSUER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    overrides = {"REMOTE_ADDR": address}
    return stranger.browser.post("/activate", data=form, headers=sent, environ_overrides=overrides).status_code


def _statuses(run: Callable[[], TestResponse], *, times: int) -> list[int]:
    return [run().status_code for _ in range(times)]


@pytest.mark.spec("LG-05")
def test_a_number_takes_five_codes_in_a_quarter_of_an_hour(build: Callable[..., House]) -> None:
    house = build()
    citizen, stranger = house.registers_citizen(), AStranger.at(house, "/activate")
    assert _statuses(lambda: stranger.tries_code(citizen.number, WRONG), times=TRIES + 2) == [400] * 5 + [429] * 2
    refused = stranger.tries_code(citizen.number, citizen.code)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900"), "right ones neither"
    assert "Hãy đợi 15 phút" in refused.text
    assert stranger.tries_code(new_number(), WRONG).status_code == 400, "another number has its own five"


@pytest.mark.spec("LG-06")
def test_fifty_wrong_codes_at_once_count_as_fifty(build: Callable[..., House]) -> None:
    house = build()
    citizen = house.registers_citizen()
    strangers = [AStranger.at(house, "/activate") for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda i: strangers[i % 10].tries_code(citizen.number, WRONG).status_code, range(50)))
    assert sorted(answers) == [400] * TRIES + [429] * (50 - TRIES)


@pytest.mark.spec("LG-05", "LG-08")
def test_an_address_takes_its_share_of_codes_whatever_it_says_about_itself(build: Callable[..., House]) -> None:
    house = build(SEN_LIMITS__PER_PREFIX="4")
    stranger = AStranger.at(house, "/activate")
    for index in range(4):
        assert _tries_from(stranger, "127.0.0.1", X_Forwarded_For=f"203.0.113.{index}") == 400
    words = {"X_Forwarded_For": "198.51.100.9", "Forwarded": "for=198.51.100.9", "X_Real_IP": "198.51.100.9"}
    assert _tries_from(stranger, "127.0.0.1", **words) == 429
    assert _tries_from(stranger, "198.51.100.9", **words) == 400


@pytest.mark.spec("LG-05")
def test_what_counts_together_is_an_ipv4_address_or_an_ipv6_subscriber(build: Callable[..., House]) -> None:
    stranger = AStranger.at(build(SEN_LIMITS__PER_PREFIX="1"), "/activate")
    for first, second, answers in (
        ("198.51.100.1", "198.51.100.2", (400, 400)),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", (400, 429)),
        ("2001:db8:1:3::1", "2001:db8:1:4::1", (400, 400)),
        ("::ffff:198.51.100.3", "198.51.100.3", (400, 429)),
    ):
        assert (_tries_from(stranger, first), _tries_from(stranger, second)) == answers, first


@pytest.mark.spec("LG-08")
def test_only_a_front_that_is_trusted_says_who_asks_and_only_its_own_word_counts(build: Callable[..., House]) -> None:
    house = build(SEN_LIMITS__PER_PREFIX="1", SEN_SERVER__TRUSTED_PROXIES="192.0.2.1")
    stranger = AStranger.at(house, "/activate")

    assert _tries_from(stranger, "192.0.2.1", X_Forwarded_For="198.51.100.7") == 400
    assert _tries_from(stranger, "192.0.2.1", X_Forwarded_For="203.0.113.1, 198.51.100.7") == 429, (
        "what the caller wrote before is not heard"
    )
    assert _tries_from(stranger, "192.0.2.1", X_Forwarded_For="198.51.100.8") == 400
    assert _tries_from(stranger, "192.0.2.66", X_Forwarded_For="198.51.100.9") == 400
    assert _tries_from(stranger, "192.0.2.66", X_Forwarded_For="198.51.100.10") == 429, (
        "who is no front of ours is counted as itself"
    )


@pytest.mark.spec("LG-07")
def test_whoever_fails_under_somebodys_number_does_not_keep_their_passkey_out(build: Callable[..., House]) -> None:
    house = build()
    citizen = house.activates_citizen()
    stranger = AStranger.at(house, "/activate")
    _statuses(lambda: stranger.tries_code(citizen.number, WRONG), times=TRIES + 5)
    sealed = stranger.sealed(citizen.number)
    for _ in range(15):
        assert stranger.answers(stranger.forges(sealed, citizen.authenticator)).status_code == 400
    citizen.browser = house.browser()
    assert citizen.signs_in(begins_login(citizen.browser)).status_code == 200
    citizen.browser = house.browser()
    sealed = AStranger.at(house).sealed(citizen.number)
    by_number = AStranger.at(house)
    sealed = by_number.sealed(citizen.number)
    citizen.browser = by_number.browser
    assert citizen.signs_in(by_number.tx, sealed_number=sealed).status_code == 200


@pytest.mark.spec("LG-09")
def test_a_success_forgets_the_failures_of_its_own_number_and_of_no_other(build: Callable[..., House]) -> None:
    house = build()
    citizen, other = house.registers_citizen(), house.registers_citizen()
    stranger = AStranger.at(house, "/activate")
    for person in (citizen, other):
        assert _statuses(lambda p=person: stranger.tries_code(p.number, WRONG), times=4) == [400] * 4  # type: ignore[misc]
    assert citizen.activates().status_code == 200
    again = house.office.issues_code(number=citizen.number)
    assert stranger.tries_code(citizen.number, WRONG).status_code == 400
    assert stranger.tries_code(citizen.number, again).status_code == 303
    assert _statuses(lambda: stranger.tries_code(other.number, WRONG), times=2) == [400, 429]


@pytest.mark.spec("LG-05", "I9")
def test_a_memory_that_was_lost_gives_nobody_five_tries_anew(
    build: Callable[..., House], own_valkey: ValkeyServer
) -> None:
    house = build()
    number, stranger = new_number(), AStranger.at(house, "/activate")
    assert _statuses(lambda: stranger.tries_code(number, WRONG), times=TRIES + 1) == [400] * 5 + [429]
    own_valkey.client.flushall()
    stranger = AStranger.at(house, "/activate")
    assert _statuses(lambda: stranger.tries_code(number, WRONG), times=4) == [400] * 3 + [429]
    with time_machine.travel(clock.now() + timedelta(seconds=901), tick=True):
        patient = AStranger.at(house, "/activate")
        assert _statuses(lambda: patient.tries_code(new_number(), WRONG), times=1) == [400]
        other = new_number()
        assert _statuses(lambda: patient.tries_code(other, WRONG), times=TRIES + 1) == [400] * 5 + [429]


@pytest.mark.spec("LG-05", "I9")
@pytest.mark.parametrize(("age", "most"), [(899, 3), (900, TRIES)])
def test_a_memory_as_old_as_the_window_has_forgotten_nothing_that_counts(age: int, most: int) -> None:
    settings, instant = load({"SEN_ENVIRONMENT": "development"}).limits, 1_800_000_000
    whole = Claimed(first=True, since=instant - age)
    with time_machine.travel(instant, tick=False):
        limits.check("activation", (most, 1, 1, whole), settings=settings)
        with pytest.raises(TooManyAttempts):
            limits.check("activation", (most + 1, 1, 1, whole), settings=settings)


@pytest.mark.spec("LG-05", "I9")
def test_counts_survive_a_memory_that_is_killed(build: Callable[..., House], own_valkey: ValkeyServer) -> None:
    house = build(young=True)
    number, stranger = new_number(), AStranger.at(house, "/activate")
    assert _statuses(lambda: stranger.tries_code(number, WRONG), times=3) == [400] * 3
    own_valkey.kill()
    own_valkey.start()
    assert AStranger.at(house, "/activate").tries_code(number, WRONG).status_code == 429


@pytest.mark.spec("LG-05", "F01")
def test_where_the_memory_does_not_answer_no_try_goes_uncounted(
    build: Callable[..., House], own_valkey: ValkeyServer
) -> None:
    house = build()
    citizen, stranger = house.registers_citizen(), AStranger.at(house, "/activate")
    own_valkey.kill()
    assert stranger.tries_code(citizen.number, citizen.code).status_code == 503
    own_valkey.start()
    assert stranger.tries_code(citizen.number, citizen.code).status_code == 303


@pytest.mark.spec("LG-05", "F21")
def test_pages_that_leave_something_behind_are_counted(build: Callable[..., House]) -> None:
    browser = build(SEN_LIMITS__REQUESTS_PER_PREFIX="6").browser()
    for at, path in enumerate(("/login", "/activate", "/account", "/account/passkeys")):
        whence = {"REMOTE_ADDR": f"198.51.100.{at}"}
        answers = [browser.get(path, environ_overrides=whence) for _ in range(8)]
        assert [answer.status_code for answer in answers] == [303] * 6 + [429] * 2, path
        assert answers[-1].headers["Retry-After"] == "60"


@pytest.mark.spec("LG-05")
def test_a_script_and_a_person_who_ask_too_often_are_told_the_same(build: Callable[..., House]) -> None:
    house = build(SEN_LIMITS__REQUESTS_PER_PREFIX="2")
    stranger, url = AStranger.at(house), house.registers_portal().asks().url
    not_locked, wait = "Tài khoản của bạn không bị khóa.", "Hãy đợi khoảng 1 phút."
    for path, once in (("options", 200), ("verify", 400)):
        first, _, last = (stranger.posts(f"/login/passkey/{path}", credential={}) for _ in range(3))
        assert (first.status_code, last.status_code, last.headers["Retry-After"]) == (once, 429, "60")
        assert set(members(last)) == {"message", "reason", "incident"}
        assert members(last)["message"].endswith(f"{not_locked} {wait}")
    page = stranger.browser.get("/login").text
    assert not_locked in page
    assert wait in page
    assert not_locked in stranger.browser.get(url).text
