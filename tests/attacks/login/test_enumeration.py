"""Who has an account here is told to nobody: not by status, headers, cookies, body, and not by the clock."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.authenticator import SoftwareAuthenticator
from tests.support.house import House
from tests.support.login.stopwatch import times_of, told_apart
from tests.support.login.stranger import AStranger
from tests.support.office import a_new_passkey, new_number
from tests.support.portal import members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from idp.citizens.national_id import PersonalNumber
    from tests.support.office import Office
    from tests.support.valkey import ValkeyServer

EACH = 16
MOST_ROUNDS = 2000
"""On a busy machine a small difference is only seen after many."""
NOBODYS_CODE = "BCFG-2345-HJKM-67"
DRAWN = re.compile(r"[\w.=-]{16,}|[A-Z0-9]{3}-[A-Z0-9]{3}-[A-Z0-9]{2}|\d{12}|\d{3}•+\d{2}")
"""What is another one in every answer: tokens and nonces, incidents, and the number that was typed."""


@dataclass(frozen=True)
class Numbers:
    """Sixteen numbers of each kind that a stranger might want to tell apart."""

    unknown: tuple[PersonalNumber, ...]
    active: tuple[PersonalNumber, ...]
    suspended: tuple[PersonalNumber, ...]
    unactivated: tuple[PersonalNumber, ...]

    def kinds(self) -> dict[str, tuple[PersonalNumber, ...]]:
        """Name the kinds."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _active(office: Office, index: int) -> PersonalNumber:
    """Let a person have an account with one passkey; every other passkey is one that syncs."""
    number = office.registers()
    activated = office.activates(number=number)
    if index % 2:
        synced = a_new_passkey(user_handle=activated.citizen.user_handle)
        office.adds_passkey(activated.citizen, synced)
    return number


def _suspended(office: Office) -> PersonalNumber:
    number = office.registers()
    account = office.activates(number=number)
    office.citizens.end(citizen_id=account.citizen.id, status="suspended", reason="test", actor="operator")
    return number


def _unactivated(office: Office) -> PersonalNumber:
    number = office.registers()
    office.issues_code(number=number)
    return number


