"""What every source file keeps to: one clock, one source of randomness, names that say something, reasons."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support.project.sources import HOUSE, ROOMS, ROOT, files, short, text, tree

EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
NOQA = re.compile(r"#\s*noqa:?\s*(?P<codes>[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*)?(?P<reason>.*)")
IGNORE = re.compile(r"#\s*type:\s*ignore(?P<codes>\[[a-z-, ]+\])?")

CLOCK_EXCUSES = {
    "idp/clock.py": "it is the clock",
}


def calls(file: Path) -> list[tuple[int, str, list[str]]]:
    """Return (line, dotted name, names of arguments that are given) of every call."""
    return [
        (node.lineno, ast.unparse(node.func), [keyword.arg or "" for keyword in node.keywords])
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call)
    ]


def test_time_comes_from_the_clock_alone() -> None:
    found = [
        f"{short(file)}:{line} {name}"
        for file in files(*HOUSE)
        for line, name, _given in calls(file)
        if short(file) not in CLOCK_EXCUSES
        and name in {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
    ]
    assert found == []


def test_randomness_comes_from_secrets_alone() -> None:
    imported = [
        f"{short(file)}:{node.lineno}"
        for file in files(*HOUSE)
        for node in ast.walk(tree(file))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "random" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "random")
    ]
    drawn = [
        f"{short(file)}:{line} {name}"
        for file in files(*HOUSE)
        for line, name, _given in calls(file)
        if name in {"os.urandom", "uuid.uuid1", "uuid.uuid4", "uuid4"}
    ]
    assert imported + drawn == []


def test_no_file_has_an_empty_name() -> None:
    assert [short(file) for file in files(*ROOMS) if file.stem in EMPTY_NAMES or file.parent.name in EMPTY_NAMES] == []


def exceptions(pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    """Return every line that takes an exception from a rule, with where it stands."""
    return [
        (f"{short(file)}:{number}", found)
        for file in files(*ROOMS)
        if file != Path(__file__)
        for number, line in enumerate(text(file).splitlines(), start=1)
        if (found := pattern.search(line))
    ]


def test_every_exception_from_a_lint_rule_names_the_rule_and_the_reason() -> None:
    found = exceptions(NOQA)
    assert found
    assert [where for where, one in found if not (one["codes"] and re.search(r"\w", one["reason"]))] == []


def test_every_exception_from_the_types_names_its_rule() -> None:
    found = exceptions(IGNORE)
    assert found
    assert [where for where, one in found if not one["codes"]] == []


def test_every_module_says_what_it_is() -> None:
    silent = [short(file) for file in files(*ROOMS) if text(file).strip() and not ast.get_docstring(tree(file))]
    assert silent == []


def test_data_is_no_package() -> None:
    assert list((ROOT / "config").rglob("*.py")) == []
    assert list((ROOT / "templates").rglob("*.py")) == []


def test_every_ignored_rule_has_its_reason_beside_it() -> None:
    project = text(ROOT / "pyproject.toml")
    lint = project[project.index("[tool.ruff.lint]") : project.index("[tool.ruff.lint.pydocstyle]")]
    entries = [line for line in lint.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*"', line)]
    assert entries
    assert [line for line in entries if not re.search(r"# \w", line)] == []


def test_no_test_is_skipped_or_allowed_to_fail() -> None:
    words = re.compile(r"pytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b")
    found = [
        f"{short(file)}:{number}"
        for file in files("tests")
        if file != Path(__file__)
        for number, line in enumerate(text(file).splitlines(), start=1)
        if words.search(line)
    ]
    assert found == []
