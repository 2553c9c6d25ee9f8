"""Patience: tests look at what is done, not at how soon a busy machine lets a store answer."""

from __future__ import annotations

PATIENCE_SECONDS = 20
PATIENT = {
    f"SEN_STORAGE__{key}": str(PATIENCE_SECONDS)
    for key in ("TIMEOUT_SECONDS", "REDIS_CONNECT_SECONDS", "REDIS_ANSWER_SECONDS")
}
