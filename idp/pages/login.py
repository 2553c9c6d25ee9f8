"""Logging in: the page with the passkey, the page after a typed number, and the two calls of the browser's script."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import orjson
from flask import jsonify, redirect, request

from idp import cookies
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import PersonalNumber
from idp.errors import AccessDenied, AssertionRefused
from idp.metrics import LOGINS
from idp.pages import _flow, _visit
from idp.pages._page import error_page
from idp.pages._portal import portal_view
from idp.pages._words import current_language, page
from idp.pages._words import gettext as _
from idp.protocol.interaction import least_level
from idp.protocol.request_checks import HINT_PURPOSE
from keys import SealBroken

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

    from idp.login.transaction import Transaction

TYPED = "typed number"
METHOD = "passkey"
WITHOUT_NOTICE = ("first", "consent")


def show() -> ResponseReturnValue:
    """GET /login: the passkey first, the number as the other way in."""
    unverified_id = request.args.get("tx")
    if unverified_id is None:
        return redirect(f"/login?tx={_visit.own_transaction(then='/account').id}", 303)
    transaction = _visit.transaction(unverified_id)
    return _page(transaction, errors={}, number=_hinted(transaction))


def _page(transaction: Transaction, *, errors: dict[str, str], number: str, status: int = 200) -> Response:
    client = _flow.client_of(transaction)
    return page(
        "login/passkey.html",
        status=status,
        form_targets=client.origins if client else (),
        portal=portal_view(client),
        tx=transaction.id,
        reason="timed_out" if _has_timed_out(transaction) else transaction.reason,
        **_needed_level(transaction),
        errors=errors,
        number=number,
        number_url="/login/number",
        options_url="/login/passkey/options",
        verify_url="/login/passkey/verify",
        activate_url=f"/activate?tx={transaction.id}",
        back_url="/login/back",
    )


def go_back() -> ResponseReturnValue:
    """POST /login/back: the citizen would rather not; the portal is told so (RFC 6749 section 4.1.2.1)."""
    transaction = _visit.transaction(request.form.get("tx"))
    if transaction.request is None:
        return redirect("/", 303)
    return _flow.back_with(transaction, AccessDenied("The citizen went back."))


def _has_timed_out(transaction: Transaction) -> bool:
    """Tell whether a session ended for want of use while the portal's request waited, on the consent page for one."""
    return transaction.reason in WITHOUT_NOTICE and bool(_visit.cookie(cookies.SESSION)) and _visit.held() is None


def _needed_level(transaction: Transaction) -> dict[str, str]:
    """Return the level that the portal needs and what it takes, as they stand inside a sentence."""
    asked, provider = transaction.request, _visit.services().provider
    if asked is None or transaction.reason != "level":
        return {}
    least = least_level(request=asked, purpose=provider.purposes.get(asked.purpose), provider=provider)
    language = current_language()
    words = {
        "level": provider.assurance.level_name(least, language=language),
        "needs": provider.assurance.level_description(least, language=language),
    }
    return {name: text[:1].lower() + text[1:] for name, text in words.items()}


def _hinted(transaction: Transaction) -> str:
    """Return a number that the portal pushed as a hint; anything else is nobody's business."""
    sealed = transaction.request.login_hint if transaction.request else None
    if sealed is None:
        return ""
    hint = _visit.services().provider.sealer.unseal(purpose=HINT_PURPOSE, sealed=b64decode(sealed)).decode()
    return hint if hint.isascii() and hint.isdigit() else ""


def type_number() -> ResponseReturnValue:
    """POST /login/number: the same page for every number, known or not."""
    transaction = _visit.transaction(request.form.get("tx"))
    typed = request.form.get("number", "")
    try:
        number = PersonalNumber.parse(typed)
    except Malformed:
        errors = {"number": _("Số định danh cá nhân có 12 chữ số.")}
        return _page(transaction, errors=errors, number=typed[:20], status=400)
    sealed = _visit.services().provider.sealer.seal(
        purpose=TYPED, plaintext=number.digits.encode(), context=transaction.id.encode()
    )
    client = _flow.client_of(transaction)
    return page(
        "login/number.html",
        form_targets=client.origins if client else (),
        portal=portal_view(client),
        tx=transaction.id,
        masked_number=number.masked(),
        sealed_number=urlsafe_b64encode(sealed).decode(),
        options_url="/login/passkey/options",
        verify_url="/login/passkey/verify",
        other_number_url=f"/login?tx={transaction.id}",
        back_url="/login/back",
        activate_url=f"/activate?tx={transaction.id}",
    )


def passkey_options() -> ResponseReturnValue:
    """POST /login/passkey/options: a challenge for this transaction, the same shape for every number."""
    body = read_json()
    transaction = _visit.transaction(body.get("tx"))
    options = _visit.services().journey.challenge(
        method=METHOD,
        transaction=transaction,
        number=_unsealed(body.get("sealed_number"), transaction),
        address=request.remote_addr or "",
    )
    return jsonify(options)


def _unsealed(text: object, transaction: Transaction) -> PersonalNumber | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        plain = _visit.services().provider.sealer.unseal(
            purpose=TYPED, sealed=urlsafe_b64decode(text), context=transaction.id.encode()
        )
    except (SealBroken, ValueError):
        return None
    return PersonalNumber.parse(plain.decode())


def passkey_verify() -> ResponseReturnValue:
    """POST /login/passkey/verify: the assertion; one answer for every reason of refusal."""
    body = read_json()
    transaction = _visit.transaction(body.get("tx"))
    services = _visit.services()
    try:
        token = services.journey.finish(
            method=METHOD,
            transaction=transaction,
            unverified_response=orjson.dumps(body.get("credential")),
            address=request.remote_addr or "",
            former=_visit.held(),
        )
    except AssertionRefused as refused:  # answered here: what its `detail` quotes of a stranger is not for the log
        services.metrics.count(LOGINS, METHOD, "refused")
        return error_page(status=refused.status, reason=refused.reason)
    services.metrics.count(LOGINS, METHOD, "succeeded")
    _visit.hold(token)
    return jsonify(next=f"/continue?tx={transaction.id}")


def go_on() -> ResponseReturnValue:
    """GET /continue: whatever comes next."""
    return _flow.go_on(_visit.transaction(request.args.get("tx")))


def read_json() -> dict[str, Any]:
    """Return the object that a script of ours posted; anything else counts as empty."""
    try:
        body = orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
