"""CIBA's pages: what waits for a citizen who is logged in, and the answer to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import jsonify, redirect

from idp.pages import _visit
from idp.pages._guard import own_page
from idp.pages._portal import portal_view
from idp.pages._shield import URLS
from idp.pages._words import page
from idp.pages.decoupled import confirming
from idp.pages.languages import time_of_day
from idp.protocol.grants.decoupled import persons

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from idp.pages._portal import PortalView
    from idp.protocol.grants.decoupled.waiting import Waiting
    from idp.sessions import Held

LIST = URLS["approvals"]
OPEN = f"{LIST}/open"
STATE = f"{LIST}/state"


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A request that waits: whose, and until what time of day."""

    portal: PortalView
    until: str


def _waiting_for(citizen_id: str) -> Waiting | None:
    """Return what waits for a citizen; None where nothing does, or its portal does not work any more."""
    provider = _visit.services().provider
    found = persons.waiting_for(citizen_id, ephemeral=provider.ephemeral)
    return found if found is not None and provider.directory.registered(found.request.client_id) else None


def approval_view(held: Held) -> ApprovalView | None:
    """Return what waits for a citizen, for the account page; None where nothing does."""
    found = _waiting_for(held.session.citizen_id)
    if found is None:
        return None
    portal = portal_view(_visit.services().provider.directory.registered(found.request.client_id))
    until = time_of_day(datetime.fromtimestamp(found.ends_at, tz=UTC))
    return None if portal is None else ApprovalView(portal, until)


@own_page
def list_page(held: Held) -> ResponseReturnValue:
    """GET /account/approvals: what waits, or that nothing does."""
    return page("approvals/list.html", approval=approval_view(held), open_url=OPEN, state_url=STATE)


@own_page
def open_one(held: Held) -> ResponseReturnValue:
    """POST /account/approvals/open: go on to what waits; the login must be young and high enough for it."""
    found = _waiting_for(held.session.citizen_id)
    return redirect(LIST, 303) if found is None else confirming.begin(found)


def state() -> ResponseReturnValue:
    """GET /account/approvals/state: whether something waits, for our script; asking keeps no session awake."""
    session = _visit.peek()
    if session is None:
        return jsonify(waiting=False), 401
    return jsonify(waiting=_waiting_for(session.citizen_id) is not None)
