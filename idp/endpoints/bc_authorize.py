"""POST /bc-authorize: a relying party names a citizen, who approves on a device of the own (CIBA).

Whom a hint leads to changes nothing of the answer, nor of what is done for it: a request for nobody waits like any
other, and nobody ever sees it.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson

from idp import clock
from idp.citizens.fingerprints import number_hash
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import PersonalNumber
from idp.endpoints._http import Request, Response, json_response
from idp.errors import InvalidRequest, SlowDown, UnauthorizedClient
from idp.login import even_time
from idp.protocol.client_auth import authenticate, spend
from idp.protocol.grants.decoupled import backchannel_request, persons, waiting
from idp.protocol.grants.decoupled.checks import check
from idp.protocol.grants.decoupled.waiting import NOTICE_PURPOSE, Waiting
from idp.protocol.subject import subject_for
from idp.relying_parties.profiles import CIBA

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.client_auth import Mark, Proof
    from idp.protocol.provider import Provider
    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.client import RelyingParty
    from idp.services import Services

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that holds in itself: what it asks, for how long, what both devices show, and how to tell of it."""

    request: AuthorizationRequest
    parameters: Mapping[str, str] = field(repr=False)
    hint: str
    message: str | None
    seconds: int
    notification_token: str | None = field(repr=False)
    marks: tuple[Mark, ...]


def answer(request: Request, services: Services) -> Response:
    """Take a request, check all of it, and let it wait for its citizen, if there is one.

    1. who it is; 2. the signed request is opened, and every check that needs no redirect; 3. whom it is about; 4. the
    marks and limits, in one wave; 5. only then, whether the person is free; 6. it waits; 7. all of it in even time.

    Raises:
        ProtocolError: what was wrong with the request; never anything about the person.

    Source: OpenID Connect CIBA Core sections 7.1 to 7.3 and 13.
    """
    provider, now = services.provider, clock.now()
    proof = authenticate(request, provider=provider, now=now)  # 1
    asked = _read(request.form, client=proof.client, provider=provider, now=now)  # 2
    began = even_time.now()
    auth_req_id = waiting.new_secret()
    waits = _wait(auth_req_id, asked=asked, proof=proof, provider=provider, now=now)
    even_time.even_out(began=began, step=even_time.NUMBER_SECONDS)  # 7
    return json_response({"auth_req_id": auth_req_id, "expires_in": asked.seconds, "interval": waits.interval})


def _read(form: Mapping[str, str], *, client: RelyingParty, provider: Provider, now: datetime) -> _Asked:
    """Check everything about a request that has nothing to do with the person."""
    if CIBA not in client.grant_types or client.backchannel is None:
        raise UnauthorizedClient(f"This relying party is not registered for {CIBA}.")
    opened = backchannel_request.opened(unverified=form, client=client, provider=provider, now=now)
    parameters = opened.parameters
    hint = backchannel_request.one_hint(parameters)
    checked = check(
        unverified={name: value for name, value in parameters.items() if name != "login_hint"},
        client=client,
        provider=provider,
    )
    fresh = provider.settings.ciba.fresh_seconds
    oldest = fresh if checked.max_age is None else min(fresh, checked.max_age)
    return _Asked(
        request=replace(checked, max_age=oldest),
        parameters=parameters,
        hint=hint,
        message=backchannel_request.binding_message(parameters, client=client),
        seconds=backchannel_request.seconds_to_wait(parameters, provider=provider),
        notification_token=backchannel_request.notification_token(parameters, client=client),
        marks=opened.marks,
    )


def _wait(auth_req_id: str, *, asked: _Asked, proof: Proof, provider: Provider, now: datetime) -> Waiting:
    """Let a request wait; only where nothing else waits for a person who wants to hear of it, it is shown."""
    client, settings = proof.client, provider.settings.ciba
    sought, person = _person(asked, client=client, provider=provider)  # 3
    since = now - timedelta(hours=settings.blocked_hours)
    disowned = provider.approvals.disowned(citizen_id=person, client_id=client.client_id, since=since)
    place = f"{NOBODY}.{client.client_id}.{person}" if disowned else person
    counts = persons.count_steps(sought=sought, client_id=client.client_id)
    marked = replace(proof, marks=proof.marks + asked.marks)
    in_an_hour, former = spend(marked, *counts, provider=provider)  # 4
    if in_an_hour > settings.requests_per_person:
        raise SlowDown("Too many requests for one person; wait an hour.", wait_seconds=persons.HOUR)
    before, shown = provider.ephemeral.wave(*persons.place_steps(place=place, seconds=asked.seconds))  # 5
    waits = Waiting(
        name=waiting.name_of("ciba", auth_req_id),
        request=replace(
            asked.request, expected_subject=subject_for(client=client, citizen_id=person, sealer=provider.sealer)
        ),
        ends_at=int(now.timestamp()) + asked.seconds,
        interval=settings.interval_seconds,
        shown=asked.message,
        person=person,
        sealed_notice=_sealed(auth_req_id, asked=asked, provider=provider),
    )
    gone = persons.gives_way(former=former, ephemeral=provider.ephemeral)
    free = before == 1 or (gone and former == shown)
    place = place if free else f"{NOBODY}.{waits.name}"
    show = persons.show_steps(place=place, sought=sought, request=waits, seconds=asked.seconds)
    provider.ephemeral.wave(*waiting.begin_steps(waits), *show)  # 6
    return waits


def _person(asked: _Asked, *, client: RelyingParty, provider: Provider) -> tuple[str, str]:
    """Return what a hint says, hashed, and whom it is about: a citizen's id, or what stands for nobody in the same way.

    What is told to a relying party rests on the first alone: it must not learn that two hints lead to one person.

    Raises:
        InvalidRequest: the hint has not the shape of one, or claims name somebody beside it: whether both are one
            person is nothing that a portal learns here.
    """
    subject = asked.request.expected_subject
    if asked.hint == "id_token_hint" and subject is not None:
        found = provider.approvals.by_subject(client_id=client.client_id, subject=subject)
        return subject, found or f"{NOBODY}.{subject}"
    if subject is not None:
        raise InvalidRequest("claims name a sub beside login_hint: send one of them, the sub by id_token_hint.")
    try:
        number = PersonalNumber.parse(asked.parameters["login_hint"])
    except Malformed as error:
        raise InvalidRequest("login_hint is a personal number of 12 digits.") from error
    sought = number_hash(sealer=provider.sealer, number=number)
    return sought.hex(), provider.approvals.by_number(number_hash=sought) or f"{NOBODY}.{sought.hex()}"


def _sealed(auth_req_id: str, *, asked: _Asked, provider: Provider) -> str | None:
    """Return what a ping says and with which token, sealed; None where the relying party polls."""
    if asked.notification_token is None:
        return None
    notice = orjson.dumps({"auth_req_id": auth_req_id, "token": asked.notification_token})
    return b64encode(provider.sealer.seal(purpose=NOTICE_PURPOSE, plaintext=notice)).decode()
