"""What guards every page: no NUL, the origin of a form, its CSRF token, and the security headers of every answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from flask import current_app, g, request
from flask_wtf.csrf import CSRFProtect

from idp.cookies import name_of
from idp.errors import LoginError, SenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask, Response

    from idp.pages.languages import Languages

PAGES_EXTENSION: Final = "sen_pages"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_COOKIE: Final = "sen_form"
YEAR_SECONDS: Final = 31_536_000
NUL_IN_JSON: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON writes it; a backslash that is itself escaped begins none (RFC 8259 section 7)."""

URLS: Final[dict[str, str]] = {
    "home": "/",
    "help": "/help",
    "login": "/login",
    "activate": "/activate",
    "account": "/account",
    "passkeys": "/account/passkeys",
    "services": "/account/services",
    "sessions": "/account/sessions",
    "activity": "/account/activity",
    "approvals": "/account/approvals",
    "logout": "/logout",
}
"""Where the pages that others link to live; a template writes `urls.help`."""

PERMISSIONS: Final = (
    "publickey-credentials-get=(self), publickey-credentials-create=(self), "
    "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What the pages need to know. `expected_origin` is the issuer's origin, without a slash at the end."""

    languages: Languages
    expected_origin: str
    session_warning_seconds: int
    urls: Mapping[str, str] = field(default_factory=lambda: dict(URLS))

    @property
    def secure(self) -> bool:
        """Whether citizens reach us over TLS."""
        return self.expected_origin.startswith("https://")


class UnreadableText(LoginError):
    """What was sent holds a NUL, which nobody can type."""

    reason = "unreadable_text"


class ForeignForm(SenError):
    """A form was sent from a page that is not ours, or by something that hides where it comes from."""


def pages_of_app() -> Pages:
    """Return what `protect` has kept for the current application."""
    return cast("Pages", current_app.extensions[PAGES_EXTENSION])


def raise_shield(app: Flask, *, pages: Pages, unprotected: tuple[str, ...]) -> None:
    """Check every request, every POST but those to the `unprotected` paths further, and add headers to every answer.

    Raises:
        ValueError: the application has no secret key.
    """
    if not app.secret_key:
        msg = "the pages need a secret key that all workers share"
        raise ValueError(msg)
    app.config.update(
        WTF_CSRF_SSL_STRICT=False,  # no page sends a Referer: `_check_origin` stands in its place
        WTF_CSRF_TIME_LIMIT=None,  # the token lives as long as its cookie: a slow reader is no attacker
        WTF_CSRF_CHECK_DEFAULT=False,  # called below, so that both checks know the same exceptions
        SESSION_COOKIE_NAME=name_of(FORM_COOKIE, secure=pages.secure),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=pages.secure,
        SESSION_COOKIE_PATH="/",
        SEND_FILE_MAX_AGE_DEFAULT=YEAR_SECONDS,
    )
    csrf = CSRFProtect(app)
    app.before_request(_check_text)

    @app.before_request
    def check_form() -> None:
        if request.method not in SAFE_METHODS and request.path not in unprotected:
            _check_origin()
            csrf.protect()

    app.after_request(_add_headers)


def _check_text() -> None:
    """Let no page meet a NUL in a query, a form or JSON: PostgreSQL takes it in no text.

    Other letters that it refuses do not arrive: what is not UTF-8 has been replaced, and JSON with half a surrogate
    pair is none. The path needs no look, because every page's is fixed.

    Raises:
        UnreadableText: there is one.
    """
    fields = (*request.args.items(multi=True), *request.form.items(multi=True))
    if any("\x00" in name or "\x00" in value for name, value in fields) or NUL_IN_JSON.search(request.get_data()):
        raise UnreadableText("The text holds a NUL character.")


def _check_origin() -> None:
    """Hold a POST to our own pages (SECURITY.md SS-07; Fetch section 3.2; Fetch Metadata section 2.3).

    1. Sec-Fetch-Site, where the browser sends it, is `same-origin`.
    2. Origin, where it is not `null`, is ours. It is `null` on our own forms, because our pages send no Referer.
    3. One of the two has spoken for us.

    Raises:
        ForeignForm: the request comes from elsewhere, or hides where it comes from.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin", "null")
    # 1
    if site not in (None, "same-origin"):
        raise ForeignForm("The form comes from another site.", detail="Sec-Fetch-Site")
    # 2
    if origin not in ("null", pages_of_app().expected_origin):
        raise ForeignForm("The form comes from another site.", detail="Origin")
    # 3
    if site is None and origin == "null":
        raise ForeignForm("The form does not say where it comes from.", detail="neither Origin nor Sec-Fetch-Site")


def _add_headers(response: Response) -> Response:
    """Add what every answer carries (SECURITY.md SS-10, SS-11); static files may be kept, pages never."""
    headers = response.headers
    headers["Content-Security-Policy"] = _policy()
    headers["X-Frame-Options"] = "DENY"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = PERMISSIONS
    if pages_of_app().secure:
        headers["Strict-Transport-Security"] = f"max-age={2 * YEAR_SECONDS}; includeSubDomains"
    if request.endpoint == "static" and response.status_code in (200, 304):
        headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    else:
        headers["Cache-Control"] = "no-store"
        headers["Vary"] = "Cookie, Accept-Language"
    return response


def _policy() -> str:
    """Return the content security policy of this answer; a form may end only here and at `g.form_targets`.

    Frames show nothing but what is at `g.frame_targets`.
    """
    scripts = f"'nonce-{g.nonce}'" if "nonce" in g else "'none'"
    targets = " ".join(("'self'", *g.get("form_targets", ())))
    frames = " ".join(g.get("frame_targets", ())) or "'none'"
    return (
        f"default-src 'none'; style-src 'self'; script-src {scripts}; img-src 'self'; connect-src 'self'; "
        f"form-action {targets}; frame-src {frames}; frame-ancestors 'none'; base-uri 'none'"
    )


def form_source(target: str) -> str:
    """Return what form-action needs so that a form may end at `target` (CSP Level 3 section 6.4.2).

    An app's own scheme is allowed as a scheme; so is plain http for an IPv6 loopback, which CSP cannot name.

    Raises:
        ValueError: it could break out of the policy, or has no scheme.
    """
    parts = urlsplit(target)
    if not parts.scheme or any(sign.isspace() or sign in ";,'\"" for sign in target):
        msg = "not an address that a policy may name"
        raise ValueError(msg)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.netloc.startswith("["):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"
