"""The first page, the page for who cannot log in, and the page of an error that a protocol endpoint met."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from flask import request

from idp.pages import _visit
from idp.pages._words import page

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from idp.errors import ProtocolError


def show() -> ResponseReturnValue:
    """GET /."""
    return page("home.html", logged_in=_visit.held() is not None)


def help_page() -> ResponseReturnValue:
    """GET /help: I lost my phone, or cannot log in; a portal that waits in a transaction is not forgotten."""
    unverified_id = request.args.get("tx")
    query = "" if unverified_id is None else f"?{urlencode({'tx': unverified_id})}"
    return page("help.html", login_url=f"/login{query}", activate_url=f"/activate{query}")


def carried_error() -> None:
    """Let the error that a protocol endpoint met and left in the environment become a page, as one of ours does.

    Raises:
        ProtocolError: that error; every other request goes on.
    """
    error = cast("ProtocolError | None", request.environ.get("sen.error"))
    if error is not None:
        raise error
