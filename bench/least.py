"""The floor under the comparison: what the server and the stores alone cost for each kind of request.

It says how far a ratio could go if everything that makes Sen a provider cost nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
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

BY_GET = (AUTHORIZE, USERINFO, WITH_PROOF.format(USERINFO))
STEPS: Mapping[str, str] = {
    "discovery": "", "JWKS": "", PAR: "vw", AUTHORIZE: "wrw", CODE: "vwsc", REFRESH: "vwsc", USERINFO: "r",
    INTROSPECTION: "vwr", BY_SECRET: "wsc", BY_KEY: "vwsc",
    **{
        WITH_PROOF.format(kind): steps
        for kind, steps in (
            (PAR, "vvw"), (CODE, "vvwsc"), (REFRESH, "vvwsc"), (USERINFO, "vwr"), (BY_SECRET, "vwsc"), (BY_KEY, "vvwsc")
        )
    },
}  # fmt: skip
"""What each kind of request asks of Sen's stores and keys, step by step, as counted in a running Sen."""

FORM = SYSTEM_FORM | {"client_id": "portal", "client_assertion": "x" * 400}


@dataclass(frozen=True, slots=True)
class Least:
    """The kinds of a chain, without what a provider does."""

    arm: Arm

    def run(self, count: int) -> dict[str, Phase]:
        """Send `count` requests of every kind and return what each kind cost.

        Raises:
            WrongAnswerError: an answer is no success.
        """
        return {kind: self._phase(kind, steps, count) for kind, steps in STEPS.items()}

    def _phase(self, kind: str, steps: str, count: int) -> Phase:
        host, path = self.arm.host, f"/{steps}"
        asks = get(path, host=host) if not steps or kind in BY_GET else post(path, host=host, form=FORM)
        answers, phase = self.arm.measure([asks] * (count if steps else count * DOCUMENTS))
        for answer in answers:
            expect(answer, 200)
        return phase


def start(*, valkey: ValkeyServer, postgresql: str, folder: Path) -> Arm:
    """Start the program of `bench/least_program.py`."""
    (port,) = free_ports(1)
    address = postgresql.replace("postgresql+psycopg", "postgresql")
    server = Server.start(
        command=[sys.executable, "-m", "bench.least_program", str(port), valkey.options["unixsocket"], address],
        environ={"PYTHONPATH": str(ROOT)},
        ready_url=f"http://localhost:{port}/",
        log=folder / "least.log",
    )
    return Arm(name="least", server=server, port=port, scope="", stores={})
