"""METHODS: how a relying party proves who it is; `authenticate` picks exactly one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.ephemeral import Claim, Count, Take, Write
from idp.errors import InvalidClient, InvalidRequest, SlowDown
from idp.protocol.client_auth import (
    client_secret_basic,
    client_secret_post,
    none,
    private_key_jwt,
    self_signed_tls_client_auth,
    tls_client_auth,
)
from idp.protocol.client_auth.proof import CLIENT_ID, METHODS_SHARED_TEXT, Credentials, Mark, Proof, Sent
from idp.relying_parties.profiles import MUTUAL_TLS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from idp.ephemeral import Claimed, Step
    from idp.errors import ProtocolError
    from idp.protocol.provider import Provider

MINUTE = 60

METHODS: dict[str, Callable[[Credentials, Provider], Proof]] = {
    "private_key_jwt": private_key_jwt.verify,
    "client_secret_basic": client_secret_basic.verify,
    "client_secret_post": client_secret_post.verify,
    "tls_client_auth": tls_client_auth.verify,
    "self_signed_tls_client_auth": self_signed_tls_client_auth.verify,
    "none": none.verify,
}


def authenticate(request: Sent, *, provider: Provider, now: datetime) -> Proof:
    """Pick the one method that a request's form and Authorization header use, and verify it.

    A certificate is one only for a relying party that is registered so, and beside nothing else: whoever
    authenticates otherwise may bring one that its tokens are to be bound to.

    Raises:
        InvalidRequest: it uses two, or says something in its query.
        InvalidClient: it does not hold; one answer for every reason.

    Source: RFC 6749 sections 2.3 and 3.2, OpenID Connect Core section 9.
    """
    if request.query:
        raise InvalidRequest("Parameters belong into the body.")
    form = request.form
    credentials = Credentials(
        client_id=form.get("client_id"),
        secret=form.get("client_secret"),
        assertion=form.get("client_assertion"),
        assertion_type=form.get("client_assertion_type"),
        authorization=request.authorization,
        at=now,
        certificate=request.certificate,
        address=request.address,
    )
    has_assertion = credentials.assertion is not None or credentials.assertion_type is not None
    has_header = credentials.authorization is not None
    if has_assertion + has_header + (credentials.secret is not None) > 1:
        raise InvalidRequest("Use one way of client authentication, not two.")
    method = (
        "private_key_jwt"
        if has_assertion
        else "client_secret_basic"
        if has_header
        else "client_secret_post"
        if credentials.secret is not None
        else _without_secret(credentials, provider)
    )
    proof = METHODS[method](credentials, provider)
    if proof.client.authentication_method != method:
        raise InvalidClient(METHODS_SHARED_TEXT, detail=f"registered for {proof.client.authentication_method}")
    return proof


def _without_secret(credentials: Credentials, provider: Provider) -> str:
    """Return by which method a request that holds nothing secret is judged (RFC 8705 section 2)."""
    registered = none.verify(credentials, provider).client.authentication_method
    return registered if registered in MUTUAL_TLS else "none"


def spend(proof: Proof, *steps: Step, provider: Provider) -> list[Any]:
    """Run a request's one wave: the limit is counted, every mark claimed, and `steps` are taken with them.

    Returns the replies to `steps`. What was taken stays taken when a mark is refused; over the limit, where nobody has
    looked at it, it is given back for as long as the limit's window, so that the same request may come again.

    Raises:
        SlowDown: this relying party sends more than its limit.
        ProtocolError: a mark's own refusal (`replayed`).
        TemporarilyUnavailable: the memory does not answer.
    """
    limits, marks = provider.settings.limits, proof.marks
    most = limits.requests_per_prefix if proof.share else limits.requests_per_client
    counter = Count(f"rate:{proof.client.client_id}:{proof.share}", MINUTE)
    replies = provider.ephemeral.wave(counter, *(Claim(mark.key, mark.seconds) for mark in marks), *steps)
    if replies[0] > most:
        taken = zip(steps, replies[1 + len(marks) :], strict=True)
        found = [(step.key, value) for step, value in taken if isinstance(step, Take) and value is not None]
        provider.ephemeral.wave(*(Write(key, value, MINUTE) for key, value in found))
        raise SlowDown("Too many requests from this relying party; wait a minute.", wait_seconds=MINUTE)
    for mark, claimed in zip(marks, replies[1:], strict=False):
        if not claimed.first or mark.issued_at <= claimed.since:
            raise replayed(mark, claimed)
    return replies[1 + len(marks) :]


def replayed(mark: Mark, claimed: Claimed) -> ProtocolError:
    """Return a mark's own refusal: it was used before, or cannot be told from one that was.

    The latter is from before the memory of replays is known to be whole.
    """
    return mark.refusal(mark.public, detail="older than the memory of replays" if claimed.first else "replayed")


__all__ = ["CLIENT_ID", "METHODS", "Credentials", "Mark", "Proof", "authenticate", "replayed", "spend"]
