"""The wheel: built without a network, installed into an empty environment, it runs `sen demo` by itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

import pytest

from tests.support.demo import Demo
from tests.support.project.locks import entries
from tests.support.project.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run(*command: str, cwd: Path) -> str:
    """Run a program without a network and return what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SEN_", "PIP_"))}
    done = subprocess.run(command, cwd=cwd, env=environ | OFFLINE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def _links(name: str, *, packages: Path) -> None:
    """Let an environment find a package that is installed here; one of another platform is not."""
    with contextlib.suppress(PackageNotFoundError):
        installed = distribution(name)
        for top in {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(str(installed.locate_file(top)))


@pytest.fixture(scope="module")
def sen(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a new environment that sees the libraries that it is locked to, and nothing else here."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for name in entries((ROOT / "requirements-run.lock").read_text(encoding="utf-8")):
        _links(name, packages=packages)
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps")
    run(*pip, "--force-reinstall", str(wheel), cwd=folder)
    return folder / "bin" / "sen"


@pytest.fixture(scope="module")
def demo(sen: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run the demo from an empty folder outside the checkout, under the environment's own program."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SEN_", "PORTAL_"))}
    running = Demo.type_command(
        tmp_path_factory.mktemp("empty"), sen=[str(sen)], environ=environ | {"PYTHONUNBUFFERED": "1"}
    )
    try:
        running.read_welcome()
        yield running
    finally:
        running.end()


def test_the_wheel_holds_every_file_that_the_checkout_serves(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder, target in (("config", "config"), ("templates", "templates"), ("examples/portal", "portal")):
        kept = run("git", "ls-files", folder, cwd=ROOT).splitlines()
        assert kept
        missing = [one for one in kept if f"idp/_data/{target}/{one.removeprefix(folder + '/')}" not in inside]
        assert missing == []
    migrations = run("git", "ls-files", "idp/storage/sql/migrations", cwd=ROOT).splitlines()
    assert [one for one in migrations if one not in inside] == []


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in inside if not name.startswith("sen-")}
    assert tops == {"idp", "keys", "consent"}
    assert [name for name in inside if "__pycache__" in name or "/var/" in name or name.endswith(".db")] == []


def test_the_installed_program_runs_from_its_own_package(sen: Path, tmp_path: Path) -> None:
    found = run(str(sen.parent / "python"), "-c", "import idp, keys, consent; print(idp.__file__)", cwd=tmp_path)
    assert found.startswith(str(sen.parents[1]))


def test_the_installed_program_finds_nothing_that_only_developers_have(sen: Path, tmp_path: Path) -> None:
    look = "import importlib.util as u; print([n for n in ('flask', 'pytest', 'playwright', 'ruff') if u.find_spec(n)])"
    assert run(str(sen.parent / "python"), "-c", look, cwd=tmp_path) == "['flask']\n"


@pytest.mark.parametrize(("language", "word"), [("vi", "Đăng nhập"), ("en", "Log in")])
def test_pages_are_served_in_both_languages(demo: Demo, language: str, word: str) -> None:
    status, kind, page = demo.get("/login", language=language)
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert f'lang="{language}"' in page
    assert word in page


def test_the_style_sheet_is_served(demo: Demo) -> None:
    status, kind, sheet = demo.get("/static/sen.css")
    assert status == 200
    assert kind.startswith("text/css")
    assert sheet == (ROOT / "templates" / "static" / "sen.css").read_text(encoding="utf-8")


def test_discovery_is_served_under_the_settings_of_the_package(demo: Demo) -> None:
    status, kind, document = demo.get("/.well-known/openid-configuration")
    assert (status, kind) == (200, "application/json")
    assert json.loads(document)["issuer"] == f"http://localhost:{demo.port}"


def test_the_portal_of_the_package_runs(demo: Demo) -> None:
    portal = demo.named("portal.py")
    assert "/_data/portal/portal.py" in portal.cmdline()[-1]
    assert str(ROOT) not in " ".join(portal.cmdline()[1:])


def test_nothing_of_the_checkout_runs_and_nothing_stays(demo: Demo) -> None:
    for child in demo.family:
        assert str(ROOT / "idp") not in " ".join(child.cmdline())
        assert "PYTHONPATH" not in child.environ()
    assert demo.send(signal.SIGTERM) == 0
    assert demo.leaves_nothing()
