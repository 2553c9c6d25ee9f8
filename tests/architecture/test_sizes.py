"""Size limits: a file, a function, a folder that a person can hold in the head."""

from __future__ import annotations

import ast

import pytest

from tests.support.project.sources import ROOMS, ROOT, Function, files, functions, length, parameters, short, text

LONGEST_FILE = 300
LONGEST_FUNCTION = 40
DEEPEST_NESTING = 3
MOST_PARAMETERS = 6
MOST_ENTRIES = 20

EXCUSED_FILES: dict[str, str] = {}
NOT_COUNTED = {"__pycache__", "__init__.py"}
EXCUSED_FOLDERS = {"idp": "the floor plan: one entry for each room"}
NESTING = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)


def depth(node: ast.AST) -> int:
    """Return how deep blocks lie in each other below a node; `elif` is no deeper than its `if`."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue  # counted by itself
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child) + (isinstance(child, NESTING) and not is_elif))
    return deepest


def test_the_measure_of_nesting_is_right() -> None:
    text = "def f():\n if a:\n  for b in c:\n   with d:\n    pass\n elif e:\n  pass\n"
    assert depth(ast.parse(text).body[0]) == 3
    assert depth(ast.parse("def f():\n if a:\n  pass\n elif b:\n  pass\n elif c:\n  pass\n").body[0]) == 1


def test_no_file_is_too_long() -> None:
    long = {short(file): len(text(file).splitlines()) for file in files(*ROOMS)}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE and name not in EXCUSED_FILES} == {}


def every_function(room: str) -> list[tuple[str, Function]]:
    """Return every function of a room with where it stands."""
    return [
        (f"{short(file)}:{node.lineno} {node.name}", node)
        for file in files(room)
        if short(file) not in EXCUSED_FILES
        for node in functions(file)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_is_too_long(room: str) -> None:
    assert [f"{where}: {length(node)}" for where, node in every_function(room) if length(node) > LONGEST_FUNCTION] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_nests_too_deep(room: str) -> None:
    assert [f"{where}: {depth(node)}" for where, node in every_function(room) if depth(node) > DEEPEST_NESTING] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_takes_too_many_parameters(room: str) -> None:
    many = [where for where, node in every_function(room) if len(parameters(node)) > MOST_PARAMETERS]
    assert [where for where in many if " test_" not in where] == []


def test_no_folder_holds_too_many_entries() -> None:
    full = {
        short(folder): entries
        for folder in {file.parent for file in files(*ROOMS)}
        if (entries := len([one for one in folder.iterdir() if one.name not in {"__pycache__", "__init__.py"}]))
        > MOST_ENTRIES
    }
    assert full.keys() - EXCUSED_FOLDERS.keys() == set()


def test_every_excuse_is_still_needed() -> None:
    for name in EXCUSED_FILES:
        assert len(text(ROOT / name).splitlines()) > LONGEST_FILE
