"""The walls of the house: every import contract is kept, and each one catches a breach that is planted for it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERDICT = re.compile(r"^(?P<name>.+) (?P<verdict>KEPT|BROKEN)", re.MULTILINE)

BREACHES = {
    "the house: idp above keys and consent, which do not know each other": {
        "keys/planted_house.py": "import idp.clock",
        "consent/planted_house.py": "import keys.errors",
    },
    "floors of idp": {
        "idp/citizens/planted_floor.py": "import idp.protocol.records",
        "idp/planted_room.py": "import idp.clock",
    },
    "only wiring and cli build the storage": {"idp/pages/planted_storage.py": "import idp.storage.embedded"},
    "no circles between siblings": {
        "consent/planted_one.py": "import consent.planted_two",
        "consent/planted_two.py": "import consent.planted_one",
    },
    "Flask only in pages, admin and app": {"idp/protocol/planted_flask.py": "from flask import request"},
    "SQLAlchemy, psycopg, alembic and redis only in storage": {
        "idp/pages/planted_sql.py": "import sqlalchemy",
        "idp/worker/planted_redis.py": "from redis.client import Redis",
    },
    "JOSE made and read only in keys.jose and keys.jwe": {
        "keys/planted_jose.py": "from joserfc import jwt",
        "keys/planted_jwe.py": "from joserfc import jwe",
        "idp/protocol/planted_jose.py": "import jwt",
    },
    "webauthn only in login.passkey": {"idp/login/planted_webauthn.py": "import webauthn"},
    "the server, the command line and the counters each have one home": {
        "idp/worker/planted_rich.py": "from rich.console import Console",
        "idp/pages/planted_metrics.py": "import prometheus_client",
    },
}


def verdicts_of(tree: Path) -> tuple[dict[str, str], str]:
    """Return what the contracts of pyproject.toml say of a tree, and the whole report."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return {found["name"]: found["verdict"] for found in VERDICT.finditer(done.stdout)}, done.stdout + done.stderr


def test_every_contract_is_kept() -> None:
    verdicts, report = verdicts_of(ROOT)
    assert verdicts, report
    assert set(verdicts.values()) == {"KEPT"}, report


@pytest.fixture(scope="module")
def breached(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], str]:
    """Return what the contracts say of a copy of the house in which every breach was planted."""
    tree = tmp_path_factory.mktemp("house")
    for room in ("idp", "keys", "consent"):
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    for planted in BREACHES.values():
        for name, line in planted.items():
            (tree / name).write_text(f'"""A breach."""\n\n{line}\n', encoding="utf-8")
    return verdicts_of(tree)


@pytest.mark.parametrize("contract", BREACHES)
def test_a_planted_breach_is_caught(breached: tuple[dict[str, str], str], contract: str) -> None:
    verdicts, report = breached
    assert verdicts[contract] == "BROKEN"
    section = report[report.index("Broken contracts") :]
    for name in BREACHES[contract]:
        assert Path(name).stem in section


def test_every_contract_has_a_planted_breach(breached: tuple[dict[str, str], str]) -> None:
    assert set(breached[0]) == set(BREACHES)
