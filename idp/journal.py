"""The journal: what was answered, as a line in the log and as counts, written for many requests at a time.

By itself each line is a call to the system and each count a write into mapped memory, which cost a request more than
finding its answer does where that is ready. So a request leaves a note, and a thread writes what has come together.
A process that is killed loses the notes of its last moment; what must not be lost stands in the trail of the database.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from idp.metrics import Answered, Metrics

log = structlog.get_logger("sen")

PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 1.0
LINES_AT_ONCE = 16
"""So many lines, of 256 letters at the most, leave in one piece through a pipe that several workers write into."""

MOST_NOTES = 10_000
"""So many wait only where standard error takes nothing: then whoever answers writes, and waits as well."""


class Journal:
    """The notes of one process; used by all of its threads."""

    def __init__(self, *, metrics: Metrics, says: bool) -> None:
        """Keep the counters; `says` tells whether lines are wanted in the log."""
        self._metrics = metrics
        self._says = says
        self._notes: deque[Answered] = deque()
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, answered: Answered) -> None:
        """Note a request; it is in the log and in the counters a moment later."""
        self._notes.append(answered)
        if self._thread is None:
            self._start()
        if len(self._notes) > MOST_NOTES or self._closing.is_set():
            self.write()

    def write(self) -> None:
        """Write everything that was noted until now: the counts first, for the log may be a disk that is full.

        What cannot be written is lost and said, where that can be; whoever answers goes on. Nor does anybody wait for
        long while another one writes to a log that takes nothing.
        """
        if not self._writing.acquire(timeout=PATIENCE_SECONDS):
            return
        try:
            notes = [self._notes.popleft() for _ in range(len(self._notes))]
            self._metrics.answered(notes)
            if self._says:
                for first in range(0, len(notes), LINES_AT_ONCE):
                    sys.stderr.write("".join([_line(note) for note in notes[first : first + LINES_AT_ONCE]]))
        except Exception:
            with contextlib.suppress(Exception):
                log.exception("journal_not_written")
        finally:
            self._writing.release()

    def close(self) -> None:
        """Write what is left; what is noted from now on is written at once."""
        self._closing.set()
        self.write()

    def _start(self) -> None:
        """Start the thread, in the process that answers: one that is forked later would not have it."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing.wait(PAUSE_SECONDS):
            if self._notes:
                self.write()


def _line(note: Answered) -> str:
    """Return a line as `idp.logs` renders it; put together by hand, because all of its words are ours."""
    grant = f'"grant":"{note.grant}",' if note.grant else ""
    return (
        f'{{"event":"answered","path":"{note.endpoint}",{grant}"status":{note.status},"ms":{note.seconds * 1000:.1f},'
        f'"level":"info","at":"{note.at.isoformat(timespec="milliseconds")}","correlation":"{note.correlation}"}}\n'
    )
