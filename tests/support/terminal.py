"""An operator at a terminal who types `sen`, in this process and in a folder of their own."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from idp.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


OF_THIS_PROCESS = ("PROMETHEUS_MULTIPROC_DIR",)
"""Variables that a house in this process looks at while a command runs: it counts what was answered a moment later."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A folder and the variables that are set in it."""

    folder: Path
    redis_url: str = "unix:///nowhere/valkey.sock"
    environ: dict[str, str] = field(default_factory=dict)

    def types(self, *arguments: str, stdin: str = "") -> Answer:
        """Run one command as a shell would; the words after `sen`."""
        variables = {
            "PATH": os.environ["PATH"],
            "SEN_ENVIRONMENT": "development",
            "SEN_STORAGE__DATABASE_URL": f"sqlite:///{self.folder / 'var' / 'sen.db'}",
            "SEN_STORAGE__REDIS_URL": self.redis_url,
            "SEN_METRICS__FOLDER": str(self.folder / "var" / "metrics"),
            **{name: os.environ[name] for name in OF_THIS_PROCESS if name in os.environ},
            **self.environ,
        }
        out, err, umask = io.StringIO(), io.StringIO(), os.umask(0o022)
        try:
            with (
                patch.dict(os.environ, variables, clear=True),
                patch.object(sys, "stdin", io.StringIO(stdin)),
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                status = self._run(arguments, err)
        finally:
            os.umask(umask)
        return Answer(status=status, out=out.getvalue(), err=err.getvalue())

    def _run(self, arguments: tuple[str, ...], err: io.StringIO) -> int:
        try:
            main(arguments)
        except SystemExit as end:
            if isinstance(end.code, str):  # the interpreter prints it and ends with 1
                err.write(end.code + "\n")
                return 1
            return end.code or 0
        return 0


@pytest.fixture
def bare(tmp_path: Path) -> Terminal:
    """Give a terminal in an empty folder, where no database was made."""
    return Terminal(tmp_path)


@pytest.fixture
def terminal(bare: Terminal) -> Terminal:
    """Give a terminal in a folder whose database is up to date."""
    assert bare.types("db", "upgrade").status == 0
    return bare
