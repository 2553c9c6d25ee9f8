"""What somebody knows is never enough: no method asks for a password or a secret question, none counts an e-mail."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from idp.assurance import Assurance, Evidence
from idp.login import METHODS

ROOT = Path(__file__).parents[3]
ASSURANCE = Assurance.load(ROOT / "config" / "assurance.toml")


def reached(factors: frozenset[str], *, flags: tuple[bool, ...]) -> int:
    """Return the level that one proof with these factors reaches."""
    resistant, bound, attested = flags
    one = Evidence("any", ("x",), factors, phishing_resistant=resistant, hardware_bound=bound, attested=attested)
    return max((level.level for level in ASSURANCE.authentication if level.reached_by([one])), default=0)


@pytest.mark.spec("LG-10", "AL-06")
@pytest.mark.parametrize("factor", ["knowledge", "email", "question", "local"])
def test_what_is_known_reaches_no_level_that_asks_for_two_factors(factor: str) -> None:
    for flags in product([False, True], repeat=3):
        assert reached(frozenset({factor}), flags=flags) <= 1
    assert reached(frozenset({"possession", "local"}), flags=(True, False, False)) == 2


@pytest.mark.spec("AL-06")
def test_an_email_or_a_question_beside_it_adds_nothing() -> None:
    for other in ("email", "question"):
        assert reached(frozenset({"knowledge", other}), flags=(True, True, True)) <= 1
        assert reached(frozenset({"possession", other}), flags=(True, True, True)) <= 1


@pytest.mark.spec("LG-10", "AL-06")
def test_there_is_one_way_to_log_in_and_no_page_asks_for_a_password_or_an_answer() -> None:
    assert list(METHODS) == ["passkey"]
    asking = re.compile(r"""type=["']?password|autocomplete=["'][^"']*(current|new)-password""")
    pages = list((ROOT / "templates").rglob("*.html"))
    assert len(pages) > 20
    assert [page.name for page in pages if asking.search(page.read_text(encoding="utf-8"))] == []
    assert asking.search('<input type="password">')
