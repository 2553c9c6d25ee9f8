"""The outbox is read by receiver: what waits behind the first of a receiver is not looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WAITING = sa.text("due_at IS NOT NULL")
FAILING = sa.text("due_at IS NOT NULL AND last_error IS NOT NULL")
ERROR = sa.text("last_error IS NOT NULL")


def upgrade() -> None:
    """Give the deliveries that wait, those of them that have failed, and every error, an index of their own."""
    op.drop_index("ix_outbox_due_at", "outbox")
    op.drop_index("ix_outbox_target", "outbox")  # PostgreSQL sometimes preferred it, and read all that waited
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["target", "kind", "due_at", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index("ix_outbox_failing", "outbox", ["target", "kind"], sqlite_where=FAILING, postgresql_where=FAILING)
    op.create_index("ix_outbox_error", "outbox", ["target", "kind", "id"], sqlite_where=ERROR, postgresql_where=ERROR)
