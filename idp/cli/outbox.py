"""`sen outbox`: where deliveries to relying parties stand: received, waiting, refused, given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from idp.cli import columns
from idp.cli.office import at_work
from idp.storage.sql.outbox import SqlOutbox

if TYPE_CHECKING:
    from datetime import datetime

HEADINGS = [
    "client_id", "kind", "delivered", "waiting", "refused", "given up", "next try", "last delivered", "last error",
]  # fmt: skip


def outbox() -> None:
    """Show, for each relying party, what was delivered, what waits and what failed, and why."""
    with at_work() as office:
        standings = SqlOutbox(office.database).standing()
    if not standings:
        typer.echo("Nothing has been written for delivery within the last 30 days.")
        return
    columns.tell(
        [
            HEADINGS,
            *(
                [
                    standing.target,
                    standing.kind,
                    str(standing.delivered),
                    str(standing.waiting),
                    str(standing.refused),
                    str(standing.given_up),
                    _written(standing.next_try),
                    _written(standing.last_delivered),
                    standing.last_error or "",
                ]
                for standing in standings
            ),
        ]
    )


def _written(instant: datetime | None) -> str:
    return "" if instant is None else instant.isoformat(timespec="seconds")
