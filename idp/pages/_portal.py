"""How a relying party is shown to a citizen, and how the citizen gets back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import g, redirect, request

from idp.pages._page import LANGUAGE_PARAMETER, render_page
from idp.pages._shield import URLS
from idp.pages._words import current_language
from idp.pages._words import gettext as _
from idp.pages.languages import other_than

if TYPE_CHECKING:
    from werkzeug import Response

    from idp.protocol.authorization_response import Answer
    from idp.relying_parties.client import RelyingParty


@dataclass(frozen=True, slots=True)
class PortalView:
    """The portal that stands at the top of a page; `owner_words` and `warning` are whole sentences about it."""

    name: str
    owner: str
    owner_words: str
    uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    verified: bool
    sandbox: bool
    warning: str | None


def portal_view(client: RelyingParty | None) -> PortalView | None:
    """Return what the page shows of a portal, or nothing where none asks."""
    return None if client is None else portal_of(client)


def portal_of(client: RelyingParty) -> PortalView:
    """Return what the page shows of a portal, in the page's language."""
    language = current_language()
    owner, verified = client.text(client.owner, language), client.owner_verified
    says = _("Đơn vị đã được xác minh: %(owner)s") if verified else _("Đơn vị chưa được xác minh: %(owner)s")
    return PortalView(
        name=client.text(client.name, language),
        owner=owner,
        owner_words=says % {"owner": owner},
        uri=client.uri,
        policy_uri=client.policy_uri,
        tos_uri=client.tos_uri,
        verified=verified,
        sandbox=client.sandbox,
        warning=_("Cổng thử nghiệm: chỉ dùng người và số liệu giả.") if client.sandbox else None,
    )


def back_to_portal(answer: Answer) -> Response:
    """Send the citizen on with the portal's answer: by a redirect, or by a form that sends itself.

    The form needs no script of its own: where ours does not run, its button does the same. It may end at the portal
    that asked and nowhere else.

    Source: OAuth 2.0 Form Post Response Mode sections 2 and 4.
    """
    location = answer.location
    if location is not None:
        return redirect(location, 303)
    g.ui_locales = answer.ui_locales
    return render_page(
        "form_post.html",
        form_targets=("{0.scheme}://{0.netloc}".format(urlsplit(answer.redirect_uri)),),
        ui_locales=answer.ui_locales,
        portal=portal_view(answer.client),
        action=answer.redirect_uri,
        parameters=answer.parameters,
        language_url=f"{URLS['home']}?{LANGUAGE_PARAMETER}={other_than(current_language())}",
    )


def carried_answer() -> Response | None:
    """Let the answer that the authorization endpoint left in the environment become its page, like any of ours."""
    answer: Answer | None = request.environ.get("sen.answer")
    return None if answer is None else back_to_portal(answer)
