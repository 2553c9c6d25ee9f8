"""The loop of the background worker: runs each job when it is due, until it is told to stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from idp import clock
from idp.audit.log import new_correlation
from idp.metrics import JOB_SUCCEEDED, JOBS

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from idp.metrics import Metrics
    from idp.worker import Job
    from idp.worker.parts import Parts

log = structlog.get_logger("sen.worker")


def run(*, jobs: Sequence[Job], parts: Parts, metrics: Metrics, stop: threading.Event) -> None:
    """Run every job at once and then each at its pace; a job that fails is logged and tried again when due."""
    due = {job.name: time.monotonic() for job in jobs}
    while not stop.is_set():
        for job in jobs:
            if time.monotonic() >= due[job.name] and not stop.is_set():
                run_once(job=job, parts=parts, metrics=metrics)
                due[job.name] = time.monotonic() + job.every_seconds
        stop.wait(max(0.05, min(due.values()) - time.monotonic()))


def run_once(*, job: Job, parts: Parts, metrics: Metrics) -> bool:
    """Run one job; return whether it succeeded. Whatever it raises, the loop goes on."""
    new_correlation()
    try:
        done = job.run(parts)
    except Exception:
        log.exception("job_failed", job=job.name)
        metrics.count(JOBS, job.name, "failed")
        return False
    metrics.count(JOBS, job.name, "succeeded")
    metrics.set(JOB_SUCCEEDED, clock.epoch_seconds(), job.name)
    if done:
        log.info("job_done", job=job.name, done=repr(done))
    return True
