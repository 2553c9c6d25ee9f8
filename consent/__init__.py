"""What a citizen agreed to, provable years later. Knows nothing of the identity provider around it.

A login asks `Ledger.newest`, then `decide`. Where the decision has a reason, one page is shown and its `fingerprint`
kept with the login; `check_shown` and `answer` take what comes back, and `Ledger.give` records it.
"""

from consent.errors import ConsentError, NotOffered, NotThere, Outdated, Refused, ShownDiffers
from consent.ledger import Circumstances, Ledger
from consent.policy import ONE_MATTER, Asked, Decision, Demand, Reason, answer, decide
from consent.receipt import Names, Receipt, readable, receipt, receipt_claims
from consent.record import LONGEST, Basis, By, Consent, ConsentItem, Standing, State, Withdrawal, Wording
from consent.shown import check_shown, fingerprint
from consent.store import ConsentStore

__all__ = [
    "LONGEST",
    "ONE_MATTER",
    "Asked",
    "Basis",
    "By",
    "Circumstances",
    "Consent",
    "ConsentError",
    "ConsentItem",
    "ConsentStore",
    "Decision",
    "Demand",
    "Ledger",
    "Names",
    "NotOffered",
    "NotThere",
    "Outdated",
    "Reason",
    "Receipt",
    "Refused",
    "ShownDiffers",
    "Standing",
    "State",
    "Withdrawal",
    "Wording",
    "answer",
    "check_shown",
    "decide",
    "fingerprint",
    "readable",
    "receipt",
    "receipt_claims",
]
