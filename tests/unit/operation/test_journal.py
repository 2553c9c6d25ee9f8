"""The journal: every request has its line and its counts a moment later, in whatever moment it came."""

from __future__ import annotations

import errno
import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from idp import journal
from idp.journal import Journal
from idp.metrics import Answered, Metrics
from tests.support.demo import until

if TYPE_CHECKING:
    from pathlib import Path

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


def test_what_cannot_be_written_is_said_and_stops_neither_answers_nor_what_is_noted_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics(folder=tmp_path)
    kept = Journal(metrics=metrics, says=True)
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "answered", full_disk)
        kept.note(note(1))
        assert until(lambda: "journal_not_written" in "".join(capsys.readouterr()))
        patch.setattr(journal, "MOST_NOTES", 0)
        kept.note(note(2))
        assert "journal_not_written" in "".join(capsys.readouterr())
    kept.note(note(3))
    assert until(lambda: '"correlation":"3"' in capsys.readouterr().err)
    kept.close()


def full_disk(_notes: object) -> None:
    """Fail as a write to a full disk does."""
    raise OSError(errno.ENOSPC, "No space left on device")
