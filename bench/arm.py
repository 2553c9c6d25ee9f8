"""One arm of the comparison: a provider that runs, the people who are logged in there, and a measured phase."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.processes import Server, cpu_seconds
from bench.wire import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MICRO = 1e6
MILLI = 1e3


@dataclass(frozen=True, slots=True)
class Phase:
    """What one kind of request cost: CPU microseconds each, of the server and apart of its stores; milliseconds."""

    server_us: float
    stores_us: Mapping[str, float]
    p50_ms: float
    p99_ms: float


@dataclass(slots=True)
class Arm:
    """A provider on `port`; `cookies` are the Cookie headers of people who are logged in.

    `stores` maps the name of a store to the process ids that are counted apart from the server's.
    """

    name: str
    server: Server
    port: int
    scope: str
    stores: Mapping[str, Sequence[int]]
    cookies: Sequence[str] = ()
    starts_seconds: list[float] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        """The issuer, as it stands in tokens."""
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        """The Host header."""
        return f"localhost:{self.port}"

    def measure(self, requests: Sequence[bytes]) -> tuple[list[Answer], Phase]:
        """Send the requests and return their answers with what they cost."""
        before = cpu_seconds([self.server.pid])
        stores_before = {name: cpu_seconds(pids) for name, pids in self.stores.items()}
        answers = ask(requests, port=self.port)
        spent = cpu_seconds([self.server.pid]) - before
        stores = {name: cpu_seconds(pids) - stores_before[name] for name, pids in self.stores.items()}
        times = sorted(answer.seconds * MILLI for answer in answers)
        count = len(requests)
        return answers, Phase(
            server_us=spent * MICRO / count,
            stores_us={name: seconds * MICRO / count for name, seconds in stores.items()},
            p50_ms=statistics.median(times),
            p99_ms=times[min(count - 1, int(count * 0.99))],
        )
