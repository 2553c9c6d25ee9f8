"""Nothing that is read can run: no pickle, no YAML, no eval, whatever the input and wherever it was kept."""

from __future__ import annotations

import ast

import pytest

from tests.support.project.sources import HOUSE, files, short, tree

MODULES = frozenset(
    {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "jsonpickle"}
)
CALLS = frozenset({"eval", "exec", "compile", "__import__", "execfile"})


def dangers(module: ast.AST) -> list[str]:
    """Return what of a module could make code out of data."""
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            found.append(node.func.id)
    return found


@pytest.mark.spec("HT-08")
def test_nothing_of_the_house_makes_code_out_of_data() -> None:
    assert {short(file): found for file in files(*HOUSE) if (found := dangers(tree(file)))} == {}


@pytest.mark.parametrize(
    "planted",
    ["import pickle", "from yaml import load", "import marshal as m", "eval(text)", "exec(text)", "__import__(name)"],
)
def test_what_is_planted_is_found(planted: str) -> None:
    assert dangers(ast.parse(planted))
    assert not dangers(ast.parse("import json\nre.compile('a')\norjson.loads(text)"))
