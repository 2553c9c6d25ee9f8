"""Documents for relying parties: every error stands there, with each endpoint that says it, and every link holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idp.errors import ProtocolError
from idp.openapi.answers import ALWAYS
from idp.openapi.operations import OPERATIONS
from idp.settings.reading import NOT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "examples").glob("*.md")])
ERRORS = ROOT / "docs" / "relying-parties" / "errors.md"
ANYWHERE = "any"
EXAMPLES = sorted(path for kind in ("*/*.mjs", "*/*.py") for path in (ROOT / "examples").glob(kind))
VARIABLE = re.compile(r"\bSEN_[A-Z0-9_]+")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def _documented() -> Iterator[tuple[str, str]]:
    """Yield each error with each place at which its row says that it is met."""
    for line in ERRORS.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| `([a-z_]+)` \| ([^|]+) \|", line):
            places = re.findall(r"`([^`]+)`", found[2]) or [found[2].strip()]
            yield from ((found[1], place) for place in places)


def _kinds(root: type[ProtocolError]) -> Iterator[type[ProtocolError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


def test_every_error_stands_in_the_document() -> None:
    assert {code for code, _ in _documented()} == {kind.code for kind in _kinds(ProtocolError)}


def test_every_error_of_an_endpoint_stands_in_the_document_with_that_endpoint() -> None:
    said = {
        (refusal.code, path)
        for path, methods in OPERATIONS.items()
        for operation in methods.values()
        for refusal in operation.refusals
    }
    documented = set(_documented())
    everywhere = {code for code, place in documented if place == ANYWHERE}
    assert everywhere == {refusal.code for refusal in ALWAYS}
    assert {pair for pair in said if pair[0] not in everywhere} <= documented
    for_machines = {(code, place) for code, place in documented if place in OPERATIONS and place != "/authorize"}
    assert for_machines <= said, "and nothing else does: what /authorize sends back with a citizen is no answer of it"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_in_a_document_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("source", [*DOCUMENTS, *EXAMPLES], ids=lambda source: str(source.relative_to(ROOT)))
def test_every_variable_that_looks_like_a_setting_is_one(source: Path) -> None:
    """`sen` refuses to start in a shell that has another."""
    manual = tomllib.loads((ROOT / "config" / "default.toml").read_text(encoding="utf-8"))
    settings = {f"SEN_{section}__{key}".upper() for section, keys in manual.items() for key in keys}
    assert set(VARIABLE.findall(source.read_text(encoding="utf-8"))) <= settings | NOT_SETTINGS
