"""How a relying party is shown to a citizen, and how the citizen gets back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import g, redirect, request

from idp.pages._page import LANGUAGE_PARAMETER, render_page
from idp.pages._shield import URLS
from idp.pages._words import current_language
from idp.pages.languages import other_than

if TYPE_CHECKING:
    from werkzeug import Response

    from idp.protocol.authorization_response import Answer
    from idp.relying_parties.client import RelyingParty


@dataclass(frozen=True, slots=True)
class PortalView:
    """The portal that stands at the top of a page."""

    name: str
    owner: str
    uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    verified: bool
    sandbox: bool


def portal_view(client: RelyingParty | None) -> PortalView | None:
    """Return what the page shows of a portal, in the page's language."""
    if client is None:
        return None
    language = current_language()
    return PortalView(
        name=client.text(client.name, language),
        owner=client.text(client.owner, language),
        uri=client.uri,
        policy_uri=client.policy_uri,
        tos_uri=client.tos_uri,
        verified=client.owner_verified,
        sandbox=client.sandbox,
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
