"""Metrics: what several processes counted is one sum, and no label can be chosen by a stranger."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from idp import metrics
from idp.metrics import METRICS, Metric, forget_former_processes
from tests.support.project.sources import ROOT

if TYPE_CHECKING:
    from pathlib import Path

COUNTING = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from idp.metrics import JOB_SUCCEEDED, LOGINS, OUTBOX_WAITING, Answered, Metrics
metrics = Metrics(folder=Path(sys.argv[1]))
at = datetime.now(UTC)
notes = [Answered("/token", 200, 0.003, "refresh_token", "a", at), Answered("/jwks.json", 200, 0.0001, "", "b", at)]
metrics.answered([*notes, Answered("/token", 400, 3.0, "refresh_token", "c", at)])
metrics.count(LOGINS, "passkey", "succeeded")
metrics.count(LOGINS, "passkey", "succeeded")
metrics.set(JOB_SUCCEEDED, 1788336060, "rotation")
metrics.set(OUTBOX_WAITING, 3)
if len(sys.argv) > 2:
    sys.stdout.write(metrics.render().decode())
"""


def count(folder: Path, *more: str) -> str:
    """Count in a process of its own; return what it rendered."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(folder), *more], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_what_all_processes_counted_is_added_up(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    count(folder)
    rendered = count(folder, "render")
    assert 'sen_requests_total{endpoint="/token",status="200"} 2.0' in rendered
    assert 'sen_tokens_total{grant="refresh_token",outcome="issued"} 2.0' in rendered
    assert 'sen_tokens_total{grant="refresh_token",outcome="refused"} 2.0' in rendered
    assert 'sen_request_seconds_count{endpoint="/token"} 4.0' in rendered
    assert 'sen_request_seconds_bucket{endpoint="/token",le="+Inf"} 4.0' in rendered
    assert 'sen_logins_total{method="passkey",outcome="succeeded"} 4.0' in rendered
    assert 'sen_request_seconds_bucket{endpoint="/token",le="0.005"} 2.0' in rendered
    assert 'sen_request_seconds_bucket{endpoint="/token",le="0.0025"} 0.0' in rendered
    assert 'sen_job_succeeded_at{job="rotation"} 1.78833606e+09' in rendered
    assert "sen_outbox_waiting 3.0" in rendered


def test_a_new_start_forgets_what_former_processes_counted(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    count(folder)
    forget_former_processes(folder)
    assert 'sen_requests_total{endpoint="/token",status="200"} 1.0' in count(folder, "render")
    forget_former_processes(tmp_path / "never made")


def test_the_counters_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    count(folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_every_metric_is_counted_somewhere() -> None:
    written = "".join(path.read_text() for path in (ROOT / "idp").rglob("*.py"))
    names = [name for name, value in vars(metrics).items() if isinstance(value, Metric)]
    assert len(names) == len(METRICS)
    assert [name for name in names if len(re.findall(rf"\b{name}\b[,)]", written)) < 2] == []


def test_every_metric_is_ours_and_explains_itself() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("sen_")
        assert metric.explanation.endswith(".")
        assert {"number", "citizen", "client", "address", "path", "user"}.isdisjoint(metric.labels)
