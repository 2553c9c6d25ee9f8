"""Redis and Valkey, alone or as a cluster, behind the port `idp.ephemeral.Ephemeral`."""

from __future__ import annotations

from idp.storage.redis.ephemeral import RedisEphemeral

__all__ = ["RedisEphemeral"]
