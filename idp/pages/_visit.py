"""Who visits a page: the services, the session behind the cookie, the browser, the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import after_this_request, current_app, g, request

from idp import cookies, limits
from idp.sessions import Held, Session

if TYPE_CHECKING:
    from flask import Response

    from idp.login.transaction import Transaction
    from idp.services import Services

SERVICES_EXTENSION = "sen"


def services() -> Services:
    """Return what views work with."""
    return cast("Services", current_app.extensions[SERVICES_EXTENSION])


def secure() -> bool:
    """Return whether cookies carry `__Host-` and Secure."""
    return services().provider.settings.server.secure


def cookie(name: str) -> str | None:
    """Return a cookie of ours by its short name."""
    return request.cookies.get(cookies.name_of(name, secure=secure()))


def set_cookie(name: str, value: str, *, seconds: int | None = None) -> None:
    """Set a cookie of ours on the answer that is being made."""
    header = cookies.set_cookie(name, value, secure=secure(), seconds=seconds)

    @after_this_request
    def add(response: Response) -> Response:
        response.headers.add("Set-Cookie", header)
        return response


def held() -> Held | None:
    """Return the session of this visitor, if every gate behind it is open; it is kept awake by the visit."""
    if "held" not in g:
        g.held = _find()
    return cast("Held | None", g.held)


def peek() -> Session | None:
    """Return the session of this visitor, if every gate behind it is open; looking does not keep it awake."""
    found = services().sessions.find(cookie(cookies.SESSION))
    return found if found is not None and _open(found) else None


def has_session() -> bool:
    """Return whether this visit has already been found to have a session; asks nobody."""
    return g.get("held") is not None


def _find() -> Held | None:
    token = cookie(cookies.SESSION)
    found = services().sessions.find(token)
    if token is None or found is None or not _open(found):
        return None
    return Held(token, found) if services().sessions.touch(token, found) else None


def _open(session: Session) -> bool:
    gate = services().people.sessions.gate(session_id=session.id)
    if gate is None or gate.session_ended or gate.passkey_ended:
        return False
    return gate.citizen_status == "active"


def hold(token: str) -> None:
    """Give the visitor a session's cookie."""
    set_cookie(cookies.SESSION, token)
    g.pop("held", None)


def let_go() -> None:
    """Take the session's cookie away."""
    set_cookie(cookies.SESSION, "", seconds=0)
    g.held = None


def browser() -> str:
    """Return what stands for this browser, giving it one where it has none."""
    value = cookie(cookies.BROWSER) or cast("str | None", g.get("browser"))
    if value is None:
        value = g.browser = cookies.new_browser()
        set_cookie(cookies.BROWSER, value)
    return value


def transaction(unverified_id: object) -> Transaction:
    """Return the transaction of this browser; what a script posted may be of any kind.

    Raises:
        TransactionLost: there is none, or another browser began it.
    """
    text = unverified_id if isinstance(unverified_id, str) else None
    found = services().transactions.find(unverified_id=text, browser=cookie(cookies.BROWSER))
    g.ui_locales = found.request.ui_locales if found.request else None
    return found


def own_transaction(*, then: str, reason: str = "account") -> Transaction:
    """Begin a transaction for one of our own pages.

    Raises:
        TooManyAttempts: the limit of this address is reached; each transaction takes room in the memory for an hour.
    """
    settings = services().provider.settings.limits
    counts = limits.steps("page", settings=settings, address=request.remote_addr or "")
    limits.check("page", services().provider.ephemeral.wave(*counts), settings=settings)
    visitor = held()
    return services().transactions.begin(
        request=None,
        browser=browser(),
        reason=reason,
        arrived_with=visitor.session.id if visitor else None,
        then=then,
    )
