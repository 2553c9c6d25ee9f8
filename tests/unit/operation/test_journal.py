"""The journal: every request has its line and its counts a moment later, in whatever moment it came."""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp import journal
from idp.journal import LINES_AT_ONCE, Journal, _line
from idp.metrics import Answered, Metrics
from idp.protocol.grants import GRANTS
from tests.support.demo import until

AT = datetime(2026, 9, 2, 7, 0, 0, 5000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _as_it_is_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let notes come together, as they do outside of tests."""
    monkeypatch.setattr(journal, "MOST_NOTES", 10_000)


def note(number: int, *, grant: str = "") -> Answered:
    """Return a note whose correlation id is a number."""
    return Answered("/token", 200, 0.0123, grant, str(number), AT)


def test_a_line_says_what_was_answered_and_when(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Journal(metrics=Metrics(folder=tmp_path), says=True)
    kept.note(note(1, grant="refresh_token"))
    kept.note(note(2))
    kept.close()
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert second == {
        "event": "answered",
        "path": "/token",
        "status": 200,
        "ms": 12.3,
        "level": "info",
        "at": "2026-09-02T07:00:00.005+00:00",
        "correlation": "2",
    }
    assert first == {**second, "grant": "refresh_token", "correlation": "1"}


def test_notes_are_written_without_anybody_asking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Journal(metrics=Metrics(folder=tmp_path), says=True)
    kept.note(note(1))
    assert until(lambda: "answered" in capsys.readouterr().err)
    kept.note(note(2))
    assert until(lambda: "answered" in capsys.readouterr().err)
    kept.close()


def test_every_note_of_many_threads_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics(folder=tmp_path)
    kept = Journal(metrics=metrics, says=True)
    each = range(500)

    def answer(thread: int) -> None:
        for number in each:
            kept.note(note(thread * len(each) + number))

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.close()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert sorted(int(line["correlation"]) for line in lines) == list(range(8 * len(each)))
    assert b'sen_requests_total{endpoint="/token",status="200"} 4000.0' in metrics.render()


def test_where_lines_are_not_wanted_requests_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics(folder=tmp_path)
    kept = Journal(metrics=metrics, says=False)
    kept.note(note(1))
    kept.close()
    assert capsys.readouterr().err == ""
    assert b'sen_requests_total{endpoint="/token",status="200"} 1.0' in metrics.render()


def test_who_answers_writes_where_notes_pile_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PAUSE_SECONDS", 3600.0)
    monkeypatch.setattr(journal, "MOST_NOTES", 10)
    kept = Journal(metrics=Metrics(folder=tmp_path), says=True)
    for number in range(11):
        kept.note(note(number))
    assert len(capsys.readouterr().err.splitlines()) == 11
    kept.close()


def test_a_log_that_takes_nothing_stops_neither_answers_nor_counts_nor_what_is_noted_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics(folder=tmp_path)
    kept = Journal(metrics=metrics, says=True)
    written = tmp_path / "log"
    with monkeypatch.context() as patch, Path("/dev/full").open("w", buffering=1) as full:
        patch.setattr(sys, "stderr", full)
        kept.note(note(1))
        assert until(lambda: b"} 1.0" in metrics.render())
        patch.setattr(journal, "MOST_NOTES", 0)
        kept.note(note(2))
        assert b'sen_requests_total{endpoint="/token",status="200"} 2.0' in metrics.render()
        with suppress(OSError):
            full.close()
        with written.open("w", buffering=1) as free:
            patch.setattr(sys, "stderr", free)
            kept.note(note(3))
            kept.close()
            kept.note(note(4))
    assert [json.loads(line)["correlation"] for line in written.read_text().splitlines()] == ["3", "4"]
    assert b'sen_requests_total{endpoint="/token",status="200"} 4.0' in metrics.render()


def test_nobody_waits_for_long_while_the_log_is_stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PATIENCE_SECONDS", 0.01)
    metrics = Metrics(folder=tmp_path)
    kept = Journal(metrics=metrics, says=True)
    reading, writing = os.pipe()
    with monkeypatch.context() as patch, os.fdopen(reading) as come, os.fdopen(writing, "w", buffering=1) as stuck:
        patch.setattr(sys, "stderr", stuck)
        for number in range(2000):  # more than a pipe holds
            kept.note(note(number))
        assert until(lambda: b"} 2000.0" in metrics.render())
        kept.write()
        monkeypatch.setattr(journal, "PATIENCE_SECONDS", 60.0)
        reader = threading.Thread(target=lambda: [None for _ in come])
        reader.start()
        kept.close()
        stuck.close()
        reader.join()


def test_what_leaves_at_once_is_short_enough_to_stay_whole_in_a_pipe_of_several_workers() -> None:
    longest = Answered("/.well-known/oauth-authorization-server", 200, 9999.9, max(GRANTS, key=len), "ABC-DEF-GH", AT)
    assert len(_line(longest)) * LINES_AT_ONCE <= select.PIPE_BUF
