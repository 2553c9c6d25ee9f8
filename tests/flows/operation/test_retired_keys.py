"""An ID token comes back as a hint after its key has retired, for as long as its session may last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp import clock
from idp.storage.sql.keys import SqlKeyStore
from idp.wiring import ring_settings
from keys import open_custodians, rotate, rotate_now
from tests.support.house import House, later

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.valkey import ValkeyServer

BYE = "https://portal.example/bye"
HEAD_START = 320
"""Seconds: a little more than a key is published before it signs, or outlives the last token that it signed."""
HOUR = 3600


@pytest.fixture
def own(tmp_path: Path, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house whose keys may be turned."""
    built = House.build(folder=tmp_path, redis_url=lone_valkey.url)
    yield built
    built.close()


def turns_the_keys(own: House) -> None:
    """Replace every key, and let all that is due after it be done."""
    ring = {
        "store": SqlKeyStore(own.office.database),
        "custodians": open_custodians(sealer=own.office.sealer),
        "settings": ring_settings(own.settings),
    }
    rotate_now(**ring, now=clock.now)  # type: ignore[arg-type]  # one dictionary for two functions
    for seconds in (HEAD_START, 2 * HEAD_START):
        with later(seconds):
            rotate(**ring, now=clock.now)  # type: ignore[arg-type]


def is_vouched_for(own: House, hint: str) -> bool:
    """Tell whether the logout page sends a browser without a session back to the portal that the hint names."""
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BYE}
    return own.browser().get("/logout", query_string=asked).headers.get("Location") == BYE


@pytest.mark.spec("LO-02", "F16")
def test_a_hint_outlives_the_rotation_of_its_key_as_long_as_its_session_may_last(own: House) -> None:
    citizen, portal = own.activates_citizen(), own.registers_portal()
    hint = citizen.gets_id_token(portal)
    assert is_vouched_for(own, hint)
    turns_the_keys(own)
    with later(2 * HEAD_START):
        assert is_vouched_for(own, hint)
        silent = citizen.opens(portal.asks(prompt="none", id_token_hint=hint))
        assert "code=" in silent.headers["Location"]
    with later(11 * HOUR):
        turns_the_keys(own)
        assert is_vouched_for(own, hint)
    with later(13 * HOUR):
        turns_the_keys(own)
    with later(13 * HOUR + 2 * HEAD_START):
        assert not is_vouched_for(own, hint)
