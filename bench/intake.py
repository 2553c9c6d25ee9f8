"""The worst answers: what whole requests with hostile texts of 64 KiB cost, in milliseconds of one worker's processor.

Run it as `.venv/bin/python -m bench.intake`; `make bench` prints it too. The requests are those of `tests/fuzz`.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from idp.logs import configure
from tests.fuzz.corpus import TEXTS, WHOLE
from tests.fuzz.intakes import Seat
from tests.fuzz.whole_requests import requests
from tests.support.house import House
from tests.support.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_MILLISECONDS = 50.0
SHOWN = 10


def cost(run: Callable[[], int]) -> float:
    """Return what an answer costs, the lesser of two, in milliseconds."""
    found = []
    for _ in range(2):
        began = time.process_time()
        run()
        found.append((time.process_time() - began) * 1000)
    return min(found)


def measure(seat: Seat) -> list[tuple[float, str, str]]:
    """Return the worst cost of each request, with the text that caused it, dearest first."""
    worst: dict[str, tuple[float, str]] = {}
    for text, make in TEXTS.items():
        for name, run in requests(seat, make(WHOLE)):
            worst[name] = max(worst.get(name, (0.0, "")), (cost(run), text))
    return sorted(((milliseconds, name, text) for name, (milliseconds, text) in worst.items()), reverse=True)


def measured() -> list[tuple[float, str, str]]:
    """Measure a house of its own."""
    method = "client_secret_basic"
    server = ValkeyServer.alone()
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = House.build(folder=folder, redis_url=server.url, SEN_LOG__LEVEL="error")
        stack.callback(house.services.close)
        return measure(Seat(house, house.registers_portal(token_endpoint_auth_method=method)))


def table() -> str:
    """Return the dearest of them as Markdown."""
    found = measured()
    lines = [f"| {name} | {text} | {milliseconds:.1f} |" for milliseconds, name, text in found[:SHOWN]]
    head = ["| request | text of 64 KiB | ms |", "|---|---|---:|"]
    kept = "every answer" if found[0][0] <= MOST_MILLISECONDS else "NOT every answer"
    return "\n".join([*head, *lines, "", f"{kept} of {len(found)} kinds stays within {MOST_MILLISECONDS:.0f} ms."])


if __name__ == "__main__":
    configure(level="critical")  # each refusal would write a line of log
    print(table())
