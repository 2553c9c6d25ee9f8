"""The page before an answer to another device: who asks, for what, and whether that device is the citizen's own.

And the page after it. Each kind of such a request has both, below the address that `_flow.ELSEWHERE` names. Nothing is
approved without the first, whoever is logged in and whatever was agreed to before; one who logs in as somebody else on
the way is asked anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask import redirect, request

from idp import clock
from idp.errors import InvalidRequestUri, ProtocolError
from idp.pages import _flow, _visit
from idp.pages._portal import portal_view
from idp.pages._words import current_language, page
from idp.pages.consent_page.items import detail_views, item_name
from idp.protocol.grants.decoupled import matching, waiting
from idp.protocol.grants.decoupled.decisions import GONE, NOT_ME
from idp.protocol.interaction import OFFLINE, NeedsLogin, demand_of
from idp.relying_parties.authorization_details import ITEM_PREFIX

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from idp.login.transaction import Transaction
    from idp.pages._flow import Situation
    from idp.protocol.grants.decoupled.waiting import Waiting
    from idp.sessions import Held

WRONG_CODE = "another code was picked"
CITIZEN = "the citizen did not agree"


@dataclass(frozen=True, slots=True)
class Question:
    """A request that waits for this citizen's word, and the codes to pick from."""

    now: Situation
    held: Held
    found: Waiting
    choices: tuple[str, ...]


def begin(found: Waiting) -> ResponseReturnValue:
    """Let a request that waits elsewhere wait at this browser, and go to what it needs first."""
    services, visitor = _visit.services(), _visit.held()
    transaction = services.transactions.begin(
        request=replace(found.request, waiting=found.name, arrived_at=clock.epoch_seconds()),
        browser=_visit.browser(),
        reason="first",
        arrived_with=visitor.session.id if visitor else None,
    )
    try:
        now = _flow.situation(transaction)
    except ProtocolError as error:
        return _flow.back_with(transaction, error)
    if now is not None and isinstance(now.need, NeedsLogin) and now.need.reason != transaction.reason:
        transaction = services.transactions.change(transaction, reason=now.need.reason)
    return _flow.go_on(transaction)


def show() -> ResponseReturnValue:
    """GET /device/confirm and /approvals/confirm: ask, if there is something to ask; looking answers nothing."""
    transaction = _visit.transaction(request.args.get("tx"))
    question = _question(transaction)
    if not isinstance(question, Question):
        return question
    now, provider = question.now, _visit.services().provider
    purpose, language = provider.purposes.get(now.request.purpose), current_language()
    demand = demand_of(request=now.request, purpose=purpose)
    return page(
        _template(),
        form_targets=now.client.origins,
        portal=portal_view(now.client),
        tx=transaction.id,
        choices=question.choices,
        message=question.found.shown,
        purpose_name=purpose.name[language],
        purpose_text=purpose.purpose[language],
        item_names=[item_name(item.claim) for item in demand.items if _is_data(item.claim)],
        details=detail_views(now.request),
        confirm_url=request.path,
        blocked_hours=provider.settings.ciba.blocked_hours,
    )


def _template() -> str:
    """Return the template of this page, which lies where the page does."""
    return f"{request.path.strip('/')}.html"


def _is_data(item: str) -> bool:
    return item != OFFLINE and not item.startswith(ITEM_PREFIX)


def take() -> ResponseReturnValue:
    """POST /device/confirm and /approvals/confirm: the code that the other screen shows, yes, no, or "not me".

    1. everything is looked at again, for this moment; 2. whoever did not begin this, or picks another code than the
    one that the other device shows, has refused, and the other device hears so; 3. the word counts for this citizen.

    Source: RFC 8628 sections 5.4 and 6.1, OpenID Connect CIBA Core section 13.
    """
    transaction = _visit.transaction(request.form.get("tx"))
    question = _question(transaction)  # 1
    if not isinstance(question, Question):
        return question
    said = request.form.get("answer", "")
    if said in {"not-me", "refuse"}:  # 2
        return _flow.refuse_elsewhere(transaction, reason=NOT_ME if said == "not-me" else CITIZEN)
    code = request.form.get("code")
    if question.choices and code is not None and code != question.found.shown:
        return _flow.refuse_elsewhere(transaction, reason=WRONG_CODE)
    if code is None if question.choices else said != "confirm":
        return redirect(f"{request.path}?tx={transaction.id}", 303)
    confirmed = replace(question.now.request, confirmed_by=question.held.session.citizen_id)  # 3
    return _flow.go_on(_visit.services().transactions.change(transaction, request=confirmed))


def done() -> ResponseReturnValue:
    """GET /device/done and /approvals/done: back to the other device."""
    return page(_template(), answer=request.args.get("answer", ""))


def _question(transaction: Transaction) -> Question | ResponseReturnValue:
    """Return what is to be asked, or where the visitor has to go instead.

    Raises:
        InvalidRequestUri: it was answered before, or it is too late.
    """
    try:
        now = _flow.situation(transaction)
    except ProtocolError as error:
        return _flow.back_with(transaction, error)
    if now is None or now.held is None or now.request.waiting is None or isinstance(now.need, NeedsLogin):
        return _flow.go_on(transaction)
    if now.request.confirmed_by == now.held.session.citizen_id:
        return _flow.go_on(transaction)
    provider = _visit.services().provider
    found = waiting.find(name=now.request.waiting, ephemeral=provider.ephemeral)
    if found is None:
        raise InvalidRequestUri(GONE)
    choices = matching.choices(shown=found.shown, transaction_id=transaction.id, sealer=provider.sealer)
    return Question(now, now.held, found, choices)
