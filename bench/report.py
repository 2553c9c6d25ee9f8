"""What was measured, as Markdown: a table per question, the hardware, and what was switched on."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bench.chain import DOCUMENTS, KINDS
from bench.login import STEPS
from bench.peer import versions
from bench.processes import CORES, LOAD_CORE, SERVER_CORE
from bench.wire import CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.arm import Phase
    from bench.comparison import Contender, Plan

GIVEN_UP = "The run was given up"
MEGABYTE = 1e6
GIGABYTE = 1e9
GOAL_RATIO, GOAL_P99_MS, GOAL_START_SECONDS, GOAL_MEGABYTES = 2.0, 50.0, 1.5, 120.0

SWITCHED_ON = """\
- Both: one worker process on its core; ES256 everywhere; PKCE S256; pushed authorization requests;
  private_key_jwt with one assertion per request and its `jti` good once, where no secret is named; pairwise `sub`;
  opaque access tokens and refresh tokens for a person, with an ID token at every token response, and signed access
  tokens for a system's resource; introspection of the opaque ones by private_key_jwt; with DPoP, where that is named,
  a proof per request and its `jti` good once, one key for all; one Valkey each (append-only file, `everysec`, unix
  socket).
- Sen besides: the authorization row and its audit event, durable before the answer (PostgreSQL with `fsync`,
  `synchronous_commit` and `full_page_writes` on, SQLite with `synchronous=FULL`); every gate (citizen, passkey,
  session, consent, relying party, authorization) read at every request; personal data sealed at rest, opened for
  userinfo; limits counted; a JSON log line and Prometheus counters for every request.
- The peer keeps everything in Valkey alone, writes no log and no audit, and knows its people by heart."""


LEAST = """\
"Least" is a program under Granian, with as many threads, that does nothing for a request but what Sen cannot leave out:
read the form, and per request as many waves of Valkey, reads and commits of PostgreSQL, signatures and verifications
(`bench/least_program.py`). Its ratio is how far Sen's could go if being a provider cost nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one arm showed over all rounds."""

    name: str
    rounds: Sequence[dict[str, Phase]]
    starts_seconds: Sequence[float]
    peak_bytes: int


def measured(contender: Contender) -> Measured:
    """Take what a contender has shown so far; its server must still run."""
    arm = contender.arm
    return Measured(arm.name, contender.rounds, arm.starts_seconds, arm.server.peak_memory_bytes())


def written(*, peer: Measured, ours: Sequence[Measured], least: Measured, plan: Plan, broken: str) -> str:
    """Return the report; `broken` is what ended the rounds too early, if anything did."""
    everything = [peer, *ours]
    parts = [
        _introduction(peer, plan),
        _costs(peer, ours, least),
        LEAST,
        f"Milliseconds at {CONNECTIONS} connections, p50 / p99, median of the rounds.",
        _times(everything),
        "CPU microseconds of the stores per request.",
        _stores(everything),
        "A whole login with a passkey, from the portal's request to its code: CPU microseconds of Sen.",
        _logins(ours),
        "One worker.",
        _workers(everything),
        "Goals over PostgreSQL.",
        _goals(peer, ours[0], least),
        f"Measured on {_hardware()} on {datetime.now(tz=UTC):%Y-%m-%d}. Switched on:",
        SWITCHED_ON,
    ]
    if broken:
        parts.insert(0, f"**{GIVEN_UP}** after {len(peer.rounds)} rounds: {broken}")
    return "\n\n".join(parts) + "\n"


