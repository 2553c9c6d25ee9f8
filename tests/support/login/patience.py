"""Patience: tests look at what is done, not at how soon a busy machine lets a store answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.app import Application
from idp.storage.redis.address import Timeouts
from idp.wiring import build_services

if TYPE_CHECKING:
    from idp.settings import Settings

PATIENCE_SECONDS = 20


def patient(settings: Settings) -> Application:
    """Return the application of a worker that waits for the memory longer than one in production does."""
    services = build_services(settings)
    memory: Any = services.provider.ephemeral
    memory._timeouts = Timeouts(connect=PATIENCE_SECONDS, answer=PATIENCE_SECONDS)
    return Application(services)
