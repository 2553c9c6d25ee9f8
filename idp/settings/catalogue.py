"""Catalogues: TOML files that say what there is (levels, purposes, types), read strictly, all problems at once."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final

from idp.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    Kind = type | tuple[str, ...]

LANGUAGES: Final = ("vi", "en")
"""What people read; in a table of keys it stands for a text in each of them and in no other."""

BOTH: Final = f"must have a text in exactly {' and '.join(LANGUAGES)}"


def read(path: Path, *, problems: Callable[[Mapping[str, Any]], Iterable[str]]) -> Mapping[str, Any]:
    """Return what a catalogue says; `problems` names all that is wrong with it.

    Raises:
        SettingsError: it cannot be read, or with every problem.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError((f"{path.name}: {error}",)) from error
    found = tuple(f"{path.name}: {problem}" for problem in problems(document))
    if found:
        raise SettingsError(found)
    return document


def key_problems(
    row: object, keys: Mapping[str, Kind], *, where: str, optional: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Name every unknown, missing or wrongly typed key of one table; `keys` maps each to its type, or LANGUAGES."""
    if not isinstance(row, dict):
        yield f"{where}: must be a table"
        return
    for unknown in sorted(row.keys() - keys.keys()):
        yield f"{where}: {unknown}: unknown key"
    for key, kind in keys.items():
        if key not in row:
            if key not in optional:
                yield f"{where}: {key}: missing"
        elif isinstance(kind, tuple):
            if not in_both_languages(row[key]):
                yield f"{where}: {key}: {BOTH}"
        elif type(row[key]) is not kind:
            yield f"{where}: {key}: must be of type {kind.__name__}"


def in_both_languages(texts: object) -> bool:
    """Tell whether it is a table with a text in each language and in no other."""
    return (
        isinstance(texts, dict)
        and texts.keys() == set(LANGUAGES)
        and all(isinstance(text, str) and text.strip() for text in texts.values())
    )


def named_rows(document: Mapping[str, Any], table: str, *, name: str) -> list[tuple[str, Any]]:
    """Return each row of an array of tables with what problems call it: `name` and its `id`, else its place."""
    listed = document.get(table)
    return [
        (f"{name} {row.get('id', place) if isinstance(row, dict) else place}", row)
        for place, row in enumerate(listed if isinstance(listed, list) else (), start=1)
    ]


def column(rows: Iterable[object], key: str) -> list[Any]:
    """Return what stands under one key, row by row; a row without it is passed over."""
    return [row[key] for row in rows if isinstance(row, dict) and key in row]


def twice(words: Iterable[object]) -> list[str]:
    """Return the words that are there more than once, sorted."""
    listed = [str(word) for word in words]
    return sorted({word for word in listed if listed.count(word) > 1})
