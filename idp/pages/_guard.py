"""What stands before a citizen's own pages: a session whose every gate is open; for changes, a fresh login."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from flask import jsonify, redirect, request

from idp import clock, cookies
from idp.pages import _visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from idp.sessions import Held

FRESH_SECONDS = 300
THEN = {
    **{path: path for path in (
        "/account", "/account/passkeys", "/account/services", "/account/sessions", "/account/activity",
        "/account/approvals",
    )},
    "/account/withdraw": "/account/services",
    "/account/receipt": "/account/services",
    "/account/receipt/file": "/account/services",
}  # fmt: skip
"""Where a login leads that one of these pages asked for."""


def own_page(view: Callable[[Held], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
    """Give a view the session of its visitor, or send the visitor to log in and back."""

    @functools.wraps(view)
    def guarded() -> ResponseReturnValue:
        held = _visit.held()
        return view(held) if held is not None else to_login("account")

    return guarded


def fresh_page(view: Callable[[Held], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
    """Give a view the session of a visitor who logged in within five minutes, or send the visitor to do so."""

    @functools.wraps(view)
    def guarded() -> ResponseReturnValue:
        held = _visit.held()
        if held is None:
            return to_login("account")
        if clock.epoch_seconds() - held.session.auth_time > FRESH_SECONDS:
            return to_login("fresh")
        return view(held)

    return guarded


def to_login(reason: str) -> ResponseReturnValue:
    """Begin a login that leads back to the page of ours that was asked for."""
    if reason == "account" and _visit.cookie(cookies.SESSION):
        reason = "timed_out"
    then = THEN.get(request.path, "/account/passkeys")
    location = f"/login?tx={_visit.own_transaction(then=then, reason=reason).id}"
    if request.is_json:
        return jsonify(next=location), 401
    return redirect(location, 303)
