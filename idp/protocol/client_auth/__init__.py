"""METHODS: how a relying party proves who it is; `authenticate` picks exactly one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import InvalidClient, InvalidRequest
from idp.protocol.client_auth import client_secret_basic, none, private_key_jwt
from idp.protocol.client_auth.proof import CLIENT_ID, METHODS_SHARED_TEXT, Credentials, Proof

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from idp.protocol.provider import Provider

METHODS: dict[str, Callable[[Credentials, Provider], Proof]] = {
    "private_key_jwt": private_key_jwt.verify,
    "client_secret_basic": client_secret_basic.verify,
    "none": none.verify,
}


def authenticate(*, form: Mapping[str, str], authorization: str | None, provider: Provider, now: datetime) -> Proof:
    """Pick the one method that a request's form and Authorization header use, and verify it.

    Raises:
        InvalidRequest: it uses two.
        InvalidClient: it does not hold; one answer for every reason.

    Source: RFC 6749 section 2.3, OpenID Connect Core section 9.
    """
    credentials = Credentials(
        client_id=form.get("client_id"),
        secret=form.get("client_secret"),
        assertion=form.get("client_assertion"),
        assertion_type=form.get("client_assertion_type"),
        authorization=authorization,
        at=now,
    )
    has_assertion = credentials.assertion is not None or credentials.assertion_type is not None
    has_header = authorization is not None
    if has_assertion + has_header + (credentials.secret is not None) > 1:
        raise InvalidRequest("Use one way of client authentication, not two.")
    if credentials.secret is not None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="client_secret_post")
    method = "private_key_jwt" if has_assertion else "client_secret_basic" if has_header else "none"
    proof = METHODS[method](credentials, provider)
    if proof.client.authentication_method != method:
        raise InvalidClient(METHODS_SHARED_TEXT, detail=f"registered for {proof.client.authentication_method}")
    return proof


__all__ = ["CLIENT_ID", "METHODS", "Credentials", "Proof", "authenticate"]
