"""What several contract suites of the memory stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.storage.redis import RedisEphemeral
from tests.support.house import own_valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.valkey import ValkeyCluster, ValkeyServer

__all__ = ["own_valkey", "port", "server"]


@pytest.fixture
def server(own_valkey: ValkeyServer) -> ValkeyServer:
    """Give a Valkey that the test may harm."""
    return own_valkey


@pytest.fixture
def port(valkey_cluster: ValkeyCluster) -> Iterator[RedisEphemeral]:
    """Give the port to the shared cluster, with links to every node."""
    port = RedisEphemeral(valkey_cluster.url, connect_seconds=20, answer_seconds=20)
    port.ping()
    yield port
    port.close()
