"""Logging out: a portal may ask for it, the citizen says of what, and every portal is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import g, redirect, request

from idp.pages import _visit
from idp.pages._shield import form_source
from idp.pages._words import page
from idp.pages.account_view import portal_name
from idp.protocol.logout import SEALED, LogoutRequest, frame_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask.typing import ResponseReturnValue

    from idp.citizens.login_session import Reached
    from idp.sessions import Held

REASON = "logout"
MOST_FRAMES = 30
FRAMES_MILLISECONDS = 2000
"""How long the last page waits for portals that are told in frames."""


@dataclass(frozen=True, slots=True)
class OpenPortal:
    """A portal at which this session is still open."""

    id: str
    name: str


def _read() -> LogoutRequest:
    parameters = {name: request.values.getlist(name) for name in request.values}
    asked = LogoutRequest.read(parameters, provider=_visit.services().provider)
    g.ui_locales = asked.ui_locales
    return asked


def _sealed(asked: LogoutRequest) -> str:
    return asked.sealed(provider=_visit.services().provider)


def show() -> ResponseReturnValue:
    """GET or POST /logout: ask, and name the portals that are still open; nothing ends by looking.

    A form of another site comes without the session's cookie; asked for again with GET, it comes with it.
    """
    asked = _read()
    if request.method == "POST":
        return redirect(f"/logout?{SEALED}={_sealed(asked)}", 303)
    held = _visit.held()
    return _over(asked, frames=()) if held is None else _ask(asked, held)


def _ask(asked: LogoutRequest, held: Held) -> ResponseReturnValue:
    services = _visit.services()
    reached = services.people.sessions.reached(session_id=held.session.id)
    client = services.provider.directory.registered(asked.client_id) if asked.client_id else None
    return page(
        "logout/confirm.html",
        form_targets=client.origins if client else (),
        portals=[OpenPortal(client_id, portal_name(client_id)) for client_id in _distinct(reached)],
        portal=portal_name(client.client_id) if client else None,
        asked=_sealed(asked),
        confirm_url="/logout/confirm",
        stay_url_after=asked.way_back if asked.vouched and asked.way_back else "/account",
    )


def _distinct(reached: Iterable[Reached]) -> list[str]:
    return list(dict.fromkeys(each.client_id for each in reached))


def confirm() -> ResponseReturnValue:
    """POST /logout/confirm: end the session everywhere, or at one portal alone, and tell those whom it concerns."""
    asked, held = _read(), _visit.held()
    if held is None:
        _visit.let_go()
        return _over(asked, frames=())
    services, only = _visit.services(), request.form.get("only")
    if only is not None:
        left = services.people.sessions.leave(
            session_id=held.session.id, client_id=only, actor=f"citizen:{held.session.citizen_id}"
        )
        return _left(asked, client_id=only, frames=_frames(left)) if left else _ask(asked, held)
    frames = _frames(services.people.sessions.reached(session_id=held.session.id))
    services.journey.end(held, reason=REASON)
    _visit.let_go()
    return _over(asked, frames=frames)


def _frames(reached: Iterable[Reached]) -> tuple[str, ...]:
    """Return the addresses that frames are to open, and let the page's policy name their origins."""
    provider = _visit.services().provider
    found: list[str] = []
    for each in reached:
        client = provider.directory.registered(each.client_id)
        address = client and frame_address(client=client, session_id=each.session_id, provider=provider)
        if address and address not in found:
            found.append(address)
    frames = tuple(found[:MOST_FRAMES])
    g.frame_targets = tuple(sorted({form_source("{0.scheme}://{0.netloc}".format(urlsplit(each))) for each in frames}))
    return frames


def _over(asked: LogoutRequest, *, frames: tuple[str, ...]) -> ResponseReturnValue:
    """Send the citizen back where an ID token of ours vouches for it; else, or while others are told, show a page."""
    if asked.vouched and asked.way_back is not None and not frames:
        return redirect(asked.way_back, 303)
    return page(
        "logout/done.html",
        way_back=asked.way_back,
        portal=portal_name(asked.client_id) if asked.client_id else None,
        frames=frames,
        goes_on_after=FRAMES_MILLISECONDS if asked.vouched and asked.way_back else None,
    )


def _left(asked: LogoutRequest, *, client_id: str, frames: tuple[str, ...]) -> ResponseReturnValue:
    """Say that one portal is left; where it was that portal that asked, the citizen goes back to it."""
    by_itself = asked.vouched and asked.client_id == client_id
    if by_itself and asked.way_back is not None and not frames:
        return redirect(asked.way_back, 303)
    return page(
        "logout/left.html",
        portal=portal_name(client_id),
        way_back=asked.way_back if asked.client_id == client_id else None,
        frames=frames,
        goes_on_after=FRAMES_MILLISECONDS if by_itself and asked.way_back else None,
        again_url=f"/logout?{SEALED}={_sealed(LogoutRequest(ui_locales=asked.ui_locales))}",
    )
