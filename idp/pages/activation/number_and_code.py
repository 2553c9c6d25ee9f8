"""Activation, step 1: number and code, and what the register and the account say to it."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from flask import redirect, request

from idp import limits
from idp.audit.events import ActivationRefused
from idp.citizens.activation import parse_code
from idp.citizens.fingerprints import code_hash, number_hash
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import PersonalNumber
from idp.citizens.register import expect_found
from idp.citizens.way_in import expect_way_in
from idp.errors import AccountRefused, CodeRefused, RegisterAnswer, TooManyAttempts
from idp.metrics import ACTIVATIONS
from idp.pages import _flow, _visit
from idp.pages._portal import portal_view
from idp.pages._words import gettext as _
from idp.pages._words import page
from idp.pages.activation import waiting

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

    from idp.login.transaction import Transaction


def show() -> ResponseReturnValue:
    """GET /activate: number and code."""
    unverified_id = request.args.get("tx")
    if unverified_id is None:
        return redirect(f"/activate?tx={_visit.own_transaction(then='/account').id}", 303)
    return _start(_visit.transaction(unverified_id), errors={}, number="")


def _start(transaction: Transaction, *, errors: dict[str, str], number: str, status: int = 200) -> Response:
    return page(
        "activate/start.html",
        status=status,
        portal=portal_view(_flow.client_of(transaction)),
        tx=transaction.id,
        errors=errors,
        number=number,
        activate_url="/activate",
        login_url=f"/login?tx={transaction.id}",
    )


def start() -> ResponseReturnValue:
    """POST /activate: one answer for a number that is unknown and a code that does not fit.

    1. both have their form; 2. the attempt is counted; 3. the code is good for this number; 4. only then, what the
    register says; 5. the account that there may be already opens with such a code; 6. what was proved, or the answer
    that it got, waits, sealed, at this transaction for the next step.
    """
    transaction = _visit.transaction(request.form.get("tx"))
    typed = request.form.get("number", "")
    errors: dict[str, str] = {}
    number, code = None, None
    try:
        number = PersonalNumber.parse(typed)
    except Malformed:
        errors["number"] = _("Số định danh cá nhân có 12 chữ số.")
    try:
        code = parse_code(request.form.get("code", ""))
    except Malformed:
        errors["code"] = _("Mã kích hoạt có 14 ký tự, ví dụ BCFG-2345-HJKM-67.")
    if number is None or code is None:  # 1
        return _start(transaction, errors=errors, number=typed[:20], status=400)
    try:
        _prove(transaction, number=number, code=code)
    except CodeRefused:
        _visit.services().metrics.count(ACTIVATIONS, "refused")
        errors["code"] = _("Số định danh và mã kích hoạt chưa khớp, hoặc mã đã hết hiệu lực.")
        return _start(transaction, errors=errors, number=number.digits, status=400)
    except TooManyAttempts as refused:
        text = _(
            "Có quá nhiều lần thử. Hãy đợi %(minutes)s phút rồi thử lại. "
            "Tài khoản không bị khóa: ai đã có khóa truy cập vẫn đăng nhập được."
        )
        errors["code"] = text % {"minutes": refused.wait_minutes}
        answer = _start(transaction, errors=errors, number=number.digits, status=refused.status)
        answer.headers["Retry-After"] = str(refused.wait_seconds)
        return answer
    return redirect(waiting.next_step(transaction), 303)


def _prove(transaction: Transaction, *, number: PersonalNumber, code: str) -> None:
    services = _visit.services()
    sealer, settings = services.provider.sealer, services.provider.settings
    hashed = number_hash(sealer=sealer, number=number)
    counts = limits.steps(
        "activation", settings=settings.limits, address=request.remote_addr or "", account=hashed.hex()
    )
    limits.check("activation", services.provider.ephemeral.wave(*counts), settings=settings.limits)  # 2
    hashed_code = code_hash(sealer=sealer, code=code)
    found = services.people.codes.find(code_hash=hashed_code, number_hash=hashed)  # 3
    if found is None:
        services.audit.append(ActivationRefused(actor="anyone", reason="number and code"))
        raise CodeRefused("Number and code do not fit.")
    answer = services.people.register.look_up(number=number, expected_person_hash=found.person_hash)  # 4
    try:
        person = expect_found(answer=answer, name=services.people.register.name)
        expect_way_in(  # 5
            number_hash=hashed, account_level=found.account_level, person=person, store=services.people.citizens
        )
    except (RegisterAnswer, AccountRefused) as refused:
        waiting.tell_next(transaction, refused, code_id=found.id)
        return
    proved = {
        "number": number.digits,
        "code": b64encode(hashed_code).decode(),
        "code_id": found.id,
        "person": b64encode(found.person_hash).decode(),
    }
    waiting.keep(transaction, proved)  # 6
