"""User codes as people type them, and the three codes that they pick from."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.grants.decoupled import user_codes
from idp.protocol.grants.decoupled.matching import choices
from keys import Sealer

SEALER = Sealer(master_key=secrets.token_bytes(32), former_master_keys=())


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_code_or_none(typed: str) -> None:
    found = user_codes.read_typed(typed)
    assert found is None or user_codes.read_typed(found) == found


@pytest.mark.parametrize("typed", ["", "BCDF-GHJ", "BCDF-GHJKL", "BCDF-GHJA", "BCDF GHJ1", "БCDF-GHJK"])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert user_codes.read_typed(typed) is None


@given(st.text("BCDFGHJKLMNPQRSTVWXZ", min_size=8, max_size=8), st.text(min_size=1, max_size=24))
def test_three_codes_look_alike_and_one_of_them_is_shown(letters: str, transaction: str) -> None:
    code = f"{letters[:4]}-{letters[4:]}"
    offered = choices(shown=code, transaction_id=transaction, sealer=SEALER)
    assert len(set(offered)) == 3
    assert code in offered
    assert all(user_codes.read_typed(one) == one for one in offered)
    assert offered == choices(shown=code, transaction_id=transaction, sealer=SEALER)


def test_where_the_right_one_stands_says_nothing() -> None:
    places = [
        choices(shown="BCDF-GHJK", transaction_id=secrets.token_hex(8), sealer=SEALER).index("BCDF-GHJK")
        for _ in range(300)
    ]
    assert all(50 < places.count(place) < 150 for place in range(3))


@pytest.mark.parametrize("shown", [None, "", "Hồ sơ 12", "hello", "HELLO", "4", "1234567890", "12 34"])
def test_what_is_no_code_is_not_picked_from(shown: str | None) -> None:
    assert choices(shown=shown, transaction_id="t", sealer=SEALER) == ()