def _introduction(peer: Measured, plan: Plan) -> str:
    return (
        f"CPU microseconds of the server per request (user and system; stores not counted), median of "
        f"{len(peer.rounds)} rounds by turns with {plan.requests} requests of a kind each ({DOCUMENTS} times as "
        f"many for a ready document), every response checked. "
        f"The ratio is peer / Sen within a round: median (least to most)."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _median(arm: Measured, kind: str, of: Callable[[Phase], float]) -> float:
    return statistics.median(of(phases[kind]) for phases in arm.rounds)


def _ratios(peer: Measured, arm: Measured, kind: str) -> list[float]:
    pairs = zip(peer.rounds, arm.rounds, strict=True)
    return sorted(theirs[kind].server_us / ours[kind].server_us for theirs, ours in pairs)


def _costs(peer: Measured, ours: Sequence[Measured], least: Measured) -> str:
    head = ["", peer.name, *(part for arm in ours for part in (arm.name, "ratio")), "least", "ratio"]
    rows = []
    for kind in KINDS:
        row = [kind, f"{_median(peer, kind, lambda phase: phase.server_us):.0f}"]
        for arm in (*ours, least):
            ratios = _ratios(peer, arm, kind)
            spread = f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
            row += [f"{_median(arm, kind, lambda phase: phase.server_us):.0f}", spread]
        rows.append(row)
    return _table(head, rows)


def _times(arms: Sequence[Measured]) -> str:
    def cell(arm: Measured, kind: str) -> str:
        p50, p99 = _median(arm, kind, lambda phase: phase.p50_ms), _median(arm, kind, lambda phase: phase.p99_ms)
        return f"{p50:.1f} / {p99:.1f}"

    return _table(["", *(arm.name for arm in arms)], [[kind, *(cell(arm, kind) for arm in arms)] for kind in KINDS])


def _stores(arms: Sequence[Measured]) -> str:
    def cell(arm: Measured, kind: str) -> str:
        names = arm.rounds[0][kind].stores_us
        return ", ".join(
            f"{name} {statistics.median(phases[kind].stores_us[name] for phases in arm.rounds):.0f}" for name in names
        )

    return _table(["", *(arm.name for arm in arms)], [[kind, *(cell(arm, kind) for arm in arms)] for kind in KINDS])


def _logins(ours: Sequence[Measured]) -> str:
    rows = [[step, *(f"{_median(arm, step, lambda phase: phase.server_us):.0f}" for arm in ours)] for step in STEPS]
    whole = [
        f"**{statistics.median(sum(phases[step].server_us for step in STEPS) for phases in arm.rounds):.0f}**"
        for arm in ours
    ]
    return _table(["", *(arm.name for arm in ours)], [*rows, ["**the whole login**", *whole]])


def _workers(arms: Sequence[Measured]) -> str:
    rows = [
        ["peak memory, MB", *(f"{arm.peak_bytes / MEGABYTE:.0f}" for arm in arms)],
        ["cold start to the first answer, s", *(f"{statistics.median(arm.starts_seconds):.2f}" for arm in arms)],
    ]
    return _table(["", *(arm.name for arm in arms)], rows)


def _goals(peer: Measured, arm: Measured, least: Measured) -> str:
    dearest = min((statistics.median(_ratios(peer, arm, kind)), kind) for kind in KINDS)
    within = min((statistics.median(_ratios(peer, least, kind)), kind) for kind in KINDS)
    slowest = max((_median(arm, kind, lambda phase: phase.p99_ms), kind) for kind in KINDS)
    start = statistics.median(arm.starts_seconds)
    memory = arm.peak_bytes / MEGABYTE
    rows = [
        [
            f"at least {GOAL_RATIO:.0f} times cheaper",
            f"{dearest[0]:.1f} ({dearest[1]})",
            _met(dearest[0] >= GOAL_RATIO),
        ],
        [
            "the same, of the least that a program can do",
            f"{within[0]:.1f} ({within[1]})",
            _met(within[0] >= GOAL_RATIO),
        ],
        [f"p99 under {GOAL_P99_MS:.0f} ms", f"{slowest[0]:.1f} ({slowest[1]})", _met(slowest[0] < GOAL_P99_MS)],
        [f"cold start under {GOAL_START_SECONDS} s", f"{start:.2f}", _met(start < GOAL_START_SECONDS)],
        [f"under {GOAL_MEGABYTES:.0f} MB a worker", f"{memory:.0f}", _met(memory < GOAL_MEGABYTES)],
    ]
    return _table(["goal", "worst", ""], rows)


def _met(holds: bool) -> str:  # noqa: FBT001  one word for one truth
    return "met" if holds else "not met"


def _hardware() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory = psutil.virtual_memory().total / GIGABYTE
    named = ", ".join(f"{name} {version}" for name, version in versions().items())
    return (
        f"{len(CORES)} cores of {model}, {memory:.0f} GB, Linux {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, {named}; the server on core {SERVER_CORE}, load and stores on core "
        f"{LOAD_CORE}; load average {os.getloadavg()[2]:.1f} over a quarter of an hour, of which this run makes about 2"
    )