@pytest.fixture(scope="module")
def patient_house(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house that lets a stranger try as often as a statistic needs."""
    folder = tmp_path_factory.mktemp("patient")
    built = House.build(folder=folder, redis_url=lone_valkey.url, SEN_LIMITS__PER_ACCOUNT="100000")
    yield built
    built.services.close()


@pytest.fixture(scope="module")
def numbers(patient_house: House) -> Numbers:
    """Give numbers of every kind."""
    office = patient_house.office
    return Numbers(
        unknown=tuple(new_number() for _ in range(EACH)),
        active=tuple(_active(office, index) for index in range(EACH)),
        suspended=tuple(_suspended(office) for _ in range(EACH)),
        unactivated=tuple(_unactivated(office) for _ in range(EACH)),
    )


def _seen(answer: TestResponse) -> tuple[object, ...]:
    """Return everything of an answer that must not differ, but for what is random in every answer."""
    headers = {
        name: value for name, value in answer.headers.items() if name not in {"Content-Security-Policy", "Set-Cookie"}
    }
    cookies = sorted(header.partition("=")[0] for header in answer.headers.getlist("Set-Cookie"))
    body = DRAWN.sub("*", answer.text)
    return answer.status_code, tuple(sorted(headers.items())), tuple(cookies), len(answer.data), body


@pytest.mark.spec("LG-01")
def test_a_typed_number_gets_the_same_page_whoever_holds_it(patient_house: House, numbers: Numbers) -> None:
    stranger = AStranger.at(patient_house)
    seen = {_seen(stranger.types_number(number)) for kind in numbers.kinds().values() for number in kind[:4]}
    assert len(seen) == 1
    assert next(iter(seen))[0] == 200


@pytest.mark.spec("LG-01", "LG-02")
def test_passkeys_are_offered_for_every_number_and_the_same_ones_each_time(
    patient_house: House, numbers: Numbers
) -> None:
    stranger = AStranger.at(patient_house)
    shapes: dict[str, set[object]] = {}
    for name, kind in numbers.kinds().items():
        for number in kind:
            first, again = (stranger.asks_options(stranger.sealed(number)) for _ in range(2))
            offered = members(first)["allowCredentials"]
            assert offered
            assert offered == members(again)["allowCredentials"]
            assert members(first)["challenge"] != members(again)["challenge"]
            assert _seen(first)[:3] == _seen(again)[:3]
            shapes.setdefault(name, set()).add((first.status_code, tuple(members(first)), tuple(offered[0])))
    assert len(set.union(*shapes.values())) == 1, "an answer for one kind has another form"
    assert all(len(shape) == 1 for shape in shapes.values())


@pytest.mark.spec("LG-02")
def test_what_is_made_up_has_lengths_and_transports_that_real_passkeys_have(
    patient_house: House, numbers: Numbers
) -> None:
    stranger = AStranger.at(patient_house)
    made_up = {
        (len(item["id"]), tuple(item["transports"]))
        for number in numbers.unknown + numbers.suspended + numbers.unactivated
        for item in members(stranger.asks_options(stranger.sealed(number)))["allowCredentials"]
    }
    real = {
        (len(item["id"]), tuple(item["transports"]))
        for number in numbers.active
        for item in members(stranger.asks_options(stranger.sealed(number)))["allowCredentials"]
    }
    assert {length for length, _ in real} <= {length for length, _ in made_up}
    assert len(made_up) > 1


@pytest.mark.spec("LG-01", "WV-07")
def test_a_forged_answer_is_refused_alike_for_real_and_for_made_up_passkeys(
    patient_house: House, numbers: Numbers
) -> None:
    stranger = AStranger.at(patient_house)
    seen, incidents = set(), set()
    for kind in numbers.kinds().values():
        answer = stranger.answers(stranger.forges(stranger.sealed(kind[0]), SoftwareAuthenticator()))
        incidents.add(members(answer)["incident"])  # drawn by lot for each request, whoever is asked for
        seen.add(_seen(answer))
    assert len(seen) == 1
    assert len(incidents) == len(numbers.kinds())
    assert next(iter(seen))[0] == 400


@pytest.mark.spec("LG-03", "LG-01")
def test_a_wrong_code_gets_the_same_page_for_every_number(patient_house: House, numbers: Numbers) -> None:
    stranger = AStranger.at(patient_house, "/activate")
    pages = set()
    for kind in numbers.kinds().values():
        answer = stranger.tries_code(kind[0], NOBODYS_CODE)
        pages.add(_seen(answer))
    assert len(pages) == 1
    assert next(iter(pages))[0] == 400


@pytest.mark.spec("LG-03")
def test_a_right_code_opens_the_next_step_where_a_wrong_one_did_not(patient_house: House) -> None:
    number = patient_house.office.registers()
    code = patient_house.office.issues_code(number=number)
    stranger = AStranger.at(patient_house, "/activate")
    assert stranger.tries_code(number, NOBODYS_CODE).status_code == 400
    assert stranger.tries_code(number, code).status_code == 303
    elsewhere = AStranger.at(patient_house, "/activate").tries_code(new_number(), code)
    assert elsewhere.status_code == 400, "a code is good for its own number alone"


def _in_turn(numbers: Numbers, ask: Callable[[PersonalNumber], object]) -> dict[str, Callable[[int], object]]:
    def of(kind: tuple[PersonalNumber, ...]) -> Callable[[int], object]:
        return lambda round_number: ask(kind[round_number % len(kind)])

    return {name: of(kind) for name, kind in numbers.kinds().items()}


@pytest.mark.spec("LG-01")
def test_the_clock_does_not_tell_for_whom_passkeys_are_offered(patient_house: House, numbers: Numbers) -> None:
    stranger = AStranger.at(patient_house)
    sealed = {number: stranger.sealed(number) for kind in numbers.kinds().values() for number in kind}
    times = times_of(_in_turn(numbers, lambda number: stranger.asks_options(sealed[number])), rounds=250)
    assert told_apart(times) == {}


@pytest.mark.spec("LG-01")
def test_the_clock_does_not_tell_whose_number_was_typed(patient_house: House, numbers: Numbers) -> None:
    stranger = AStranger.at(patient_house)
    assert told_apart(times_of(_in_turn(numbers, stranger.types_number), rounds=100)) == {}


@pytest.mark.spec("LG-01", "LG-03")
def test_the_clock_does_not_tell_for_whom_a_wrong_code_was_typed(patient_house: House, numbers: Numbers) -> None:
    stranger = AStranger.at(patient_house, "/activate")
    kinds = _in_turn(numbers, lambda number: stranger.tries_code(number, NOBODYS_CODE))
    assert told_apart(times_of(kinds, rounds=100)) == {}


@pytest.mark.spec("LG-01", "WV-07")
def test_the_clock_does_not_tell_a_made_up_passkey_by_how_a_forged_answer_is_refused(
    patient_house: House, numbers: Numbers
) -> None:
    stranger, authenticator = AStranger.at(patient_house), SoftwareAuthenticator()
    sealed = {number: stranger.sealed(number) for kind in numbers.kinds().values() for number in kind}
    times: dict[str, list[float]] = {name: [] for name in numbers.kinds()}

    def forge(name: str, number: PersonalNumber) -> None:
        forged = stranger.forges(sealed[number], authenticator)
        began = time.perf_counter()
        assert stranger.answers(forged).status_code == 400
        times[name].append(time.perf_counter() - began)

    kinds = {
        name: (lambda round_number, name=name, kind=kind: forge(name, kind[round_number % len(kind)]))
        for name, kind in numbers.kinds().items()
    }
    times_of(kinds, rounds=80)
    assert told_apart(times) == {}


def _noticed(kinds: dict[str, Callable[[int], object]]) -> dict[tuple[str, str], float]:
    """Return what the clock tells apart, after as many rounds as a busy machine needs for it."""
    times = times_of(kinds, rounds=50)
    while not (apart := told_apart(times)) and len(times["unknown"]) < MOST_ROUNDS:
        for name, more in times_of(kinds, rounds=50).items():
            times[name] += more
    return apart


@pytest.mark.spec("LG-01")
def test_a_delay_of_five_milliseconds_would_be_noticed(patient_house: House) -> None:
    stranger = AStranger.at(patient_house)

    def known(_round: int) -> object:
        time.sleep(0.005)
        return stranger.asks_options()

    assert _noticed({"known": known, "unknown": lambda _round: stranger.asks_options()})["known", "unknown"] > 0.5


@pytest.mark.spec("LG-01")
def test_a_store_that_is_slower_for_who_is_known_would_be_noticed_where_nothing_evens_it_out(
    patient_house: House, numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = AStranger.at(patient_house)
    sealed = {number: stranger.sealed(number) for kind in numbers.kinds().values() for number in kind}
    store = patient_house.services.journey.desk.passkeys
    honest = type(store).allowed_for

    def slow_for_the_known(self: object, *, number_hash: bytes) -> object:
        found = honest(self, number_hash=number_hash)  # type: ignore[arg-type]
        time.sleep(0.05 if found else 0)
        return found

    monkeypatch.setattr(type(store), "allowed_for", slow_for_the_known)
    kinds = _in_turn(numbers, lambda number: stranger.asks_options(sealed[number]))
    assert _noticed({name: kinds[name] for name in ("active", "unknown")})["active", "unknown"] > 0.5
