"""The citizen's own page: who I am here, who has my data, where I am logged in, what has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, jsonify, redirect, request

from consent import NotThere, readable
from consent import receipt as receipt_of
from idp import clock
from idp.errors import NotKnown
from idp.pages import _visit
from idp.pages._guard import own_page
from idp.pages._words import current_language, page
from idp.pages.account_view import activity_lines, news_lines, past_views, receipt_names, service_views, session_views
from idp.pages.decoupled.approvals import STATE, approval_view
from idp.protocol.claims import account_level_text
from keys import sign_jwt

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from consent import Standing
    from idp.sessions import Held

HISTORY = 100
ENDED_BY_CITIZEN = "ended by the citizen"
RECEIPT_TYP = "consent-receipt+jwt"
"""Keeps a receipt from being taken for any of our tokens (RFC 8725 section 3.11)."""


@own_page
def index(held: Held) -> ResponseReturnValue:
    """GET /account."""
    services = _visit.services()
    citizen = services.people.citizens.by_id(citizen_id=held.session.citizen_id)
    if citizen is None:
        raise NotKnown("No such citizen.")
    assurance, language = services.provider.assurance, current_language()
    return page(
        "account/index.html",
        name=citizen.person.full_name,
        level=assurance.level_name(held.session.level, language=language),
        account_level=assurance.account_level_name(account_level_text(citizen.account_level), language=language),
        passkey_count=len(services.people.passkeys.of_citizen(citizen_id=citizen.id)),
        approval=approval_view(held),
        state_url=STATE,
        news=news_lines(services.audit.of_citizen(citizen_id=citizen.id, limit=HISTORY)),
    )


@own_page
def services_page(held: Held) -> ResponseReturnValue:
    """GET /account/services: who has my data, and who had it."""
    now, subject = clock.now(), held.session.citizen_id
    newest = _visit.services().consents.read(lambda ledger: ledger.all_newest(subject=subject))
    return page(
        "account/services.html",
        services=service_views([each.consent for each in newest if each.state(at=now) == "in_force"]),
        past=past_views([each for each in newest if each.state(at=now) != "in_force"]),
        withdraw_url="/account/withdraw",
        receipt_url="/account/receipt",
    )


@own_page
def receipt(held: Held) -> ResponseReturnValue:
    """GET /account/receipt: what I agreed to, to read and to print."""
    try:
        standing = _asked_standing(held)
    except NotThere:
        return redirect("/account/services", 303)
    wording = standing.consent.wording
    text = readable(standing=standing, names=receipt_names(standing)).removesuffix(wording.text)
    title, text = text.split("\n\n", 1)
    return page(
        "account/receipt.html",
        title=title,
        text=text,
        wording=wording,
        file_url=f"/account/receipt/file?consent={standing.consent.id}",
        back_url="/account/services",
    )


@own_page
def receipt_file(held: Held) -> ResponseReturnValue:
    """GET /account/receipt/file: the same with our signature, to keep."""
    try:
        standing = _asked_standing(held)
    except NotThere:
        return redirect("/account/services", 303)
    provider = _visit.services().provider
    key = provider.ring.signing_key("ES256", now=clock.now())
    made = receipt_of(
        standing=standing,
        issuer=provider.issuer,
        names=receipt_names(standing),
        sign=lambda claims: sign_jwt(claims=claims, key=key, typ=RECEIPT_TYP),
    )
    name = f"sen-{standing.consent.given_at:%Y%m%d}-{standing.consent.id[-6:]}.txt"
    return Response(
        made.document, mimetype="text/plain", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _asked_standing(held: Held) -> Standing:
    """Return the consent that the query names. Raise NotThere where this citizen has none of that id."""
    consent_id, subject = request.args.get("consent", ""), held.session.citizen_id
    return _visit.services().consents.read(lambda ledger: ledger.standing(consent_id=consent_id, subject=subject))


@own_page
def withdraw_page(held: Held) -> ResponseReturnValue:
    """GET /account/withdraw: what withdrawing means, before it is done."""
    consent_id = request.args.get("consent", "")
    subject = held.session.citizen_id
    current = _visit.services().consents.read(lambda ledger: ledger.all_current(subject=subject, now=clock.now()))
    found = next((view for view in service_views(current) if view.id == consent_id), None)
    if found is None:
        return redirect("/account/services", 303)
    return page("account/withdraw.html", service=found, withdraw_url="/account/withdraw", back_url="/account/services")


@own_page
def withdraw(held: Held) -> ResponseReturnValue:
    """POST /account/withdraw: from this moment no token that rests on it works."""
    try:
        _visit.services().consents.change(
            lambda ledger: ledger.withdraw(
                consent_id=request.form.get("consent", ""),
                subject=held.session.citizen_id,
                by="citizen",
                reason="withdrawn on the account page",
                now=clock.now(),
            )
        )
    except NotThere:
        return redirect("/account/services", 303)
    return redirect("/account/services?done=withdrawn", 303)


@own_page
def sessions_page(held: Held) -> ResponseReturnValue:
    """GET /account/sessions: where I am logged in."""
    return page("account/sessions.html", sessions=session_views(held), end_url="/account/sessions/end")


@own_page
def end_session(held: Held) -> ResponseReturnValue:
    """POST /account/sessions/end: one of my sessions, or all others."""
    services = _visit.services()
    actor = f"citizen:{held.session.citizen_id}"
    chosen = request.form.get("session", "")
    if chosen == "others":
        services.people.sessions.end_others(
            citizen_id=held.session.citizen_id,
            kept_session_id=held.session.id,
            reason=ENDED_BY_CITIZEN,
            actor=actor,
        )
    elif any(view.id == chosen for view in session_views(held)):
        services.people.sessions.end(session_id=chosen, reason=ENDED_BY_CITIZEN, actor=actor)
    else:  # it is over already: the list says what there is
        return redirect("/account/sessions", 303)
    return redirect("/account/sessions?done=ended", 303)


@own_page
def activity(held: Held) -> ResponseReturnValue:
    """GET /account/activity: what has happened, newest first."""
    records = _visit.services().audit.of_citizen(citizen_id=held.session.citizen_id, limit=HISTORY)
    return page("account/activity.html", days=activity_lines(records), most=HISTORY)


def stay() -> ResponseReturnValue:
    """POST /session/stay: the visit itself keeps the session awake."""
    held = _visit.held()
    if held is None:
        return jsonify(stays=False), 401
    if request.is_json:
        return jsonify(stays=True)
    return redirect("/account", 303)
