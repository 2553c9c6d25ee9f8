"""Metrics: every name and label in one place, counted by each process in a file that all of them can read.

Prometheus' multiprocess mode: a count is a write into mapped memory, and `render` adds up the files of all workers.
No label ever holds what a person or a stranger typed; each takes its values from one of our own tables.
"""

from __future__ import annotations

import collections
import contextlib
import os
import struct
import time
from bisect import bisect_left
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LOOKS = 5
LOOK_SECONDS = 0.02
SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Metric:
    """One name, what kind it is, and its labels in order."""

    kind: type[Counter | Gauge | Histogram]
    name: str
    labels: tuple[str, ...]
    explanation: str


REQUESTS = Metric(Counter, "sen_requests", ("endpoint", "status"), "Requests answered.")
REQUEST_SECONDS = Metric(Histogram, "sen_request_seconds", ("endpoint",), "Time from request to answer.")
LOGINS = Metric(Counter, "sen_logins", ("method", "outcome"), "Logins tried.")
ACTIVATIONS = Metric(Counter, "sen_activations", ("outcome",), "Activations tried.")
TOKENS = Metric(Counter, "sen_tokens", ("grant", "outcome"), "Token requests of a known grant.")
CERTIFICATES_REFUSED = Metric(
    Counter, "sen_certificates_refused", ("reason",), "Headers with a client certificate that were not believed."
)
JOBS = Metric(Counter, "sen_jobs", ("job", "outcome"), "Runs of the background worker's jobs.")
JOB_SUCCEEDED = Metric(Gauge, "sen_job_succeeded_at", ("job",), "When a job last succeeded, in seconds since 1970.")
DELIVERIES = Metric(Counter, "sen_deliveries", ("kind", "outcome"), "Deliveries out of the outbox, and tries of them.")
OUTBOX_WAITING = Metric(Gauge, "sen_outbox_waiting", (), "Deliveries that wait in the outbox.")

METRICS = (
    REQUESTS, REQUEST_SECONDS, LOGINS, ACTIVATIONS, TOKENS, JOBS, JOB_SUCCEEDED, OUTBOX_WAITING, DELIVERIES,
    CERTIFICATES_REFUSED,
)  # fmt: skip


class Answered(NamedTuple):
    """One request that was answered. `endpoint` and `grant` are words of ours, never what was asked for."""

    endpoint: str
    status: int
    seconds: float
    grant: str
    correlation: str
    at: datetime


class Metrics:
    """The counters of this process; one per process, made after the fork or before, as it comes."""

    def __init__(self, *, folder: Path) -> None:
        """Count into files of `folder`, which is made where it is missing, for its owner alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        # The library chooses between memory and files when it is imported, which is long before there are settings.
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        self._made: dict[Metric, Any] = {metric: _make(metric) for metric in METRICS}
        self._children: dict[tuple[Metric, tuple[str, ...]], Any] = {}

    def count(self, metric: Metric, *label_values: str, times: int = 1) -> None:
        """Add to a counter."""
        self._child(metric, label_values).inc(times)

    def observe(self, metric: Metric, seconds: float, *label_values: str) -> None:
        """Put a duration into a histogram."""
        self._child(metric, label_values).observe(seconds)

    def set(self, metric: Metric, value: float, *label_values: str) -> None:
        """Set a gauge."""
        self._child(metric, label_values).set(value)

    def answered(self, notes: Iterable[Answered]) -> None:
        """Count requests that were answered, and what each grant led to."""
        times: dict[tuple[str, int], list[float]] = {}
        outcomes: collections.Counter[tuple[str, str]] = collections.Counter()
        for note in notes:
            times.setdefault((note.endpoint, note.status), []).append(note.seconds)
            if note.grant:
                outcomes[note.grant, "issued" if note.status == HTTPStatus.OK else "refused"] += 1
        for (endpoint, status), those in times.items():
            self._requests(endpoint, status, those)
        for labels, count in outcomes.items():
            self._child(TOKENS, labels).inc(count)

    def _requests(self, endpoint: str, status: int, times: Sequence[float]) -> None:
        """Change the values in mapped memory themselves: a histogram takes observations only one by one."""
        self._child(REQUESTS, (endpoint, str(status))).inc(len(times))
        histogram = self._child(REQUEST_SECONDS, (endpoint,))
        histogram._sum.inc(sum(times))  # noqa: SLF001  there is no public way to them
        for bucket, count in collections.Counter(bisect_left(SECONDS, seconds) for seconds in times).items():
            histogram._buckets[bucket].inc(count)  # noqa: SLF001  nor to these

    def render(self) -> bytes:
        """Return what all processes counted, in the text format of Prometheus (`CONTENT_TYPE`)."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        for _ in range(LOOKS - 1):
            with contextlib.suppress(struct.error):  # a file that another process is just making is still empty
                return generate_latest(registry)
            time.sleep(LOOK_SECONDS)
        return generate_latest(registry)

    def _child(self, metric: Metric, label_values: tuple[str, ...]) -> Any:
        """Return the one counter of these labels; a dict of ours is cheaper than the library's look-up."""
        child = self._children.get((metric, label_values))
        if child is None:
            made = self._made[metric]
            child = self._children[metric, label_values] = made.labels(*label_values) if metric.labels else made
        return child


def _make(metric: Metric) -> Counter | Gauge | Histogram:
    if metric.kind is Histogram:
        return Histogram(metric.name, metric.explanation, metric.labels, buckets=SECONDS, registry=None)
    if metric.kind is Gauge:
        return Gauge(metric.name, metric.explanation, metric.labels, multiprocess_mode="mostrecent", registry=None)
    return Counter(metric.name, metric.explanation, metric.labels, registry=None)


def forget_former_processes(folder: Path) -> None:
    """Remove what processes of an earlier start counted; called once, before the workers start."""
    if folder.is_dir():
        for file in folder.glob("*.db"):
            file.unlink(missing_ok=True)
