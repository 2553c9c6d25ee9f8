"""A backchannel authentication request: plain or signed, with one hint, a message, and how long it may wait.

Source: OpenID Connect CIBA Core section 7.1, FAPI CIBA section 5.2.2.
"""

from __future__ import annotations

import re
import unicodedata
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final

from idp.errors import InvalidRequest
from idp.protocol.grants.decoupled.refusals import InvalidBindingMessage
from idp.protocol.signed_request import Opened, marks_of, parameters_of, verified
from keys import JoseRefused, peek_unverified

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

PARAMETERS: Final = frozenset(
    {
        "scope", "client_notification_token", "acr_values", "login_hint_token", "id_token_hint", "login_hint",
        "binding_message", "user_code", "requested_expiry", "claims", "authorization_details", "max_age", "resource",
        "ui_locales",
    }
)  # fmt: skip
"""What belongs to the request itself; where it is signed, all of this stands inside, and none of it outside."""

HINTS: Final = ("login_hint", "id_token_hint", "login_hint_token")
REQUIRED: Final = ("iss", "aud", "exp", "nbf", "iat", "jti")

SIGNED_PROFILES: Final = frozenset({"fapi2", "fapi2-signing"})
"""Those of FAPI CIBA: they sign their requests, and show the same message on both devices."""

LONGEST_MESSAGE: Final = 60
MESSAGE_SIGNS: Final = frozenset(f"{ascii_letters}{digits}đĐ .,-#+()")
"""What is left of all that a message may hold without its marks; đ is a letter of its own and not a marked d."""

BEARER: Final = re.compile(r"(?=.{21,1024}\Z)[A-Za-z0-9._~+/-]+=*")
"""What can stand in an Authorization header (RFC 6750 section 2.1), and as long as the conformance suite's.

A length shows no randomness; 21 of its 68 characters can hold 127.8 bits, where CIBA Core section 7.1 asks for 128.
"""

EXPIRY: Final = re.compile(r"[1-9][0-9]{0,14}")
"""More than anybody waits: what is too much is cut short, and only what is no number of seconds is refused."""


def opened(*, unverified: Mapping[str, str], client: RelyingParty, provider: Provider, now: datetime) -> Opened:
    """Open a request.

    1. where requests have to be signed, it is; 2. algorithm, type, issuer, audience, times, and the signature by one of
    the relying party's keys; 3. nothing of it stands outside; 4. its parameters, with their types; 5. its jti becomes
    a mark that is claimed once.

    Raises:
        InvalidRequest: it is not signed, or not good, or something is said outside; there is no error of its own here.

    Source: OpenID Connect CIBA Core sections 7.1.1 and 13, FAPI CIBA section 5.2.2.
    """
    token, registered = unverified.get("request"), client.backchannel and client.backchannel.signing_algorithm
    if token is None:
        if registered or client.profile.name in SIGNED_PROFILES:  # 1
            raise InvalidRequest("This relying party must sign its requests: send them as request.")
        return Opened({name: value for name, value in unverified.items() if name in PARAMETERS})
    try:
        claims = verified(  # 2
            peek_unverified(token),
            algorithm=registered or None,
            required=REQUIRED,
            client=client,
            provider=provider,
            now=now,
        )
    except JoseRefused as error:
        raise InvalidRequest(f"The signed request is not good: {error.reason}.", detail=error.reason) from error
    outside = PARAMETERS & unverified.keys()
    if outside:  # 3
        raise InvalidRequest(f"These belong inside the signed request: {', '.join(sorted(outside))}.")
    found = parameters_of(claims, known=PARAMETERS, refusal=InvalidRequest)  # 4
    return Opened(found, marks_of(claims, client_id=client.client_id, refusal=InvalidRequest))  # 5


def one_hint(unverified: Mapping[str, str]) -> str:
    """Return the name of the one hint that says whom it is about.

    Raises:
        InvalidRequest: there is none, or more than one, or one of a kind that is not taken.
    """
    named = [name for name in HINTS if name in unverified]
    if len(named) != 1:
        raise InvalidRequest("Send exactly one of login_hint and id_token_hint.")
    if named[0] == "login_hint_token":
        raise InvalidRequest("login_hint_token is not taken here; send login_hint or id_token_hint.")
    return named[0]


def binding_message(unverified: Mapping[str, str], *, client: RelyingParty) -> str | None:
    """Return the message as it is shown: letters, digits and a few signs, on one line.

    Raises:
        InvalidBindingMessage: it is too long, holds anything else, or is missing where the profile asks for it.

    Source: OpenID Connect CIBA Core section 7.1, FAPI CIBA section 5.2.2.
    """
    message = unverified.get("binding_message")
    if message is None:
        if client.profile.name in SIGNED_PROFILES:
            raise InvalidBindingMessage("binding_message is missing: show the citizen the same code on both devices.")
        return None
    plain = unicodedata.is_normalized("NFC", message) and message == " ".join(message.split())
    if not plain or len(message) > LONGEST_MESSAGE or not all(_can_be_shown(sign) for sign in message):
        raise InvalidBindingMessage(f"binding_message is one line of letters and digits, at most {LONGEST_MESSAGE}.")
    return message


def _can_be_shown(sign: str) -> bool:
    """Tell whether it is one of the signs, with or without the marks of a language, and not one that looks like it."""
    return unicodedata.normalize("NFD", sign)[0] in MESSAGE_SIGNS


def seconds_to_wait(unverified: Mapping[str, str], *, provider: Provider) -> int:
    """Return how long the request waits: what is asked for, as far as it is allowed.

    Raises:
        InvalidRequest: requested_expiry is no positive number.
    """
    settings, asked = provider.settings.ciba, unverified.get("requested_expiry")
    if asked is None:
        return settings.request_seconds
    if not EXPIRY.fullmatch(asked):
        raise InvalidRequest("requested_expiry is a positive number of seconds.")
    return min(int(asked), settings.longest_request_seconds)


def notification_token(unverified: Mapping[str, str], *, client: RelyingParty) -> str | None:
    """Return the bearer token of a ping, or None where the relying party polls.

    Raises:
        InvalidRequest: it is missing, or cannot stand in a header, or holds too little chance.

    Source: OpenID Connect CIBA Core section 7.1.
    """
    if client.backchannel is None or client.backchannel.mode != "ping":
        return None
    token = unverified.get("client_notification_token")
    if token is None or not BEARER.fullmatch(token):
        raise InvalidRequest("client_notification_token is needed for ping: 21 to 1024 characters of a bearer token.")
    return token
