"""Activation: number and code, what the register says, the first passkey, a second one offered."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from flask import jsonify, redirect, request

from idp import limits
from idp.audit.events import ActivationRefused
from idp.citizens.activation import parse_code
from idp.citizens.enrolment import Activation, new_user_handle
from idp.citizens.fingerprints import code_hash, number_hash
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import PersonalNumber
from idp.citizens.register import expect_found
from idp.ephemeral import Drop, Read, Write
from idp.errors import CodeRefused, LoginError, RegisterAnswer, RegistrationRefused, TooManyAttempts, TransactionLost
from idp.login.passkey import evidence_of
from idp.metrics import ACTIVATIONS
from idp.pages import _flow, _visit, ceremony
from idp.pages._portal import portal_view
from idp.pages._words import current_language, page
from idp.pages._words import gettext as _
from idp.pages.login import read_json

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

    from idp.login.transaction import Transaction

WAITING = "activation"

log = structlog.get_logger("sen.pages")


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
    register says; 5. what was proved waits, sealed, at this transaction for the passkey.
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
        minutes = -(-refused.wait_seconds // 60)
        text = _("Có quá nhiều lần thử. Hãy đợi %(minutes)s phút rồi thử lại.")
        errors["code"] = text % {"minutes": minutes}
        return _start(transaction, errors=errors, number=number.digits, status=429)
    except RegisterAnswer as answer:
        return _register_page(transaction, answer)
    return redirect(f"/activate/passkey?tx={transaction.id}", 303)


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
        expect_found(answer=answer, name=services.people.register.name)
    except RegisterAnswer as refused:
        reason = f"register: {refused.answer} {refused.detail}".strip()
        services.audit.append(ActivationRefused(actor="anyone", object=found.id, reason=reason))
        raise
    proved = {
        "number": number.digits,
        "code": b64encode(hashed_code).decode(),
        "person": b64encode(found.person_hash).decode(),
    }
    sealed = sealer.seal(purpose=WAITING, plaintext=orjson.dumps(proved), context=transaction.id.encode())
    services.provider.ephemeral.wave(Write(_key(transaction), sealed, settings.sessions.idle_seconds))  # 5


def _register_page(transaction: Transaction, answer: RegisterAnswer) -> ResponseReturnValue:
    name = _visit.services().people.register.name
    return page(
        "activate/register.html",
        status=503 if answer.answer == "unavailable" else 409,
        portal=portal_view(_flow.client_of(transaction)),
        answer=answer.answer,
        register=name.vi if current_language() == "vi" else name.en,
        tx=transaction.id,
        again_url=f"/activate?tx={transaction.id}",
    )


def _key(transaction: Transaction) -> str:
    return f"{WAITING}:{transaction.id}"


def _proved(transaction: Transaction) -> dict[str, Any]:
    """Return what was proved in this transaction.

    Raises:
        TransactionLost: nothing, or too long ago.
    """
    provider = _visit.services().provider
    (sealed,) = provider.ephemeral.wave(Read(_key(transaction)))
    if sealed is None:
        raise TransactionLost("Number and code were proved too long ago.")
    plain = provider.sealer.unseal(purpose=WAITING, sealed=sealed, context=transaction.id.encode())
    proved: dict[str, Any] = orjson.loads(plain)
    return proved


def passkey() -> ResponseReturnValue:
    """GET /activate/passkey: make the first passkey; who comes back to it once it is made goes on."""
    transaction = _visit.transaction(request.args.get("tx"))
    try:
        _proved(transaction)
    except TransactionLost:
        if _visit.held() is None:
            raise
        return redirect(f"/activate/second?tx={transaction.id}", 303)
    return page(
        "activate/passkey.html",
        portal=portal_view(_flow.client_of(transaction)),
        tx=transaction.id,
        options_url="/activate/passkey/options",
        verify_url="/activate/passkey/verify",
        suggested_name=suggested_name(),
    )


def suggested_name() -> str:
    """Return a name for a new passkey in plain words, from what the browser says it runs on."""
    agent = request.headers.get("User-Agent", "")
    known = (
        ("iPhone", _("Điện thoại iPhone")),
        ("iPad", _("Máy tính bảng iPad")),
        ("Android", _("Điện thoại Android")),
        ("Mac OS", _("Máy tính Mac")),
        ("Windows", _("Máy tính Windows")),
        ("Linux", _("Máy tính Linux")),
    )
    return next((name for mark, name in known if mark in agent), _("Thiết bị của tôi"))


def passkey_options() -> ResponseReturnValue:
    """POST /activate/passkey/options: a challenge for a new passkey of whoever proved number and code."""
    body = read_json()
    transaction = _visit.transaction(body.get("tx"))
    services = _visit.services()
    number = PersonalNumber.parse(_proved(transaction)["number"])
    hashed = number_hash(sealer=services.provider.sealer, number=number)
    citizen = services.people.citizens.by_number_hash(number_hash=hashed)
    held = services.people.passkeys.of_citizen(citizen_id=citizen.id) if citizen else ()
    options = ceremony.begin(
        key=transaction.id,
        user_handle=citizen.user_handle if citizen else new_user_handle(),
        display_name=number.masked(),
        exclude=held,
        address=request.remote_addr or "",
    )
    return jsonify(options)


def passkey_verify() -> ResponseReturnValue:
    """POST /activate/passkey/verify: the account opens with the passkey, or nothing happens at all."""
    body = read_json()
    transaction = _visit.transaction(body.get("tx"))
    services = _visit.services()
    try:
        proved = _proved(transaction)
        name = ceremony.clean_name(str(body.get("name") or "")) or suggested_name()
        made = ceremony.finish(key=transaction.id, unverified_response=orjson.dumps(body.get("credential")), name=name)
        number = PersonalNumber.parse(proved["number"])
        answer = services.people.register.look_up(number=number, expected_person_hash=b64decode(proved["person"]))
        activation = Activation(
            number=number,
            code_hash=b64decode(proved["code"]),
            person=expect_found(answer=answer, name=services.people.register.name),
            passkey=made,
            session=services.journey.new_session(method="passkey", evidence=evidence_of(made), former=_visit.held()),
        )
        activated = services.people.citizens.activate(activation=activation)
    except (RegistrationRefused, CodeRefused, RegisterAnswer, TransactionLost) as refused:
        services.metrics.count(ACTIVATIONS, "refused")
        services.audit.append(ActivationRefused(actor="anyone", reason=refused.reason))
        log.info("refused", reason=refused.reason, detail=refused.detail)
        return jsonify(message=_refusal(refused)), 400
    services.metrics.count(ACTIVATIONS, "succeeded")
    hashed = number_hash(sealer=services.provider.sealer, number=number)
    services.provider.ephemeral.wave(Drop(_key(transaction)), limits.forget("activation", account=hashed.hex()))
    _visit.hold(services.journey.open(activated.session, former=_visit.held()))
    return jsonify(next=f"/activate/second?tx={transaction.id}")


def _refusal(refused: LoginError) -> str:
    if isinstance(refused, RegistrationRefused):
        return _("Chưa tạo được khóa truy cập. Hãy thử lại, hoặc dùng thiết bị khác.")
    return _("Bước trước đã hết hiệu lực. Hãy nhập lại số định danh và mã kích hoạt.")


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
