"""PAGES: the whole citizen-facing surface, path -> method -> view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, request

from idp.pages import account, consent, home, login, logout, passkeys
from idp.pages._page import protect
from idp.pages._portal import carried_answer
from idp.pages._shield import Pages
from idp.pages._visit import SERVICES_EXTENSION
from idp.pages.activation import first_passkey, number_and_code
from idp.pages.decoupled import approvals, confirming, device
from idp.pages.languages import Languages
from idp.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from idp.services import Services

PAGES: dict[str, dict[str, Callable[[], ResponseReturnValue]]] = {
    "/": {"GET": home.show},
    "/help": {"GET": home.help_page},
    "/login": {"GET": login.show},
    "/login/number": {"POST": login.type_number},
    "/login/back": {"POST": login.go_back},
    "/login/passkey/options": {"POST": login.passkey_options},
    "/login/passkey/verify": {"POST": login.passkey_verify},
    "/continue": {"GET": login.go_on},
    "/activate": {"GET": number_and_code.show, "POST": number_and_code.start},
    "/activate/passkey": {"GET": first_passkey.show},
    "/activate/passkey/options": {"POST": first_passkey.options},
    "/activate/passkey/verify": {"POST": first_passkey.verify},
    "/activate/second": {"GET": first_passkey.second},
    "/consent": {"GET": consent.show, "POST": consent.take},
    "/session/stay": {"POST": account.stay},
    "/account": {"GET": account.index},
    "/account/passkeys": {"GET": passkeys.show},
    "/account/passkeys/options": {"POST": passkeys.options},
    "/account/passkeys/verify": {"POST": passkeys.verify},
    "/account/passkeys/rename": {"POST": passkeys.rename},
    "/account/passkeys/remove": {"GET": passkeys.remove_page, "POST": passkeys.remove},
    "/account/services": {"GET": account.services_page},
    "/account/receipt": {"GET": account.receipt},
    "/account/receipt/file": {"GET": account.receipt_file},
    "/account/withdraw": {"GET": account.withdraw_page, "POST": account.withdraw},
    "/account/sessions": {"GET": account.sessions_page},
    "/account/sessions/end": {"POST": account.end_session},
    "/account/activity": {"GET": account.activity},
    "/account/approvals": {"GET": approvals.list_page},
    "/account/approvals/open": {"POST": approvals.open_one},
    "/account/approvals/state": {"GET": approvals.state},
    "/approvals/confirm": {"GET": confirming.show, "POST": confirming.take},
    "/approvals/done": {"GET": confirming.done},
    "/device": {"GET": device.show, "POST": device.enter},
    "/device/confirm": {"GET": confirming.show, "POST": confirming.take},
    "/device/done": {"GET": confirming.done},
    "/logout": {"GET": logout.show, "POST": logout.show},
    "/logout/confirm": {"POST": logout.confirm},
}

UNPROTECTED = ("/logout",)
"""Posts that other sites may send: they change nothing (OpenID Connect RP-Initiated Logout section 2)."""

FORM_KEY = "form key"
LONGEST_FORM = 32 * 1024
"""Bytes of a body: no passkey and no ID token is near it, and letters that are none cost a millisecond for each KiB."""

STATIC_PATH = "/static"


def create_pages(services: Services) -> Flask:
    """Make the Flask application of the citizens' pages."""
    folder = data_folder("templates")
    app = Flask("idp", template_folder=str(folder), static_folder=str(folder / "static"), static_url_path=STATIC_PATH)
    settings = services.provider.settings
    app.secret_key = services.provider.sealer.keyed_hash(purpose=FORM_KEY, message=b"")
    app.extensions[SERVICES_EXTENSION] = services
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_FORM
    app.config["TEMPLATES_AUTO_RELOAD"] = settings.server.debug
    app.before_request(home.carried_error)
    app.before_request(carried_answer)
    protect(
        app,
        pages=Pages(
            languages=Languages(folder=folder / "translations"),
            expected_origin=settings.server.issuer,
            session_warning_seconds=settings.sessions.warning_seconds,
        ),
        unprotected=UNPROTECTED,
    )
    for path, methods in PAGES.items():
        for method, view in methods.items():
            app.add_url_rule(path, endpoint=f"{method} {path}", view_func=view, methods=[method])
    app.before_request(_name_page)
    return app


def _name_page() -> None:
    """Tell the counters which page this is: its path in PAGES, never the path as asked."""
    if request.url_rule is not None:
        request.environ["sen.page"] = request.url_rule.rule
