"""The language and the texts of the page that is being made, and the page itself with what every view adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import g

from idp.pages import _visit
from idp.pages._page import choose_language, render_page
from idp.pages._shield import pages_of_app

if TYPE_CHECKING:
    from flask import Response

    from idp.pages.languages import Language


def current_language() -> Language:
    """Return the language of this page: the citizen's choice, then the portal's wish, then the browser's."""
    return choose_language(ui_locales=g.get("ui_locales"))


def gettext(message: str) -> str:
    """Return a text in the language of this page; the message id is the Vietnamese text."""
    return pages_of_app().languages.texts(current_language()).gettext(message)


def page(template: str, *, status: int = 200, form_targets: tuple[str, ...] = (), **context: Any) -> Response:
    """Return a page; with a session, it warns before the session's time is over and offers to stay."""
    if _visit.has_session():
        settings = _visit.services().provider.settings.sessions
        context = {"session_idle_seconds": settings.idle_seconds, "stay_url": "/session/stay", **context}
    return render_page(template, status=status, form_targets=form_targets, ui_locales=g.get("ui_locales"), **context)
