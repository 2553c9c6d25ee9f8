"""The first page, the page for who cannot log in, and the page of an error that a protocol endpoint met."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

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
    """GET /help: I lost my phone, or cannot log in."""
    return page("help.html")


def carried_error() -> None:
    """Let the error that a protocol endpoint met and left in the environment become a page, as one of ours does.

    Raises:
        ProtocolError: that error; every other request goes on.
    """
    error = cast("ProtocolError | None", request.environ.get("sen.error"))
    if error is not None:
        raise error
