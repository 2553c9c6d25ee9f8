"""Signed request objects: an authorization request as a token that the relying party has signed (RFC 9101).

By value only, at the authorization endpoint and at PAR; nothing is ever fetched from elsewhere (section 10.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from idp.errors import InvalidRequest, InvalidRequestObject, RequestNotSupported, RequestUriNotSupported
from idp.protocol.signed_request import DOCUMENTS, Opened, marks_of, parameters_of, verified
from keys import JoseRefused, peek_unverified

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

REQUIRED: Final = ("iss", "aud")
REQUIRED_WHERE_SIGNED: Final = ("iss", "aud", "exp", "nbf")
"""What must stand there where the profile asks for signed messages (FAPI 2.0 Message Signing section 5.3.1)."""

PARAMETERS: Final = DOCUMENTS | {
    "client_id", "response_type", "response_mode", "redirect_uri", "scope", "state", "nonce", "prompt", "display",
    "code_challenge", "code_challenge_method", "acr_values", "id_token_hint", "login_hint", "ui_locales",
    "claims_locales", "resource", "dpop_jkt", "grant_id", "grant_management_action", "max_age",
}  # fmt: skip
"""The parameters of an authorization request; whatever else stands in an object is not known here and passed over."""

SAME_OUTSIDE: Final = ("client_id", "response_type")
"""What OAuth wants to see outside as well: it must not say another thing there (OpenID Connect Core section 6.1)."""


def opened(
    *, unverified: Mapping[str, str], client: RelyingParty, provider: Provider, pushed: bool, now: datetime
) -> Opened:
    """Return the parameters that count: those of the object alone, where one was sent.

    1. nothing of it is fetched; 2. where the relying party must sign its requests, there is an object; 3. algorithm,
    type, issuer, audience, times, and the signature by one of its keys; 4. what stands outside agrees; 5. its
    parameters, with their types; 6. its jti becomes a mark that is claimed once.

    Raises:
        RequestUriNotSupported: it lies elsewhere. RequestNotSupported: it is not signed.
        InvalidRequest: there is none where there has to be, or two.
        InvalidRequestObject: one of the others does not hold.

    Source: RFC 9101 sections 4, 6 and 10.8, FAPI 2.0 Message Signing section 5.3.1, OpenID Connect Core section 6.1.
    """
    token = unverified.get("request")
    if "request_uri" in unverified:  # 1
        if token is not None:
            raise InvalidRequest("request and request_uri exclude each other.")
        raise RequestUriNotSupported("request_uri must come from this issuer's PAR endpoint.")
    if token is None:
        if client.messages.request_object_required:  # 2
            raise InvalidRequest("This relying party must send its requests as signed objects (RFC 9101).")
        return Opened(unverified)
    try:
        peeked = peek_unverified(token)
        if peeked.header.get("alg") == "none" and not pushed:
            raise RequestNotSupported("Request objects without a signature are not taken.")
        claims = verified(  # 3
            peeked,
            algorithm=client.messages.request_object_algorithm,
            required=REQUIRED_WHERE_SIGNED if client.profile.signed_messages else REQUIRED,
            client=client,
            provider=provider,
            now=now,
        )
    except JoseRefused as error:
        raise InvalidRequestObject(f"The request object is not good: {error.reason}.", detail=error.reason) from error
    _check_outside(unverified=unverified, claims=claims)  # 4
    found = parameters_of(claims, known=PARAMETERS, refusal=InvalidRequestObject)  # 5
    return Opened(found, marks_of(claims, client_id=client.client_id, refusal=InvalidRequestObject))  # 6


def said_unverified(unverified: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a request says that was refused, its object's texts included: only to find where to say so.

    Nobody has vouched for any of it; an address out of it is compared with the registered ones like any other.
    """
    try:
        claims = peek_unverified(unverified["request"]).claims
    except (KeyError, JoseRefused):
        return unverified
    inside = {name: claims[name] for name in ("redirect_uri", "state") if isinstance(claims.get(name), str)}
    return {**unverified, **inside}


def _check_outside(*, unverified: Mapping[str, str], claims: Mapping[str, Any]) -> None:
    for name in SAME_OUTSIDE:
        if name in unverified and name in claims and unverified[name] != claims[name]:
            raise InvalidRequestObject(f"{name} is another one inside the request object than outside.")
