"""Whether a code leads anywhere: asked before it is issued, and before a device makes a passkey in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.citizens.enrolment import REFUSED, expect_way_back
from idp.errors import AccountRefused

if TYPE_CHECKING:
    from idp.citizens.citizen import Person
    from idp.citizens.store import CitizenStore


def expect_way_in(*, number_hash: bytes, account_level: int, person: Person, store: CitizenStore) -> None:
    """Check that a code of this level leads who the register names now into a new account, or back into theirs.

    Raises:
        AccountRefused: it does not; see there.
        TemporarilyUnavailable: the database is away.
    """
    existing = store.by_number_hash(number_hash=number_hash)
    if existing is not None:
        expect_way_back(existing=existing, account_level=account_level, person=person)
    elif store.is_former(number_hash=number_hash):
        raise AccountRefused(REFUSED, answer="number", detail="the number is no longer valid")
