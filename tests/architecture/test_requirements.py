"""The list of requirements: whole, short, and every mark of a test points to one of them or to a standard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.project.spec import Collector, requirements

if TYPE_CHECKING:
    import pytest

ID = re.compile(r"[A-Z]{1,3}-?[0-9]{1,2}")
STANDARD = re.compile(
    r"(RFC [0-9]+|OpenID [A-Za-z ]+|FAPI 2\.0 [A-Za-z ]+|Grant Management|WebAuthn|FIPS [0-9-]+|NIST [A-Z0-9 -]+)"
    r"( [A-Z0-9.]+)*"
)


def test_each_requirement_stands_once_in_a_few_words() -> None:
    known = requirements()
    assert len(known) > 260
    assert [one for one, about in known.items() if not ID.fullmatch(one) or not 2 <= len(about.split()) <= 8] == []


def test_every_mark_points_to_a_requirement_or_a_standard(request: pytest.FixtureRequest) -> None:
    collector = Collector()
    collector.pytest_collection_modifyitems(list(request.session.items))
    known = requirements()
    assert [one for one in collector.held if one not in known and not STANDARD.fullmatch(one)] == []
