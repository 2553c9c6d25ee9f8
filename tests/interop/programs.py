"""Programs of relying parties: each runs as a process of its own, and may ask a citizen to do something meanwhile.

A line that begins with `citizen>` is such a wish, in JSON; the answer is one line of JSON on the program's input.
Whatever else is printed is shown when the program fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.interop.citizen import Citizen

HERE = Path(__file__).parent
WISH = "citizen> "
LONGEST_SECONDS = 150


@dataclass(frozen=True, slots=True)
class Provider:
    """What every program is told: where Sen is, whom to believe, and which relying party it is."""

    issuer: str
    authority: Path
    folder: Path

    def environ(self, client: str, **more: str) -> dict[str, str]:
        """Return the environment of a program that is this relying party."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("SEN_", "PYTHON"))}
        return {
            **own,
            "ISSUER": self.issuer,
            "CLIENTS": str(self.folder),
            "CLIENT_FILE": str(self.folder / f"{client}.json"),
            "NODE_EXTRA_CA_CERTS": str(self.authority),
            "REQUESTS_CA_BUNDLE": str(self.authority),
            "SSL_CERT_FILE": str(self.authority),
            "PYTHONUNBUFFERED": "1",
            **more,
        }


def run(command: Sequence[str], *, environ: Mapping[str, str], citizen: Citizen) -> str:
    """Run a program to its end, and do what it asks a citizen for; return what it printed.

    Raises:
        AssertionError: it failed; the text is what it said.
    """
    printed: list[str] = []
    process = subprocess.Popen(
        command,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    deadline = threading.Timer(LONGEST_SECONDS, process.kill)
    deadline.start()
    try:
        for line in process.stdout:
            printed.append(line)
            if line.startswith(WISH):
                answer = citizen.does(json.loads(line.removeprefix(WISH)))
                process.stdin.write(json.dumps(answer) + "\n")
        status = process.wait()
    finally:
        deadline.cancel()
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    assert status == 0, f"{' '.join(command)} ended with {status}:\n{''.join(printed)}"
    return "".join(printed)


def a_line(process: subprocess.Popen[str], beginning: str) -> str:
    """Return what follows in the next line that begins so.

    Raises:
        AssertionError: the program ended before.
    """
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        if line.startswith(beginning):
            return line.removeprefix(beginning).strip()
        printed += line
    raise AssertionError(f"it ended: {printed}")
