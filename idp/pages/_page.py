"""How a page is made: its language, the names that every template may use, and errors turned into pages.

`protect` prepares the application once; views end with `render_page` or `error_page`. The names that every template
may use are listed at the top of `templates/base.html`.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

import structlog
from flask import Response, current_app, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError, generate_csrf
from jinja2 import StrictUndefined
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from idp import clock
from idp.audit.log import correlation
from idp.cookies import name_of, set_cookie
from idp.errors import LoginError, ProtocolError, TooManyAttempts
from idp.pages import languages as tongues
from idp.pages._error_texts import error_text
from idp.pages._shield import PAGES_EXTENSION, URLS, ForeignForm, Pages, form_source, pages_of_app, raise_shield

if TYPE_CHECKING:
    from flask import Flask

    from idp.pages.languages import Language
    from idp.relying_parties.client import RelyingParty

__all__ = ["URLS", "Pages", "choose_language", "error_page", "protect", "render_page"]

LANGUAGE_COOKIE: Final = "sen_lang"
LANGUAGE_PARAMETER: Final = "lang"
"""A click on the switch comes as `?lang=en` and is kept in the cookie until the browser closes."""
NONCE_BYTES: Final = 16
DIGEST_CHARACTERS: Final = 12

log = structlog.get_logger("sen.pages")


def protect(app: Flask, *, pages: Pages, unprotected: tuple[str, ...] = ()) -> None:
    """Give a Flask application texts, CSRF and origin checks on every POST, security headers and error pages.

    `app` comes with its `template_folder`, its `static_folder` and a `secret_key` that all workers share.
    `unprotected` are paths that other sites may post to, because nothing changes there. SECURITY.md SS-07, SS-11.

    Raises:
        ValueError: there is no secret key.
    """
    app.extensions[PAGES_EXTENSION] = pages
    raise_shield(app, pages=pages, unprotected=unprotected)
    _teach_templates(app)
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(ForeignForm, _on_foreign_form)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(LoginError, _on_login)
    app.register_error_handler(ProtocolError, _on_protocol)
    app.register_error_handler(Exception, _on_anything)


def _teach_templates(app: Flask) -> None:
    """Translate by the language of the page, refuse names that are not there, and write dates as here."""
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        _gettext, _ngettext, newstyle=True
    )
    environment.globals.update(gettext=_translated, _=_translated)
    environment.filters.update(
        day=tongues.day, moment=tongues.moment, time_of_day=tongues.time_of_day, birth_date=tongues.birth_date
    )
    environment.globals.update(static_url=static_url, language_names=tongues.NAMES)


def _gettext(message: str) -> str:
    return pages_of_app().languages.texts(g.language).gettext(message)


def _translated(message: str, /, **values: object) -> Markup:
    """Do in one call what the extension's own function does in five: it stands thirty times on a page."""
    text = Markup(g.texts.gettext(message))  # noqa: S704  a text of our catalogue; values are escaped
    return text % values if values or "%" in text else text


def _ngettext(one: str, many: str, count: int) -> str:
    return pages_of_app().languages.texts(g.language).ngettext(one, many, count)


def static_url(name: str) -> str:
    """Return the address of a file of `templates/static`, with its digest: it may be kept for a year."""
    addresses: dict[str, str] = current_app.extensions.setdefault("sen_static", {})
    if name not in addresses:
        content = Path(cast("str", current_app.static_folder), name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]
        addresses[name] = f"{current_app.static_url_path}/{name}?v={digest}"
    return addresses[name]


def choose_language(*, ui_locales: str | None = None) -> Language:
    """Return the language of this request; see `Languages.choose`."""
    pages = pages_of_app()
    return pages.languages.choose(
        query=request.args.get(LANGUAGE_PARAMETER),
        cookie=request.cookies.get(name_of(LANGUAGE_COOKIE, secure=pages.secure)),
        ui_locales=ui_locales,
        accept_language=request.headers.get("Accept-Language"),
    )


