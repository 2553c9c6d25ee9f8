"""Sends one notice to the operator's gateway, which writes to the citizen: a pushed security event token (RFC 8935)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from idp import clock
from idp.errors import NoAnswer
from idp.notices import ADVICE_EN, ADVICE_VI, FORMER_CONTACT, NOTICES, former_contact
from idp.outbound import OutboundClient
from idp.worker.answers import Undeliverable, Unready, Unwanted
from keys import sign_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.outbox import ClaimedDelivery
    from idp.services import Services
    from idp.settings import Outbound

TYP = "secevent+jwt"
KIND = "application/secevent+jwt"
SUCCEEDED = (200, 202, 204)
"""202 is what RFC 8935 section 2.2 asks for."""
REFUSED = frozenset({400, 413, 415, 422})
"""It will never take this one (RFC 8935 section 2.3)."""
AWAY = frozenset({401, 403, 404, 408, 502, 503, 504})
"""It takes none at this moment, for reasons of its own or because of how we ask; all wait."""


def send(claimed: ClaimedDelivery, *, services: Services) -> None:
    """Make a token with the key and the addresses of now, and post it.

    Raises:
        Unwanted: the gateway will not take this one; another time it would answer the same.
        Undeliverable: there is nobody, or nothing by which the citizen could be reached.
        Unready: it fails for this one alone. SealBroken: so it does, as what is known of the citizen does not open.
        OutboundError: the gateway is away. NoActiveKey: nothing can sign at this moment.

    Source: RFC 8935 section 2.
    """
    address = services.provider.settings.notices.gateway
    if not address:
        raise NoAnswer("This worker knows of no gateway: [notices] is not the same everywhere.")
    if claimed.payload["type"] not in NOTICES:
        raise Unready("A newer release knows what to say here.")
    subject = _subject(claimed, services=services)
    token = _token(claimed, audience=address, subject=subject, services=services)
    status = _gateway(services.provider.settings.outbound).post(address, token.encode(), kind=KIND)
    if status in REFUSED:
        raise Unwanted(f"It answers with status {status}: it does not accept the security event token.")
    if status in AWAY:
        raise NoAnswer(f"It answers with status {status}, and 202 is needed.")
    if status not in SUCCEEDED:
        raise Unready(f"It answers this one with status {status}, and 202 is needed.")


def _subject(claimed: ClaimedDelivery, *, services: Services) -> Mapping[str, Any]:
    """Return whom to write to: the former contact alone, or whatever the register knows at this moment.

    Nothing else of a person leaves with a notice.

    Source: RISC 1.0 section 2.5 for a former contact, RFC 9493 sections 3.2.2, 3.2.6 and 3.2.8.
    """
    citizen = services.people.citizens.by_id(citizen_id=claimed.payload["citizen_id"])
    if citizen is None or citizen.status == "deceased":
        raise Undeliverable("There is nobody to write to any more.")
    if claimed.payload["type"] == FORMER_CONTACT:
        return former_contact(payload=claimed.payload, sealer=services.provider.sealer)
    identifiers = [{"format": name, name: contact} for name, contact in citizen.person.contacts().items()]
    if not identifiers:
        raise Undeliverable("The register knows neither a telephone number nor an e-mail address.")
    return {"format": "aliases", "identifiers": identifiers}


def _token(claimed: ClaimedDelivery, *, audience: str, subject: Mapping[str, Any], services: Services) -> str:
    """Return what happened as a signed token: to whom, when, how, and what to tell them.

    A delivery that is tried again has the same `jti`. There is no `exp` and no `sub`, so that no token of ours that
    somebody else trusts can be mistaken for it, nor the other way round.

    Source: RFC 8417 section 2.2, CAEP 1.0 sections 2 and 3.3.
    """
    provider, now = services.provider, clock.now()
    notice, happened = NOTICES[claimed.payload["type"]], int(claimed.created_at.timestamp())
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "aud": audience,
        "iat": int(now.timestamp()),
        "jti": claimed.id,
        "txn": claimed.payload["correlation"],
        "toe": happened,
        "sub_id": subject,
        "events": {
            notice.event: {
                **notice.members,
                "initiating_entity": claimed.payload["initiator"],
                "event_timestamp": happened,
                "reason_user": {"vi": f"{notice.vi} {ADVICE_VI}", "en": f"{notice.en} {ADVICE_EN}"},
            }
        },
    }
    key = provider.ring.signing_key(provider.settings.keys.algorithms[0], now=now)
    return sign_jwt(claims=claims, key=key, typ=TYP)


@functools.cache
def _gateway(settings: Outbound) -> OutboundClient:
    """Return the client for an address that the operator has chosen, in the operator's own network perhaps."""
    return OutboundClient(settings, own_network=True)
