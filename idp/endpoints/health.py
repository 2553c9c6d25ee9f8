"""GET /health/live, /health/ready and /metrics: for whoever runs the provider; counters for its own machine alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from idp.endpoints._http import NO_STORE, Request, Response, json_response
from idp.errors import NotFound, TemporarilyUnavailable
from idp.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from idp.services import Services

OWN = ("127.0.0.1", "::1", "")

log = structlog.get_logger("sen")


def live(request: Request, services: Services) -> Response:  # noqa: ARG001  every endpoint has this shape
    """Say that this worker answers."""
    return json_response({"status": "live"})


def ready(request: Request, services: Services) -> Response:  # noqa: ARG001  every endpoint has this shape
    """Say whether this worker can do its work: the database, the memory and the keys answer."""
    failing = []
    for name, check in services.checks.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001  whatever it is, this part is not ready
            log.warning("not_ready", part=name, reason=getattr(error, "detail", None) or repr(error))
            failing.append(name)
    if failing:
        raise TemporarilyUnavailable(f"Not ready: {', '.join(failing)}.")
    return json_response({"status": "ready"})


def metrics(request: Request, services: Services) -> Response:
    """Answer with the counters of all workers, to the own machine; those of the others may be a moment old."""
    if request.address not in OWN or request.forwarded:
        raise NotFound("Metrics are read on the machine itself.")
    services.journal.write()
    headers = (("Content-Type", CONTENT_TYPE), *NO_STORE)
    return Response(200, headers, services.metrics.render())
