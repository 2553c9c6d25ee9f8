"""A login transaction: a portal's request that waits for its citizen, bound to the browser that began it."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import orjson

from idp import clock
from idp.cookies import browser_hash
from idp.ephemeral import Drop, Read, Replace, Write
from idp.errors import TransactionLost
from idp.protocol.records import AuthorizationRequest

if TYPE_CHECKING:
    from idp.ephemeral import Ephemeral

ID_BYTES = 18
LOST = "This login was begun in another browser, or too long ago."


@dataclass(frozen=True, slots=True)
class Transaction:
    """What waits. `request` is None when the citizen wants only the own account page.

    `arrived_with` is the id of the session that was there when the request came. `shown` is the fingerprint of the
    consent page that was shown last, `agreed_by` the id of the citizen who answered it: another one who logs in for
    the same request has agreed to nothing. `reason` picks the sentence of the login page. `then` is the page of ours
    that follows where there is no request. `began_at` is in seconds since 1970.
    """

    id: str
    request: AuthorizationRequest | None
    browser: str
    arrived_with: str | None = None
    reason: str = "first"
    shown: str | None = None
    agreed_by: str | None = None
    then: str = "/account"
    began_at: int = 0

    @property
    def key(self) -> str:
        """The memory's key."""
        return f"tx:{self.id}"

    def to_json(self) -> bytes:
        """Return the record as JSON."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read back what `to_json` wrote."""
        members: dict[str, Any] = orjson.loads(data)
        request = members.pop("request")
        return cls(request=None if request is None else AuthorizationRequest.from_members(request), **members)


class Transactions:
    """Begins, finds and changes transactions."""

    def __init__(self, *, ephemeral: Ephemeral, seconds: int) -> None:
        """Keep the memory and how long a request waits."""
        self._ephemeral = ephemeral
        self._seconds = seconds

    def begin(
        self,
        *,
        request: AuthorizationRequest | None,
        browser: str,
        reason: str,
        arrived_with: str | None = None,
        then: str = "/account",
    ) -> Transaction:
        """Let a request wait for the citizen at this browser."""
        transaction = Transaction(
            id=secrets.token_urlsafe(ID_BYTES),
            request=request,
            browser=browser_hash(browser),
            arrived_with=arrived_with,
            then=then,
            reason=reason,
            began_at=clock.epoch_seconds(),
        )
        self._ephemeral.wave(Write(transaction.key, transaction.to_json(), self._seconds))
        return transaction

    def find(self, *, unverified_id: str | None, browser: str | None) -> Transaction:
        """Return the transaction of this browser.

        Raises:
            TransactionLost: there is none, or another browser began it.
        """
        if not unverified_id or not browser:
            raise TransactionLost(LOST)
        (data,) = self._ephemeral.wave(Read(f"tx:{unverified_id[:64]}"))
        if data is None:
            raise TransactionLost(LOST)
        transaction = Transaction.from_json(data)
        if not hmac.compare_digest(transaction.browser, browser_hash(browser)):
            raise TransactionLost(LOST, detail="another browser")
        return transaction

    def change(self, transaction: Transaction, **changes: Any) -> Transaction:
        """Keep a change, if the transaction still waits; it waits no longer by it.

        A request that lived on by being looked at would outlive the mark that it has been answered elsewhere.

        Raises:
            TransactionLost: it was answered or forgotten meanwhile.
        """
        changed = replace(transaction, **changes)
        left = min(self._seconds, changed.began_at + self._seconds - clock.epoch_seconds())
        if left < 1 or not self._ephemeral.wave(Replace(changed.key, changed.to_json(), left))[0]:
            raise TransactionLost(LOST)
        return changed

    def end(self, transaction: Transaction) -> None:
        """Forget a transaction: it has been answered."""
        self._ephemeral.wave(Drop(transaction.key))
