"""The background worker: every job runs at its pace, and one that fails stops nobody."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, insert, select

from idp import clock
from idp.audit.log import new_id
from idp.metrics import Metrics
from idp.storage.sql.housekeeping import SqlHousekeeping
from idp.storage.sql.keys import SqlKeyStore
from idp.storage.sql.outbox import SqlOutbox
from idp.storage.sql.tables import activation_code, outbox
from idp.wiring import build_services, open_database
from idp.worker import JOBS, KEPT, Job
from idp.worker.courier import Courier
from idp.worker.loop import run, run_once
from idp.worker.parts import Parts
from keys import RingSettings, Sealer, open_custodians
from tests.support.ground import lay_tables
from tests.support.house import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Table

    from idp.storage.sql.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Give an empty database."""
    opened = open_database(settings_for(folder=tmp_path, redis_url="unix:///nowhere/valkey.sock"))
    lay_tables(opened)
    yield opened
    opened.close()


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    """Give counters in a folder of this test."""
    return Metrics(folder=tmp_path / "metrics")


@pytest.fixture
def parts(database: Database, tmp_path: Path) -> Iterator[Parts]:
    """Give what jobs work with."""
    services = build_services(settings_for(folder=tmp_path, redis_url="unix:///nowhere/valkey.sock"))
    courier = Courier(outbox=SqlOutbox(database), services=services)
    yield Parts(
        key_store=SqlKeyStore(database),
        custodians=open_custodians(sealer=Sealer(master_key=b"k" * 32)),
        ring_settings=RingSettings(
            algorithms=("ES256",), cache_seconds=300, longest_token_seconds=300, active_seconds=86400
        ),
        housekeeping=SqlHousekeeping(database),
        courier=courier,
    )
    courier.close()
    services.close()


def test_every_job_of_the_table_succeeds_on_a_new_database(parts: Parts, metrics: Metrics) -> None:
    for job in JOBS:
        assert run_once(job=job, parts=parts, metrics=metrics), job.name
    assert [record.state for record in parts.key_store.all()] == ["active"]


def test_a_job_that_fails_is_tried_again_and_stops_nobody(parts: Parts, metrics: Metrics) -> None:
    stop, ran = threading.Event(), []

    def fail(_parts: Parts) -> None:
        ran.append("fail")
        raise RuntimeError("broken")

    def work(_parts: Parts) -> None:
        ran.append("work")
        if ran.count("work") >= 3 and ran.count("fail") >= 3:
            stop.set()

    jobs = (Job("fail", 0.01, fail), Job("work", 0.01, work))
    run(jobs=jobs, parts=parts, metrics=metrics, stop=stop)
    rendered = metrics.render().decode()
    assert 'sen_jobs_total{job="fail",outcome="failed"}' in rendered
    assert 'sen_jobs_total{job="work",outcome="succeeded"}' in rendered


def test_a_worker_that_is_told_to_stop_begins_no_other_job(parts: Parts, metrics: Metrics) -> None:
    stop, ran = threading.Event(), []

    def work(_parts: Parts) -> None:
        ran.append("work")
        stop.set()

    run(jobs=(Job("one", 1, work), Job("two", 1, work)), parts=parts, metrics=metrics, stop=stop)
    assert ran == ["work"]


def a_code(*, expires_at: datetime, used_at: datetime | None = None) -> dict[str, object]:
    """Return a row of an activation code."""
    name = new_id()
    return {
        "id": name,
        "code_hash": name.encode(),
        "number_hash": b"n",
        "person_hash": b"p",
        "account_level": 1,
        "issued_at": expires_at - timedelta(days=7),
        "expires_at": expires_at,
        "used_at": used_at,
    }


def rows_of(database: Database, table: Table) -> int:
    """Return how many rows a table has."""
    return database.consult(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.mark.spec("F31")
def test_cleaning_removes_what_expired_long_ago_and_nothing_else(parts: Parts, database: Database) -> None:
    now, long_ago = clock.now(), clock.now() - KEPT - timedelta(minutes=1)
    codes = [
        a_code(expires_at=long_ago),
        a_code(expires_at=long_ago + timedelta(days=7), used_at=long_ago),
        a_code(expires_at=now - timedelta(days=1)),
        a_code(expires_at=now + timedelta(days=1)),
    ]
    letter = {"kind": "k", "target": "t", "payload": "p", "created_at": long_ago, "attempts": 1}
    done, waiting = {"due_at": None, "done_at": long_ago}, {"due_at": long_ago, "done_at": None}
    letters = [letter | {"id": new_id()} | state for state in (done, waiting)]
    database.transact(lambda connection: connection.execute(insert(activation_code), codes))
    database.transact(lambda connection: connection.execute(insert(outbox), letters))
    cleaning = next(job for job in JOBS if job.name == "cleaning")
    assert cleaning.run(parts) == {"activation_code": 2, "outbox": 1}
    assert cleaning.run(parts) == {}
    left = [rows_of(database, table) for table in (activation_code, outbox)]
    assert left == [2, 1]


def test_the_database_tells_its_time(database: Database) -> None:
    assert abs(SqlHousekeeping(database).clock() - clock.now()) < timedelta(minutes=1)
