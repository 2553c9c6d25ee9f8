"""The English catalogue: every text of the pages, nothing more, with the same gaps to fill."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[3]
CATALOGUE = ROOT / "templates" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2)}
GAP = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+[^>]*>")
SOURCES = (("templates", "**/*.html", "jinja2.ext:babel_extract"), ("idp/pages", "**/*.py", "python"))


@cache
def used() -> frozenset[str | tuple[str, ...]]:
    """Return every message id of the templates and the pages."""
    found: set[str | tuple[str, ...]] = set()
    for folder, pattern, method in SOURCES:
        for path in sorted((ROOT / folder).glob(pattern)):
            found |= {message for _line, message, _notes, _context in extract_from_file(method, path, KEYWORDS)}
    return frozenset(found)


@cache
def english() -> dict[str | tuple[str, ...], str | tuple[str, ...]]:
    """Return the catalogue by message id."""
    with CATALOGUE.open("rb") as source:
        catalogue = read_po(source, locale="en", abort_invalid=True)
    assert not [message.id for message in catalogue if message.fuzzy and message.id]
    assert not catalogue.obsolete
    return {plain(message.id): plain(message.string) for message in catalogue if message.id}


def plain(text: str | tuple[str, ...] | list[str] | None) -> str | tuple[str, ...]:
    """Return a text, or all its forms."""
    return tuple(text) if isinstance(text, (list, tuple)) else text or ""


def test_the_pages_have_texts_at_all() -> None:
    assert len(used()) > 250


def test_every_text_has_its_english() -> None:
    assert sorted(map(str, used() - english().keys())) == []
    assert [message for message, text in english().items() if not all(forms_of(text))] == []


def test_the_catalogue_has_no_leftovers() -> None:
    assert sorted(map(str, english().keys() - used())) == []


def forms_of(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return all forms of a text."""
    return (text,) if isinstance(text, str) else tuple(text)


def test_english_fills_the_same_gaps_and_keeps_the_same_tags() -> None:
    for message, text in english().items():
        for form in forms_of(text):
            assert sorted(GAP.findall(form)) == sorted(GAP.findall(forms_of(message)[0])), form


def test_english_is_english() -> None:
    names = {"Sen"}
    vietnamese = re.compile(r"[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
    texts = [form for text in english().values() for form in forms_of(text) if form not in names]
    assert [text for text in texts if vietnamese.search(text)] == []


def test_the_passkey_is_always_named_in_full_where_it_could_be_read_as_locked() -> None:
    headings = [
        str(message) for message in used() if str(message).startswith("Khóa truy cập ") and "của tôi" in message
    ]
    assert headings
    assert all("(passkey)" in heading for heading in headings)
