"""GET or POST /authorize: a portal asks who somebody is; with a session and a consent the answer is a code at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from idp import clock, cookies, limits
from idp.endpoints._http import Request, Response, answered, check_address, redirect
from idp.errors import (
    ConsentRequired,
    InvalidRequest,
    LoginRequired,
    ProtocolError,
    SlowDown,
    TemporarilyUnavailable,
)
from idp.protocol import authorization_request, codes
from idp.protocol.authorization_request import RefusedAtRedirect, keep_step
from idp.protocol.authorization_response import with_error
from idp.protocol.client_auth import CLIENT_ID, Proof, spend
from idp.protocol.interaction import NeedsConsent, Ready, Visit, decide
from idp.sessions import Held, opened, read_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.protocol.authorization_response import Asked
    from idp.protocol.interaction import Need
    from idp.protocol.provider import Provider
    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.client import RelyingParty
    from idp.services import Services


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A checked request, whose it is, and who holds which session."""

    request: AuthorizationRequest
    client: RelyingParty
    held: Held | None


def answer(request: Request, services: Services) -> Response:
    """Answer an authorization request.

    1. the pushed request and the session are read, the limit counted, in one wave; 2. every check; a form without our
    cookies ends here, and comes again as a GET; 3. every gate, in one read; 4. with a session, a level and a consent
    that hold: a code; 5. where no page may be shown: an error; 6. else the request waits for its citizen at this
    browser.

    Raises:
        ProtocolError: before the redirect address has been checked; shown on a page, sent to nobody.

    Source: OpenID Connect Core section 3.1.2, RFC 9126 section 4, RFC 9700 section 4.11.
    """
    unverified = request.form if request.method == "POST" else request.query
    try:
        arrival = _arrive(request=request, unverified=unverified, services=services)
    except RefusedAtRedirect as refused:
        return _refuse(refused.error, asked=refused.asked, client=refused.client, services=services)
    try:
        if request.method == "POST" and not _brings_cookies(request, services=services):
            return _by_get(arrival.request, unverified=unverified, provider=services.provider)
        return _answer(request=request, arrival=arrival, services=services)
    except ProtocolError as error:
        return _refuse(error, asked=arrival.request, client=arrival.client, services=services)


def _arrive(*, request: Request, unverified: Mapping[str, str], services: Services) -> _Arrival:
    provider = services.provider
    settings = provider.settings
    pushed_step = authorization_request.read_step(unverified)
    token = request.cookies.get(cookies.name_of(cookies.SESSION, secure=settings.server.secure))
    counts = limits.steps("page", settings=settings.limits, address=request.address)
    reads = [step for step in (pushed_step, read_step(token) if token else None) if step is not None]
    replies = provider.ephemeral.wave(*counts, *reads)  # 1
    check_address("page", replies[: len(counts)], settings=settings.limits)
    found = iter(replies[len(counts) :])
    pushed = next(found) if pushed_step else None
    session = opened(next(found), settings=settings.sessions) if token else None
    client_id = unverified.get("client_id")
    if client_id is None:
        raise InvalidRequest("client_id is missing.")
    client = provider.directory.find(client_id) if CLIENT_ID.fullmatch(client_id) else None
    if client is None:
        raise InvalidRequest("This relying party is not known here, or has been ended.")
    request.environ["sen.asks"] = client  # an error page leads back to it
    if pushed_step is not None:  # 2
        checked = authorization_request.from_pushed(unverified=unverified, stored=pushed, client=client)
    else:
        checked = _taken(unverified, client=client, address=request.address, provider=provider)
    return _Arrival(checked, client, Held(token, session) if token and session else None)


def _taken(
    unverified: Mapping[str, str], *, client: RelyingParty, address: str, provider: Provider
) -> AuthorizationRequest:
    """Check a request that came through the browser; its signed object, where it has one, is used up.

    It counts for the network that it comes from: whoever sends an object again uses up nothing of its relying party.
    """
    taken = authorization_request.take(
        unverified=unverified, client=client, provider=provider, pushed=False, now=clock.now()
    )
    if taken.marks:
        try:
            spend(Proof(client, taken.marks, share=limits.prefix_of(address)), provider=provider)
        except ProtocolError as error:
            raise RefusedAtRedirect(error, asked=taken.request, client=client) from error
    return taken.request


def _brings_cookies(request: Request, *, services: Services) -> bool:
    secure = services.provider.settings.server.secure
    return any(cookies.name_of(name, secure=secure) in request.cookies for name in (cookies.SESSION, cookies.BROWSER))


def _by_get(checked: AuthorizationRequest, *, unverified: Mapping[str, str], provider: Provider) -> Response:
    """Keep a checked request as a pushed one is kept, and have the browser come again, with the cookies that it has.

    A browser withholds them from a form of another site (RFC 6265bis section 5.6.7.1): nobody would be logged in, and
    a new cookie would take the place of the one that other requests wait for.
    """
    if checked.pushed_id is not None:
        uri = unverified["request_uri"]
    else:
        uri, keep = keep_step(checked, seconds=provider.settings.tokens.pushed_request_seconds)
        provider.ephemeral.wave(keep)
    return redirect("/authorize?" + urlencode({"client_id": checked.client_id, "request_uri": uri}))


def _answer(*, request: Request, arrival: _Arrival, services: Services) -> Response:
    asked, held, provider = arrival.request, arrival.held, services.provider
    gates = None
    if held is not None:  # 3
        gates = provider.authorizations.gates(
            session_id=held.session.id, client_id=arrival.client.client_id, purpose=asked.purpose
        )
    visit = Visit(
        session=held.session if held else None,
        gates=gates,
        arrived_with=held.session.id if held else None,
    )
    need = decide(request=asked, client=arrival.client, visit=visit, provider=provider, now=clock.now())
    if isinstance(need, Ready) and held is not None:  # 4
        return answered(codes.issue(request=asked, client=arrival.client, held=held, ready=need, provider=provider))
    if "none" in asked.prompt:  # 5
        if isinstance(need, NeedsConsent):
            raise ConsentRequired("The citizen has to be asked, and no page may be shown.")
        raise LoginRequired("The citizen has to log in, and no page may be shown.")
    return _wait(request=request, arrival=arrival, need=need, services=services)  # 6


def _wait(*, request: Request, arrival: _Arrival, need: Need, services: Services) -> Response:
    secure = services.provider.settings.server.secure
    name = cookies.name_of(cookies.BROWSER, secure=secure)
    known = request.cookies.get(name)
    browser = known or cookies.new_browser()
    reason = "consent" if isinstance(need, NeedsConsent) else getattr(need, "reason", "first")
    if reason == "first" and cookies.name_of(cookies.SESSION, secure=secure) in request.cookies:
        reason = "timed_out"
    transaction = services.transactions.begin(
        request=replace(arrival.request, arrived_at=clock.epoch_seconds()),
        browser=browser,
        reason=reason,
        arrived_with=arrival.held.session.id if arrival.held else None,
    )
    fresh = () if known else (cookies.set_cookie(cookies.BROWSER, browser, secure=secure),)
    page = "consent" if isinstance(need, NeedsConsent) else "login"
    return redirect(f"/{page}?tx={transaction.id}", cookies=fresh)


def _refuse(error: ProtocolError, *, asked: Asked, client: RelyingParty, services: Services) -> Response:
    """Tell the relying party at its checked address; what only waiting can help is told on a page."""
    if isinstance(error, TemporarilyUnavailable | SlowDown):
        return Response(error.status, page_error=error)
    return answered(with_error(asked, error=error, client=client, provider=services.provider))
