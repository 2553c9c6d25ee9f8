"""A worker of a house as a process of its own, and points of its work at which it is killed."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.house import House


@dataclass
class Worker:
    """A process of its own over the stores of a house; it runs one piece of work, and may die of it."""

    pid: int
    pipe: int

    @classmethod
    def start(cls, house: House, work: Callable[[House], Any]) -> Self:
        """Fork, connect anew as a worker does, and run `work`; what it returns is told through a pipe."""
        read, write = os.pipe()
        pid = os.fork()
        if pid:
            os.close(write)
            return cls(pid, read)
        try:
            os.write(write, json.dumps(work(house.beside())).encode())
        finally:
            os._exit(0)

    def ends(self) -> Any:
        """Wait for the process; return what it told, or None when it was killed."""
        with os.fdopen(self.pipe, "rb") as pipe:
            told = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        assert bool(told) != (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL)
        return json.loads(told) if told else None


def die() -> NoReturn:
    """Be killed, as by a machine that loses its power: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def before(owner: Any, name: str) -> Callable[[], None]:
    """Make a function kill its process instead of running."""
    return lambda: setattr(owner, name, lambda *_, **__: die())


def after(owner: Any, name: str) -> Callable[[], None]:
    """Make a function run and kill its process before it returns."""

    def plant() -> None:
        real = getattr(owner, name)

        def run_and_die(*arguments: Any, **named: Any) -> None:
            real(*arguments, **named)
            die()

        setattr(owner, name, run_and_die)

    return plant


def nothing() -> None:
    """Let the work itself run; the process is killed before it can tell."""
