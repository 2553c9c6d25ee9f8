"""What people see of the demo portal: texts, pages, headers. Nothing here is OpenID Connect; that is portal.py."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, g, redirect, render_template, request, session, url_for

if TYPE_CHECKING:
    from flask import Response
    from werkzeug import Response as AnyResponse

TEXTS = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
VIETNAM = timezone(timedelta(hours=7))

pages = Blueprint("pages", __name__)


def language() -> str:
    """Return `vi`, or `en` once the person chose it."""
    chosen: str = session.get("lang", "vi")
    return chosen


@pages.before_app_request
def choose_language() -> None:
    """Remember a language that the person picks."""
    if request.args.get("lang") in TEXTS:
        session["lang"] = request.args["lang"]


@pages.app_context_processor
def for_every_page() -> dict[str, Any]:
    """Give templates the texts, the services and who is signed in."""
    services = current_app.config["SERVICES"]
    return {"t": TEXTS[language()], "lang": language(), "services": services, "person": g.get("person")}


@pages.app_template_filter()
def local_time(seconds: int) -> str:
    """Write an instant (seconds since 1970) as Vietnam's clocks show it."""
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone(VIETNAM).strftime("%H:%M %d/%m/%Y")


@pages.app_template_filter()
def date(birthdate: str) -> str:
    """Write `2005-02-14` as `14/02/2005`; where only the year is known (`1941`, `1941-00-00`), write the year."""
    return "/".join(part for part in reversed(birthdate.split("-")) if part.strip("0"))


@pages.app_template_filter()
def phone(number: str) -> str:
    """Write a Vietnamese mobile number (`+84938363633`, E.164) as it is dialled at home; any other as it is."""
    return re.sub(r"^\+84([35789]\d\d)(\d{3})(\d{3})$", r"0\1 \2 \3", number)


@pages.app_template_filter()
def masked(number: str) -> str:
    """Hide the middle of a number; the first and the last three digits are enough to recognise one's own."""
    return f"{number[:3]}{'•' * (len(number) - 6)}{number[-3:]}"


@pages.get("/")
def home() -> str:
    """List the services, each with the level and the items that it needs."""
    return render_template("home.html", notice=session.pop("notice", None))


@pages.get("/me")
def me() -> AnyResponse | str:
    """Show who is signed in, at which level, and what was shared for which service."""
    return render_template("me.html") if g.person else redirect(url_for("pages.home"), 303)


@pages.get("/problem/<code>/<service_id>")
def problem(code: str, service_id: str) -> str:
    """Say what happened and what to do; every text comes from our own table, never from the address."""
    services = current_app.config["SERVICES"]
    known = code if code in TEXTS["vi"]["problem"] else "other"
    return render_template("problem.html", code=known, service=services.get(service_id, services["login"]))


@pages.app_errorhandler(404)
def not_found(_: Exception) -> tuple[str, int]:
    """Answer an address that we do not have."""
    return render_template("problem.html", code="not_found", service=None), 404


@pages.app_errorhandler(500)
def broken(_: Exception) -> tuple[str, int]:
    """Something broke here: say so in words, and leave the reason to the log."""
    return render_template("problem.html", code="broken", service=None), 500


@pages.after_app_request
def protect(response: Response) -> Response:
    """Nothing from other hosts, no frames, no address of ours told to others, nothing personal in a cache."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {current_app.config['ISSUER']}"  # the log-out form ends at Sen
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
