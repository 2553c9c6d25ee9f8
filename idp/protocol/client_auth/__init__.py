"""METHODS: how a relying party proves who it is; `authenticate` picks exactly one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import InvalidClient, InvalidRequest
from idp.protocol.client_auth import client_secret_basic, none, private_key_jwt
from idp.protocol.client_auth.proof import METHODS_SHARED_TEXT, Credentials, Proof

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.protocol.provider import Provider

METHODS: dict[str, Callable[[Credentials, Provider], Proof]] = {
    "private_key_jwt": private_key_jwt.verify,
    "client_secret_basic": client_secret_basic.verify,
    "none": none.verify,
}


def authenticate(*, credentials: Credentials, provider: Provider) -> Proof:
    """Pick the one method that the request uses and verify it.

    Raises:
        InvalidRequest: it uses two.
        InvalidClient: it does not hold; one answer for every reason.

    Source: RFC 6749 section 2.3, OpenID Connect Core section 9.
    """
    used = [
        name
        for name, present in (
            ("private_key_jwt", credentials.assertion is not None or credentials.assertion_type is not None),
            ("client_secret_basic", credentials.authorization is not None),
        )
        if present
    ]
    if len(used) > 1 or (credentials.secret is not None and used):
        raise InvalidRequest("Use one way of client authentication, not two.")
    if credentials.secret is not None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="client_secret_post")
    method = used[0] if used else "none"
    proof = METHODS[method](credentials, provider)
    if proof.client.authentication_method != method:
        raise InvalidClient(METHODS_SHARED_TEXT, detail=f"registered for {proof.client.authentication_method}")
    return proof


__all__ = ["METHODS", "Credentials", "Proof", "authenticate"]
