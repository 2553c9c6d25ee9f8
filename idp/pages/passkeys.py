"""A citizen's passkeys: see, name, add, remove. What changes them asks for a fresh login."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson
from flask import jsonify, redirect, request

from idp import clock
from idp.audit.events import PasskeyAdded, PasskeyRenamed
from idp.errors import NotKnown
from idp.login.passkey import evidence_of
from idp.pages import _visit, ceremony
from idp.pages._guard import fresh_page, own_page, to_login
from idp.pages._words import gettext as _
from idp.pages._words import page
from idp.pages.languages import day, moment
from idp.pages.login import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from idp.citizens.credentials import NewPasskey, Passkey
    from idp.sessions import Held

REMOVED = "removed by the citizen"


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """One line of the list."""

    id: str
    name: str
    created: str
    last_used: str | None
    this_session: bool


def _view(passkey: Passkey, held: Held) -> PasskeyView:
    this_session = passkey.id == held.session.passkey_id
    used = passkey.last_used_at or (passkey.created_at if this_session else None)  # making it was using it
    return PasskeyView(
        id=passkey.id,
        name=passkey.name,
        created=day(passkey.created_at),
        last_used=moment(used) if used else None,
        this_session=this_session,
    )


def _mine(held: Held) -> list[PasskeyView]:
    found = _visit.services().people.passkeys.of_citizen(citizen_id=held.session.citizen_id)
    return [_view(passkey, held) for passkey in found]


@own_page
def show(held: Held) -> ResponseReturnValue:
    """GET /account/passkeys."""
    mine = _mine(held)
    return page(
        "account/passkeys.html",
        passkeys=mine,
        options_url="/account/passkeys/options",
        verify_url="/account/passkeys/verify",
        rename_url="/account/passkeys/rename",
        remove_url="/account/passkeys/remove",
        suggested_name=_not_yet_used(ceremony.suggested_name(), mine),
    )


def _not_yet_used(name: str, mine: Sequence[PasskeyView]) -> str:
    """Return the name, with a number behind it where the citizen has such a passkey already."""
    used = {passkey.name for passkey in mine}
    numbered = (f"{name} {count}" for count in range(2, len(used) + 2))
    return next(each for each in (name, *numbered) if each not in used)


@fresh_page
def options(held: Held) -> ResponseReturnValue:
    """POST /account/passkeys/options: a challenge for another passkey."""
    services = _visit.services()
    citizen = services.people.citizens.by_id(citizen_id=held.session.citizen_id)
    if citizen is None:
        raise NotKnown("No such citizen.")
    numbers = services.people.citizens.numbers_of(citizen_id=citizen.id)
    made = ceremony.begin(
        key=held.session.id,
        user_handle=citizen.user_handle,
        display_name=numbers[0].number.masked() if numbers else _("Tài khoản của tôi"),
        exclude=services.people.passkeys.of_citizen(citizen_id=citizen.id),
        address=request.remote_addr or "",
    )
    return jsonify(made)


@fresh_page
def verify(held: Held) -> ResponseReturnValue:
    """POST /account/passkeys/verify: keep it, with its event."""
    body = read_json()
    name = ceremony.clean_name(str(body.get("name") or "")) or ceremony.suggested_name()
    made = ceremony.finish(key=held.session.id, unverified_response=orjson.dumps(body.get("credential")), name=name)
    passkey = _no_higher(made, held).given_to(citizen_id=held.session.citizen_id, at=clock.now())
    event = PasskeyAdded(
        actor=f"citizen:{passkey.citizen_id}",
        citizen_id=passkey.citizen_id,
        object=passkey.id,
        aaguid=passkey.aaguid,
        attested=passkey.attested,
    )
    _visit.services().people.passkeys.add(passkey=passkey, event=event)
    then = body.get("tx")
    return jsonify(next=f"/continue?tx={then}" if isinstance(then, str) and then else "/account/passkeys?done=added")


def _no_higher(made: NewPasskey, held: Held) -> NewPasskey:
    """Return a new passkey as far as the login behind it can vouch for it (SECURITY.md WR-15).

    Whoever holds a level 2 passkey must not make a level 3 one out of it: it is kept as one that was never attested,
    and stays so. The way to a higher level leads over an activation code.
    """
    evidence = evidence_of(made)
    if _visit.services().provider.assurance.level_of((evidence,)) <= held.session.level:
        return made
    return replace(made, attested=False, biometric_only=False, hardware_bound=False)


@own_page
def rename(held: Held) -> ResponseReturnValue:
    """POST /account/passkeys/rename."""
    name = ceremony.clean_name(request.form.get("name", ""))
    passkey_id = request.form.get("passkey", "")
    if name:
        citizen_id = held.session.citizen_id
        event = PasskeyRenamed(actor=f"citizen:{citizen_id}", citizen_id=citizen_id, object=passkey_id)
        with contextlib.suppress(NotKnown):  # not mine, or removed in another tab: the list says what there is
            _visit.services().people.passkeys.rename(
                passkey_id=passkey_id, expected_citizen_id=citizen_id, name=name, event=event
            )
            return redirect("/account/passkeys?done=renamed", 303)
    return redirect("/account/passkeys", 303)


@fresh_page
def remove_page(held: Held) -> ResponseReturnValue:
    """GET /account/passkeys/remove: how you will log in afterwards, before it is done."""
    views = _mine(held)
    chosen = next((view for view in views if view.id == request.args.get("passkey")), None)
    if chosen is None:
        return redirect("/account/passkeys", 303)
    others = [view for view in views if view.id != chosen.id]
    return page(
        "account/passkey_remove.html",
        passkey=chosen,
        others=others,
        remove_url="/account/passkeys/remove",
        back_url="/account/passkeys",
    )


@fresh_page
def remove(held: Held) -> ResponseReturnValue:
    """POST /account/passkeys/remove: end it and every session made with it; the last one stays."""
    citizen_id = held.session.citizen_id
    passkey_id = request.form.get("passkey", "")
    with contextlib.suppress(NotKnown):
        ended = _visit.services().people.passkeys.end(
            passkey_id=passkey_id,
            expected_citizen_id=citizen_id,
            reason=REMOVED,
            actor=f"citizen:{citizen_id}",
            keeps_last=True,
        )
        if held.session.id in ended:
            _visit.let_go()  # or the login page would say that the session ran out
            return to_login("removed")
        if all(passkey.id != passkey_id for passkey in _mine(held)):
            return redirect("/account/passkeys?done=removed", 303)
    return redirect("/account/passkeys", 303)
