"""Activation, steps 2 and 3: the first passkey, or the answer that there can be none; a second passkey is offered."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import orjson
from flask import jsonify, redirect, request

from idp import limits
from idp.citizens.enrolment import Activation, new_user_handle
from idp.citizens.fingerprints import number_hash
from idp.citizens.national_id import PersonalNumber
from idp.citizens.register import expect_found
from idp.ephemeral import Drop
from idp.errors import AccountRefused, CodeRefused, RegisterAnswer, RegistrationRefused, TransactionLost
from idp.login.passkey import evidence_of
from idp.metrics import ACTIVATIONS
from idp.pages import _flow, _visit, ceremony
from idp.pages._page import error_page
from idp.pages._portal import portal_view
from idp.pages._words import current_language, page
from idp.pages._words import gettext as _
from idp.pages.activation import waiting
from idp.pages.login import read_json

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from idp.citizens.credentials import NewPasskey
    from idp.citizens.enrolment import Activated
    from idp.login.transaction import Transaction


def show() -> ResponseReturnValue:
    """GET /activate/passkey: make the first passkey, or hear why not; who comes back once it is made goes on."""
    transaction = _visit.transaction(request.args.get("tx"))
    try:
        kept = waiting.kept(transaction)
    except TransactionLost:
        if _visit.held() is None:
            raise
        return redirect(f"/activate/second?tx={transaction.id}", 303)
    if "answer" in kept:
        return _answer_page(transaction, **kept)
    return page(
        "activate/passkey.html",
        portal=portal_view(_flow.client_of(transaction)),
        tx=transaction.id,
        options_url="/activate/passkey/options",
        verify_url="/activate/passkey/verify",
        suggested_name=ceremony.suggested_name(),
    )


def _answer_page(transaction: Transaction, *, of: str, answer: str) -> ResponseReturnValue:
    name = _visit.services().people.register.name
    return page(
        "activate/register.html" if of == RegisterAnswer.reason else "activate/account.html",
        status=503 if answer == "unavailable" else 409,
        portal=portal_view(_flow.client_of(transaction)),
        answer=answer,
        register=name.vi if current_language() == "vi" else name.en,
        again_url=f"/activate?tx={transaction.id}",
        login_url=f"/login?tx={transaction.id}",
    )


def options() -> ResponseReturnValue:
    """POST /activate/passkey/options: a challenge for a new passkey of whoever proved number and code."""
    body = read_json()
    transaction = _visit.transaction(body.get("tx"))
    services = _visit.services()
    number = PersonalNumber.parse(waiting.proved(transaction)["number"])
    hashed = number_hash(sealer=services.provider.sealer, number=number)
    citizen = services.people.citizens.by_number_hash(number_hash=hashed)
    held = services.people.passkeys.of_citizen(citizen_id=citizen.id) if citizen else ()
    asked = ceremony.begin(
        key=transaction.id,
        user_handle=citizen.user_handle if citizen else new_user_handle(),
        display_name=number.masked(),
        exclude=held,
        address=request.remote_addr or "",
    )
    return jsonify(asked)


def verify() -> ResponseReturnValue:
    """POST /activate/passkey/verify: the account opens with the passkey, or nothing happens at all."""
    body = read_json()
    transaction = _visit.transaction(body.get("tx"))
    services = _visit.services()
    try:
        proved = waiting.proved(transaction)
        name = ceremony.clean_name(str(body.get("name") or "")) or ceremony.suggested_name()
        made = ceremony.finish(key=transaction.id, unverified_response=orjson.dumps(body.get("credential")), name=name)
        number = PersonalNumber.parse(proved["number"])
        activated = _activate(number, proved=proved, made=made)
    except (RegisterAnswer, AccountRefused) as refused:
        waiting.tell_next(transaction, refused, code_id=proved["code_id"])
        return jsonify(next=waiting.next_step(transaction)), 400
    except (RegistrationRefused, CodeRefused, TransactionLost) as refused:
        waiting.note(refused)
        reason = refused.reason if isinstance(refused, RegistrationRefused) else CodeRefused.reason
        return error_page(status=refused.status, reason=reason)
    services.metrics.count(ACTIVATIONS, "succeeded")
    hashed = number_hash(sealer=services.provider.sealer, number=number)
    services.provider.ephemeral.wave(Drop(waiting.key(transaction)), limits.forget("activation", account=hashed.hex()))
    _visit.hold(services.journey.open(activated.session, former=_visit.held()))
    return jsonify(next=f"/activate/second?tx={transaction.id}")


def _activate(number: PersonalNumber, *, proved: dict[str, str], made: NewPasskey) -> Activated:
    services = _visit.services()
    answer = services.people.register.look_up(number=number, expected_person_hash=b64decode(proved["person"]))
    activation = Activation(
        number=number,
        code_hash=b64decode(proved["code"]),
        person=expect_found(answer=answer, name=services.people.register.name),
        passkey=made,
        session=services.journey.new_session(method="passkey", evidence=evidence_of(made), former=_visit.held()),
    )
    return services.people.citizens.activate(activation=activation)


def second() -> ResponseReturnValue:
    """GET /activate/second: the account is open; a second passkey is offered, and may be left for later."""
    transaction = _visit.transaction(request.args.get("tx"))
    if _visit.held() is None:
        return redirect(f"/login?tx={transaction.id}", 303)
    return page(
        "activate/second.html",
        portal=portal_view(_flow.client_of(transaction)),
        tx=transaction.id,
        options_url="/account/passkeys/options",
        verify_url="/account/passkeys/verify",
        suggested_name=_("Khóa truy cập thứ hai"),
        next_url=f"/continue?tx={transaction.id}",
    )
