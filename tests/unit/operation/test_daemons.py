"""What runs for months carries nothing that only commands of a moment need."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys; from idp import cli; cli._daemon({name!r}); print(*sorted(sys.modules))"


@pytest.mark.parametrize(("name", "module"), [("serve", "idp.cli.serve"), ("worker", "idp.cli.work")])
def test_a_daemon_loads_no_tables_and_progress_bars(name: str, module: str) -> None:
    shown = subprocess.run([sys.executable, "-c", LOADED.format(name=name)], capture_output=True, text=True, check=True)
    loaded = shown.stdout.split()
    assert {module, "idp.wiring", "structlog"} <= set(loaded)
    assert not {"typer", "rich.console", "idp.cli.citizens", "idp.cli.demo"} & set(loaded)
