"""The recipe of the image: what must hold of it, read from the file, for nothing here can build it."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
import urllib.error

import pytest

from idp import settings as settings_room
from tests.support.project.sources import ROOT

CONTINUED = re.compile(r"\\\n\s*")


def stages() -> list[list[tuple[str, str]]]:
    """Return the stages of the Dockerfile: (instruction, rest) of each line."""
    text = CONTINUED.sub(" ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[list[tuple[str, str]]] = []
    for line in lines:
        instruction, _space, rest = line.partition(" ")
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, rest.strip()))
    return found


def of(stage: list[tuple[str, str]], wanted: str) -> list[str]:
    """Return what stands behind an instruction."""
    return [rest for instruction, rest in stage if instruction == wanted]


BUILD, RUN = stages()
ENVIRON = dict(assignment.split("=", 1) for line in of(RUN, "ENV") for assignment in shlex.split(line))
VOLUME = "/var/lib/sen"


def test_both_stages_are_a_slim_python_of_our_version() -> None:
    assert of(BUILD, "FROM") == ["python:3.11-slim AS build"]
    assert of(RUN, "FROM") == ["python:3.11-slim"]


def test_nobody_runs_as_root() -> None:
    (user,) = of(RUN, "USER")
    assert user == "10001:10001"
    names = [instruction for instruction, _rest in RUN]
    assert names.index("USER") < names.index("ENTRYPOINT")


def test_everything_installed_is_locked_by_hash() -> None:
    installs = [part for line in of(BUILD, "RUN") + of(RUN, "RUN") for part in line.split("&&") if " install " in part]
    for install in [part for part in installs if "pip" in part]:
        assert "--require-hashes" in install or "--no-index" in install
    assert not re.search(r"curl|wget|ADD |apt-get", (ROOT / "Dockerfile").read_text(encoding="utf-8"))


def test_what_is_copied_exists_and_is_let_through() -> None:
    allowed = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    sources = [word for line in of(BUILD, "COPY") for word in line.split()[:-1]]
    assert "idp" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in allowed, source


def test_the_wheel_gets_everything_that_it_is_built_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"], "pyproject.toml"}
    assert needed <= {word for line in of(BUILD, "COPY") for word in line.split()[:-1]}


def test_nothing_of_the_build_reaches_the_image_but_the_environment() -> None:
    assert of(RUN, "COPY") == ["--from=build /opt/sen /opt/sen"]


def test_everything_that_is_written_lies_in_the_one_volume() -> None:
    assert of(RUN, "VOLUME") == [VOLUME]
    assert of(RUN, "WORKDIR") == [VOLUME]
    settings = settings_room.load({**{k: v for k, v in ENVIRON.items() if k.startswith("SEN_")}, **NEEDED})
    assert settings.storage.database_url.startswith(f"sqlite:///{VOLUME}/")
    assert settings.storage.redis_url.startswith(f"unix://{VOLUME}/")
    assert settings.metrics.folder.startswith(f"{VOLUME}/")
    assert ENVIRON["TMPDIR"] == VOLUME
    assert ENVIRON["PYTHONDONTWRITEBYTECODE"] == "1"


NEEDED = {"SEN_SERVER__ISSUER": "https://login.example", "SEN_SECRETS__MASTER_KEY": "A" * 43 + "="}


def test_no_secret_and_no_development_setting_is_baked_in() -> None:
    assert not [name for name in ENVIRON if "SECRET" in name or name == "SEN_ENVIRONMENT"]


def test_it_serves_by_default_and_is_asked_whether_it_lives() -> None:
    assert json.loads(of(RUN, "ENTRYPOINT")[0]) == ["sen"]
    assert json.loads(of(RUN, "CMD")[0]) == ["serve"]
    assert of(RUN, "STOPSIGNAL") == ["SIGTERM"]
    (check,) = of(RUN, "HEALTHCHECK")
    assert "/health/live" in check


def test_the_health_check_fails_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = of(RUN, "HEALTHCHECK")
    python, dash_c, program = json.loads(check[check.index("CMD ") + 4 :])
    assert (python, dash_c) == ("python", "-c")
    monkeypatch.setenv("SEN_SERVER__PORT", "1")
    with pytest.raises(urllib.error.URLError):
        exec(compile(program, "health", "exec"), {})  # noqa: S102  the very line of the recipe
    assert sys.version_info[:2] >= (3, 11)
