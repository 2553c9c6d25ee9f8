"""Logging out: a portal may ask for it, the citizen confirms; never a JSON error at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import g, redirect, request

from idp.errors import InvalidRequest
from idp.pages import _visit
from idp.pages._words import page
from idp.pages.account_view import portal_name
from idp.protocol.authorization_response import location
from idp.protocol.id_token_hint import read_hint
from idp.protocol.subject import subject_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from idp.relying_parties.client import RelyingParty
    from idp.sessions import Held

REASON = "logout"
KEPT = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")
LONGEST_PARAMETER = 8192


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """What a portal asked for, as far as it could be believed.

    `way_back` is a registered address and is set only where an ID token of ours vouches for the portal; `about` is
    the pairwise subject that the ID token names.
    """

    parameters: Mapping[str, str]
    client: RelyingParty | None
    about: str | None
    way_back: str | None


def _read() -> LogoutRequest:
    """Read the request; whatever cannot be believed is left out, and nothing is an error.

    Source: OpenID Connect RP-Initiated Logout sections 2 and 3.
    """
    given = {name: value for name in KEPT if (value := request.values.get(name)) and len(value) <= LONGEST_PARAMETER}
    g.ui_locales = given.get("ui_locales")
    provider = _visit.services().provider
    hint = None
    if "id_token_hint" in given:
        try:
            hint = read_hint(
                unverified_hint=given["id_token_hint"], provider=provider, expected_client_id=given.get("client_id")
            )
        except InvalidRequest:
            hint = None
    client = provider.directory.find(hint.client_id) if hint else None
    asked = given.get("post_logout_redirect_uri")
    way_back = None
    if client is not None and asked in client.post_logout_redirect_uris:
        way_back = (
            location(redirect_uri=asked, parameters={"state": given.get("state")}) if given.get("state") else asked
        )
    return LogoutRequest(parameters=given, client=client, about=hint.subject if hint else None, way_back=way_back)


def show() -> ResponseReturnValue:
    """GET or POST /logout: ask, and name the portals that are still open; nothing ends by looking."""
    asked, held = _read(), _visit.held()
    if held is None or not _is_about(asked, held):
        return _done(asked) if held is None else _ask(asked, held)
    return _ask(asked, held)


def _is_about(asked: LogoutRequest, held: Held) -> bool:
    if asked.client is None or asked.about is None:
        return True
    sealer = _visit.services().provider.sealer
    return subject_for(client=asked.client, citizen_id=held.session.citizen_id, sealer=sealer) == asked.about


def _ask(asked: LogoutRequest, held: Held) -> ResponseReturnValue:
    name = portal_name(asked.client.client_id) if asked.client else None
    return page(
        "logout/confirm.html",
        form_targets=asked.client.origins if asked.client else (),
        portals=[portal_name(client_id) for client_id in held.session.reached],
        portal=name,
        parameters=asked.parameters,
        confirm_url="/logout/confirm",
        stay_url_after=asked.way_back or "/account",
    )


def confirm() -> ResponseReturnValue:
    """POST /logout/confirm: end the session everywhere, then go where the portal asked, if that can be believed."""
    asked, held = _read(), _visit.held()
    if held is not None:
        _visit.services().journey.end(held, reason=REASON)
    _visit.let_go()
    return redirect(asked.way_back, 303) if asked.way_back else _done(asked)


def _done(asked: LogoutRequest) -> ResponseReturnValue:
    if asked.way_back is not None:
        return redirect(asked.way_back, 303)
    return page("logout/done.html", way_back=None, portal=None)