def language_url(other: Language) -> str:
    """Return this page in the other language, as a query alone: no path can turn it into another site's address."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != LANGUAGE_PARAMETER]
    return "?" + urlencode([*kept, (LANGUAGE_PARAMETER, other)])


def render_page(
    template: str,
    *,
    status: int = 200,
    form_targets: tuple[str, ...] = (),
    ui_locales: str | None = None,
    **context: Any,
) -> Response:
    """Return a page.

    `form_targets` are addresses of the portal at which a form of this page may end: Chromium holds the redirects of a
    form to form-action too. `ui_locales` is the portal's wish, of the waiting request. `context` may replace any
    shared name, such as `language_url` on a page that answers a POST.

    Raises:
        ValueError: a form target could break out of the policy.
    """
    pages = pages_of_app()
    g.language = choose_language(ui_locales=ui_locales)
    g.texts = pages.languages.texts(g.language)
    g.form_targets = tuple(form_source(target) for target in form_targets)
    g.nonce = secrets.token_urlsafe(NONCE_BYTES)
    other = tongues.other_than(g.language)
    shared = {
        "language": g.language,
        "other_language": other,
        "csrf_token": generate_csrf(),
        "nonce": g.nonce,
        "urls": pages.urls,
        "language_url": language_url(other),
        "session_idle_seconds": None,
        "session_warning_seconds": pages.session_warning_seconds,
        "stay_url": None,
    }
    response = make_response(render_template(template, **(shared | context)), status)
    if tongues.known_language(request.args.get(LANGUAGE_PARAMETER)) == g.language:
        response.headers.add("Set-Cookie", set_cookie(LANGUAGE_COOKIE, g.language, secure=pages.secure))
    return response


def error_page(
    *,
    status: int,
    reason: str,
    ui_locales: str | None = None,
    wait_minutes: int | None = None,
) -> Response:
    """Return what happened, what can be done, the way back, and an incident number that is in the log.

    `reason` is a key of ERROR_TEXTS: a LoginError's `reason` or a ProtocolError's `code`. The incident number is the
    request's correlation id. The way back leads to the home page of the portal that asks, where it is known which one
    that is. A script (a JSON request) gets such words as JSON: `message`, `reason`, `incident`.
    """
    incident = correlation.get()
    asks: RelyingParty | None = request.environ.get("sen.asks")
    text = error_text(reason, status=status)
    ui_locales = ui_locales or g.get("ui_locales")
    if request.is_json:
        g.language = choose_language(ui_locales=ui_locales)
        message = " ".join(_gettext(said) for said in (text.what, text.to_script) if said) + _wait_text(wait_minutes)
        return make_response(jsonify(message=message, reason=reason, incident=incident), status)
    # what answered a form cannot be asked for again by a link
    again: dict[str, Any] = (
        {} if request.method == "GET" else {"language_url": _home_in_other_language(ui_locales=ui_locales)}
    )
    return render_page(
        "errors/error.html",
        status=status,
        ui_locales=ui_locales,
        text=text,
        incident=incident,
        at=clock.now(),
        way_back=asks.uri if asks else None,
        portal=asks.text(asks.name, choose_language(ui_locales=ui_locales)) if asks else None,
        wait_minutes=wait_minutes,
        **again,
    )


def _wait_text(minutes: int | None) -> str:
    """Return what `errors/error.html` says of the time to wait, as a further sentence."""
    if minutes is None:
        return ""
    text = _ngettext("Hãy đợi khoảng %(count)s phút.", "Hãy đợi khoảng %(count)s phút.", minutes)
    return f" {text % {'count': minutes}}"


def _home_in_other_language(*, ui_locales: str | None) -> str:
    other = tongues.other_than(choose_language(ui_locales=ui_locales))
    return f"{pages_of_app().urls['home']}?{LANGUAGE_PARAMETER}={other}"


def _on_csrf(error: CSRFError) -> Response:
    log.info("refused", reason="form_expired", detail=error.description)
    return error_page(status=400, reason="form_expired")


def _on_foreign_form(error: ForeignForm) -> Response:
    log.warning("refused", reason="foreign_form", detail=error.detail)
    return error_page(status=403, reason="foreign_form")


def _on_http(error: HTTPException) -> Response:
    status = error.code or 500
    response = error_page(status=status, reason=str(status))
    for name, value in error.get_headers():
        if name in ("Allow", "Location", "Retry-After"):
            response.headers[name] = value
    return response


def _on_login(error: LoginError) -> Response:
    log.info("refused", reason=error.reason, detail=error.detail)
    if not isinstance(error, TooManyAttempts):
        return error_page(status=error.status, reason=error.reason)
    response = error_page(status=error.status, reason=error.reason, wait_minutes=error.wait_minutes)
    response.headers["Retry-After"] = str(error.wait_seconds)
    return response


def _on_protocol(error: ProtocolError) -> Response:
    log.info("refused", reason=error.code, detail=error.detail)
    response = error_page(status=error.status, reason=error.code)
    if error.wait_seconds is not None:
        response.headers["Retry-After"] = str(error.wait_seconds)
    return response


def _on_anything(error: Exception) -> Response:
    log.error("broken", path=request.path, exc_info=error)
    return error_page(status=500, reason="server_error")
