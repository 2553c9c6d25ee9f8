"""A connection of psycopg whose every wait has an end: a server that is frozen would hold whoever asks it for ever.

The statement timeout is the server's own, and keeps nothing where the server itself stands still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import event

if TYPE_CHECKING:
    from psycopg.abc import PQGen
    from sqlalchemy import Engine

Result = TypeVar("Result")
PATIENCE_SECONDS = 5.0  # beyond the statement timeout: then the server is gone
UNHEARD = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 10_000}
"""In seconds, the last in milliseconds: so long a server may not be heard of over TCP before its connection is lost."""


class Patient(psycopg.Connection[Any]):
    """Waits no longer than `patience` seconds for an answer, and is closed where none came."""

    patience = PATIENCE_SECONDS

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """See `psycopg.Connection.wait`.

        Raises:
            psycopg.OperationalError: no answer in time; the connection is closed, for the answer may still come.
        """
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


def options(timeout_seconds: float) -> dict[str, Any]:
    """Return what every connection is opened with: limits of time, also where the network is cut, and one time zone."""
    return {
        **UNHEARD,
        "connect_timeout": max(1, int(timeout_seconds)),
        "options": f"-c statement_timeout={int(timeout_seconds * 1000)} -c timezone=UTC",
    }


def bounded(engine: Engine, *, timeout_seconds: float) -> Engine:
    """Let every connection of an engine be a patient one."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]) -> Patient:
        connection = Patient.connect(*arguments, **parameters)
        connection.patience = timeout_seconds + PATIENCE_SECONDS
        return connection

    return engine
