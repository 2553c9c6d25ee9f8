"""Sources: every Python file of the house, and what is in it."""

from __future__ import annotations

import ast
import os
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
HOUSE = ("idp", "keys", "consent")
ROOMS = (*HOUSE, "examples", "bench", "tests")
NOT_OURS = {"__pycache__", "node_modules", ".venv"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files(*rooms: str) -> tuple[Path, ...]:
    """Return every Python file of the rooms, what others wrote left out."""
    found: list[Path] = []
    for room in rooms:
        for folder, below, names in os.walk(ROOT / room):
            below[:] = sorted(set(below) - NOT_OURS)
            found += [Path(folder, name) for name in sorted(names) if name.endswith(".py")]
    return tuple(found)


def short(file: Path) -> str:
    """Return how a file is called in a message."""
    return str(file.relative_to(ROOT))


@cache
def text(file: Path) -> str:
    """Return what a file says."""
    return file.read_text(encoding="utf-8")


@cache
def tree(file: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(text(file))


def functions(file: Path) -> list[Function]:
    """Return every function of a file."""
    return [node for node in ast.walk(tree(file)) if isinstance(node, Function)]


def length(node: Function) -> int:
    """Return how many lines a function has, its docstring left out."""
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None:
        return whole
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)


def parameters(node: Function) -> list[str]:
    """Return a function's parameters but `self` and `cls`."""
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return [one.arg for one in every if one.arg not in {"self", "cls"}]
