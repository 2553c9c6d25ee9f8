"""The bond between a page that was shown and the answer that comes back (CO-02)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import orjson

from consent.errors import ShownDiffers

if TYPE_CHECKING:
    from consent.policy import Decision
    from consent.record import Wording


def fingerprint(*, transaction_id: str, subject: str, decision: Decision, wording: Wording) -> str:
    """Hash everything that the citizen saw and in which login (64 hexadecimal digits).

    Whoever shows the page keeps the fingerprint with the login transaction; whoever takes the answer computes it
    again from the state of that moment and compares, so nothing that a browser sends back can change what is agreed.
    """
    demand = decision.demand
    content = {
        "transaction": transaction_id,
        "subject": subject,
        "recipient": demand.recipient,
        "purpose": [demand.purpose, demand.purpose_version],
        "reason": decision.reason,
        "new": [[i.claim, i.required, i.basis, i.legal_basis, i.held] for i in decision.new_items],
        "known": [[i.claim, i.required, i.basis, i.legal_basis] for i in decision.known_items],
        "lifetime": demand.lifetime.total_seconds(),
        "builds_on": decision.standing.consent.id if decision.standing else None,
        "wording": wording.sha256,
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def check_shown(*, expected_fingerprint: str, unverified_fingerprint: str) -> None:
    """Compare what was shown with what is answered, in constant time.

    Raises:
        ShownDiffers: they are not the same page.
    """
    if not hmac.compare_digest(expected_fingerprint.encode(), unverified_fingerprint.encode()):
        raise ShownDiffers("the answer belongs to another page")
