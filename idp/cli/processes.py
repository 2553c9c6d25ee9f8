"""Children: programs that `sen demo` starts and that never outlive it, and the signals that tell it to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from idp.settings import data_folder
from idp.storage.embedded import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PACKAGE_PARENT = Path(__file__).parents[2]


@dataclass(slots=True)
class Children:
    """Programs in the order of their start; each writes to one log and has a process group of its own.

    Ctrl-C in a terminal therefore reaches the parent alone, which ends them in good order. Should the parent be
    killed, the kernel sends each of them SIGTERM (Linux, `PR_SET_PDEATHSIG`): start them from the main thread.
    """

    log: Path
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start a program under a name, with exactly this environment."""
        with self.log.open("ab") as log:
            self.started[name] = subprocess.Popen(  # noqa: S603  our own programs, and no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environ),
                process_group=0,
                preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509  one system call, in a single thread
            )

    def ended(self) -> str | None:
        """Return the name of a child that has ended, or None while all of them live."""
        return next((name for name, child in self.started.items() if child.poll() is not None), None)

    def stop(self, *, within_seconds: float) -> None:
        """End all of them, the last one first; by force, with whatever they started, when the time is over."""
        for child in reversed(self.started.values()):
            child.terminate()
        deadline = time.monotonic() + within_seconds
        for child in reversed(self.started.values()):
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
            with suppress(ProcessLookupError):  # the whole group went with its leader, as it should
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


class ToldToEnd:
    """As long as it is entered, SIGINT, SIGTERM and SIGHUP (a closed terminal) interrupt whatever is being done.

    An interrupt in the very moment in which Python runs what libraries hook to a fork is lost: it ignores what is
    raised there. Whoever waits for long asks `obey` again and again, which makes up for it.
    """

    def __init__(self) -> None:
        """Nobody has told us yet."""
        self._told = False
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Listen."""
        self._former = {number: signal.signal(number, self._interrupt) for number in ENDINGS}
        return self

    def __exit__(self, *_: object) -> None:
        """Let signals do again what they did before."""
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True
        raise KeyboardInterrupt

    def obey(self) -> None:
        """Raise KeyboardInterrupt if we were told to end."""
        if self._told:
            raise KeyboardInterrupt

    def enough(self) -> None:
        """Let no further signal interrupt the end."""
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)


def sen(*arguments: str) -> list[str]:
    """Return the command line of another `sen` of this very installation."""
    return [sys.executable, "-P", "-m", "idp.cli", *arguments]


def find_ourselves(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a child finds this package; an installed one is found by itself."""
    if data_folder("config").is_relative_to(PACKAGE_PARENT / "idp"):
        return dict(environ)
    others = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE_PARENT), *others])}
