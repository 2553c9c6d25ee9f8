"""What waits, sealed, between number and code and the first passkey: what was proved, or the answer that it got."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import structlog

from idp.audit.events import ActivationRefused
from idp.ephemeral import Read, Write
from idp.errors import AccountRefused, RegisterAnswer, TransactionLost
from idp.metrics import ACTIVATIONS
from idp.pages import _visit

if TYPE_CHECKING:
    from idp.errors import LoginError
    from idp.login.transaction import Transaction

WAITING = "activation"

log = structlog.get_logger("sen.pages")


def key(transaction: Transaction) -> str:
    """Return where it waits."""
    return f"{WAITING}:{transaction.id}"


def keep(transaction: Transaction, waiting: dict[str, str]) -> None:
    """Seal it and let it wait, in place of what waited before."""
    provider = _visit.services().provider
    sealed = provider.sealer.seal(purpose=WAITING, plaintext=orjson.dumps(waiting), context=transaction.id.encode())
    provider.ephemeral.wave(Write(key(transaction), sealed, provider.settings.sessions.idle_seconds))


def kept(transaction: Transaction) -> dict[str, str]:
    """Return what waits at this transaction: what was proved, or the answer that it got.

    Raises:
        TransactionLost: nothing, or too long ago.
    """
    provider = _visit.services().provider
    (sealed,) = provider.ephemeral.wave(Read(key(transaction)))
    if sealed is None:
        raise TransactionLost("Number and code were proved too long ago.")
    plain = provider.sealer.unseal(purpose=WAITING, sealed=sealed, context=transaction.id.encode())
    waiting: dict[str, str] = orjson.loads(plain)
    return waiting


def proved(transaction: Transaction) -> dict[str, str]:
    """Return what was proved in this transaction.

    Raises:
        TransactionLost: nothing that leads on, or too long ago.
    """
    waiting = kept(transaction)
    if "answer" in waiting:
        raise TransactionLost("What was proved does not lead on.")
    return waiting


def tell_next(transaction: Transaction, refused: RegisterAnswer | AccountRefused, *, code_id: str) -> None:
    """Let the next step tell a person who proved a good code which answer it was, in place of going on."""
    note(refused, code_id=code_id)
    keep(transaction, {"of": refused.reason, "answer": refused.answer})


def note(refused: LoginError, *, code_id: str | None = None) -> None:
    """Count a refusal, and write down which answer it was."""
    services, reason = _visit.services(), refused.reason
    if isinstance(refused, (RegisterAnswer, AccountRefused)):
        reason = f"{reason}: {refused.answer} {refused.detail}".strip()
    services.metrics.count(ACTIVATIONS, "refused")
    services.audit.append(ActivationRefused(actor="anyone", object=code_id, reason=reason))
    log.info("refused", reason=reason, detail=refused.detail)


def next_step(transaction: Transaction) -> str:
    """Return the page that goes on with what waits, or tells the answer."""
    return f"/activate/passkey?tx={transaction.id}"
