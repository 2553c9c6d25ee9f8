"""What attacks on the registration of relying parties work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.house import House

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.valkey import ValkeyServer


@pytest.fixture(scope="module")
def strict_house(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house as in production: nobody registers without a token, and this machine is never called."""
    changes = {"SEN_REGISTRATION__OPEN": "false", "SEN_OUTBOUND__ALLOW_LOOPBACK": "false"}
    house = House.build(folder=tmp_path_factory.mktemp("strict"), redis_url=lone_valkey.url, **changes)
    yield house
    house.close()
