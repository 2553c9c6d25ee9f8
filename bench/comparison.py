"""The comparison: starts both providers and their stores, lets them take turns, and writes down what they cost."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bench import least, peer, report, sen
from bench.chain import Chain, Provider, WrongAnswerError
from bench.login import log_in
from bench.processes import LOAD_CORE
from bench.relying_party import RelyingParties
from bench.run import ROOT
from idp.logs import configure
from tests.support.postgres import Postgres
from tests.support.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.arm import Arm, Phase
    from tests.support.authenticator import SoftwareAuthenticator

FOLDER = ROOT / "var" / "bench"
RESULT = ROOT / "var" / "bench.md"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `seconds` bounds the rounds: none is begun after that.

    The peer's engine compiles while it runs, and needs more to be warm than an interpreter does.
    """

    warm_up: int
    peer_warm_up: int
    requests: int
    logins: int
    rounds: int
    starts: int
    people: int
    seconds: float


FULL = Plan(warm_up=200, peer_warm_up=800, requests=300, logins=60, rounds=3, starts=3, people=64, seconds=80)
QUICK = Plan(warm_up=100, peer_warm_up=300, requests=100, logins=30, rounds=2, starts=1, people=16, seconds=30)


@dataclass(slots=True)
class Contender:
    """An arm, its way through a round, and the phases of every round; its way through logins where it has some."""

    arm: Arm
    run: Callable[[int], dict[str, Phase]]
    log_in: Callable[[int], dict[str, Phase]] | None = None
    rounds: list[dict[str, Phase]] = field(default_factory=list)

    def turn(self, plan: Plan) -> dict[str, Phase]:
        """Go through one round."""
        phases = self.run(plan.requests)
        return phases if self.log_in is None else phases | self.log_in(plan.logins)


def main(arguments: Sequence[str]) -> int:
    """Run the comparison; print it and leave it in var/bench.md."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Compares Sen with npm oidc-provider.")
    parser.add_argument("--quick", action="store_true", help="a short run of under two minutes, good for a glance")
    plan = QUICK if parser.parse_args(arguments).quick else FULL
    try:
        text = compare(plan)
    except (RuntimeError, WrongAnswerError) as broken:
        say(f"The benchmark was given up: {broken}")
        return 1
    print(text)
    RESULT.write_text(text, encoding="utf-8")
    say(f"Written to {RESULT.relative_to(ROOT)}.")
    return 1 if report.GIVEN_UP in text else 0


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


def compare(plan: Plan) -> str:
    """Run both arms by turns and return the report as Markdown.

    Raises:
        RuntimeError: something does not start, or does not answer in time.
        WrongAnswerError: an answer is wrong.
    """
    configure(level="error")
    peer.install(say)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.sched_setaffinity(0, {LOAD_CORE})  # the load and the stores, which inherit it; servers go to the other core
    with contextlib.ExitStack() as house:
        contenders = _start(plan, house)
        say(f"Warming up: {plan.peer_warm_up} requests of every kind at the peer, {plan.warm_up} at Sen ...")
        for contender, count in zip(contenders, (plan.peer_warm_up, *[plan.warm_up] * 3), strict=True):
            contender.run(count)
        broken = _take_turns(contenders, plan=plan)
        first, *ours, floor = [report.measured(contender) for contender in contenders]
        return report.written(peer=first, ours=ours, least=floor, plan=plan, broken=broken)


def _take_turns(contenders: Sequence[Contender], *, plan: Plan) -> str:
    """Let all go through the rounds; return what broke the last one, or nothing. What was whole before is kept.

    Raises:
        RuntimeError, WrongAnswerError: not even the first round was whole.
    """
    end = time.monotonic() + plan.seconds
    for number in range(plan.rounds):
        if time.monotonic() > end:
            break
        say(f"Round {number + 1} of {plan.rounds} ...")
        try:
            turns = [contender.turn(plan) for contender in contenders]
        except (RuntimeError, WrongAnswerError) as broken:
            if not number:
                raise
            return str(broken)
        for contender, phases in zip(contenders, turns, strict=True):
            contender.rounds.append(phases)
    return ""


def _start(plan: Plan, house: contextlib.ExitStack) -> list[Contender]:
    """Start every arm, the least at the end, each with a Valkey of its own; whatever was started ends with `house`."""
    parties = RelyingParties()

    def valkey() -> ValkeyServer:
        server = ValkeyServer.alone(appendfsync="everysec")
        house.callback(server.stop)
        return server

    def enter(arm: Arm, authenticator: SoftwareAuthenticator | None = None) -> Contender:
        house.callback(arm.server.stop)
        chain = Chain(arm, parties, Provider.discover(arm))
        logins = None if authenticator is None else partial(log_in, chain, authenticator)
        return Contender(arm, chain.run, logins)

    say("Starting oidc-provider ...")
    contenders = [
        enter(peer.start(parties=parties, valkey=valkey(), folder=FOLDER, starts=plan.starts, people=plan.people))
    ]
    postgres = Postgres.start(durable=True)
    house.callback(postgres.stop)
    databases: list[tuple[str, str, list[int]]] = [
        ("PostgreSQL", postgres.url, [postgres.pid]),
        ("SQLite", f"sqlite:///{FOLDER / 'sen.db'}", []),
    ]
    for database in databases:
        say(f"Starting Sen on {database[0]} ...")
        arm, authenticator = sen.start(
            parties=parties,
            database=database,
            valkey=valkey(),
            folder=FOLDER,
            starts=plan.starts,
            people=plan.people,
        )
        contenders.append(enter(arm, authenticator))
    say("Starting the least that a program can do ...")
    floor = least.start(valkey=valkey(), postgresql=postgres.url, folder=FOLDER)
    house.callback(floor.server.stop)
    return [*contenders, Contender(floor, least.Least(floor).run)]
