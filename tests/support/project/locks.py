"""Locks: the part of requirements.lock that Sen needs to be built and run, without what only its developers need.

`python -m tests.support.project.locks` prints it; `make lock` keeps it in requirements-run.lock.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?:.+\n)(?:    .+\n)*", re.MULTILINE)


def entries(lock: str) -> dict[str, str]:
    """Return a lock's entries by the canonical name of their package."""
    return {canonicalize_name(found["name"]): found[0] for found in ENTRY.finditer(lock)}


def needed() -> set[str]:
    """Return the names of all packages that building and running Sen needs, as the installed ones say themselves."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    waiting = [Requirement(text) for text in document["project"]["dependencies"] + document["build-system"]["requires"]]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), extra)
            if key not in seen:
                seen.add(key)
                waiting += _needed_by(requirement.name, extra)
    return {name for name, _extra in seen}


def _needed_by(name: str, extra: str) -> Iterator[Requirement]:
    try:
        texts = requires(name) or []
    except PackageNotFoundError:  # of another platform; the lock has it where it is needed
        return
    for text in texts:
        requirement = Requirement(text)
        asks_for_extra = requirement.marker is not None and "extra" in str(requirement.marker)
        if asks_for_extra != bool(extra):
            continue
        if not extra or requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def runtime_lock() -> str:
    """Return the entries of requirements.lock that Sen needs to be built and run."""
    names = needed()
    lock = entries((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    return "".join(text for name, text in lock.items() if name in names)


if __name__ == "__main__":
    sys.stdout.write(runtime_lock())
