"""Requirements and the tests that hold them: `make spec` prints the table, from docs/requirements.txt and the marks.

The tests are collected and not run.
"""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass, field

import pytest

from tests.support.project.sources import ROOT

REQUIREMENTS = ROOT / "docs" / "requirements.txt"
LONGEST_REASON = 3000
QUIET = ["--collect-only", "-q", "-p", "no:cacheprovider"]


@dataclass(slots=True)
class Collector:
    """A plugin of pytest that notes who carries which id."""

    held: dict[str, list[str]] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note the marks of every test; cases of one test count as that test."""
        carried = [
            (requirement, item.nodeid.partition("[")[0])
            for item in items
            for mark in item.iter_markers("spec")
            for requirement in mark.args
        ]
        for requirement, test in dict.fromkeys(carried):
            self.held.setdefault(requirement, []).append(test)


def requirements() -> dict[str, str]:
    """Return id -> what it is about, in the order of the file."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    split = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return {requirement: about for requirement, _space, about in split}


def held() -> dict[str, list[str]]:
    """Return id -> the tests that carry it.

    Raises:
        RuntimeError: the tests cannot be collected; the text says why.
    """
    collector, said = Collector(), io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main([*QUIET, str(ROOT / "tests")], plugins=[collector])
    if status != pytest.ExitCode.OK:
        raise RuntimeError(said.getvalue()[-LONGEST_REASON:])
    return collector.held


def table() -> str:
    """Return the whole table as text: each requirement with its tests, then those that nobody holds yet."""
    known, found = requirements(), held()
    lines = []
    for requirement, about in known.items():
        lines.append(f"{requirement:<7} {about}")
        lines += [f"          {test}" for test in found.get(requirement, [])]
    open_ones = [requirement for requirement in known if requirement not in found]
    others = sorted(found.keys() - known.keys())
    lines += [
        "",
        f"{len(known) - len(open_ones)} of {len(known)} requirements have a test.",
        f"Without one: {' '.join(open_ones)}",
        f"From elsewhere: {', '.join(others)}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
