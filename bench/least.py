"""The floor under the comparison: what the server and the stores alone cost for each kind of request.

It says how far a ratio could go if everything that makes Sen a provider cost nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.arm import Arm
from bench.chain import (
    AUTHORIZE,
    BY_KEY,
    BY_SECRET,
    CODE,
    DOCUMENTS,
    INTROSPECTION,
    PAR,
    REFRESH,
    SYSTEM_FORM,
    USERINFO,
    WITH_PROOF,
    expect,
)
from bench.processes import Server
from bench.run import ROOT
from bench.wire import get, post
from tests.support.valkey import ValkeyServer, free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.arm import Phase

READY = ("discovery", "JWKS")
BY_GET = (AUTHORIZE, USERINFO)
STEPS: Mapping[str, str] = {
    PAR: "vw", AUTHORIZE: "wrw", CODE: "vwsc", REFRESH: "vwsc", USERINFO: "r", INTROSPECTION: "vwr", BY_SECRET: "wsc",
    BY_KEY: "vwsc",
}  # fmt: skip
"""What each kind asks of Sen's stores and keys, which tests hold (`test_token_request.py`, `test_counts.py`)."""

PROVED: Mapping[str, str] = {
    PAR: "vvw", CODE: "vvwsc", REFRESH: "vvwsc", USERINFO: "vwr", BY_SECRET: "vwsc", BY_KEY: "vvwsc"
}  # fmt: skip
"""The same with DPoP."""

BESIDES = {"client_id": "portal", "client_assertion": "x" * 400}


@dataclass(slots=True)
class Least:
    """The server, and what it has shown."""

    arm: Arm
    rounds: list[dict[str, Phase]] = field(default_factory=list)

    def turn(self, count: int) -> None:
        """Go through one round."""
        kinds = {**dict.fromkeys(READY, ""), **STEPS, **{WITH_PROOF.format(kind): PROVED[kind] for kind in PROVED}}
        self.rounds.append({kind: self._phase(kind, steps, count) for kind, steps in kinds.items()})

    def _phase(self, kind: str, steps: str, count: int) -> Phase:
        host, path = self.arm.host, f"/{steps}"
        if not steps:
            requests = [get(path, host=host)] * (count * DOCUMENTS)
        elif kind.partition(",")[0] in {name.partition(",")[0] for name in BY_GET}:
            requests = [get(path, host=host)] * count
        else:
            requests = [post(path, host=host, form=SYSTEM_FORM | BESIDES)] * count
        answers, phase = self.arm.measure(requests)
        for answer in answers:
            expect(answer, 200)
        return phase


def start(*, valkey: ValkeyServer, postgresql: str, folder: Path) -> Least:
    """Start the program of `bench/least_program.py`."""
    (port,) = free_ports(1)
    address = postgresql.replace("postgresql+psycopg", "postgresql")
    server = Server.start(
        command=[sys.executable, "-m", "bench.least_program", str(port), valkey.options["unixsocket"], address],
        environ={"PYTHONPATH": str(ROOT)},
        ready_url=f"http://localhost:{port}/",
        log=folder / "least.log",
    )
    return Least(Arm(name="least", server=server, port=port, scope="", stores={}))
