"""Making a passkey: the challenge of a registration and its answer, for activation and for the account page alike."""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import orjson
from flask import request

from idp import clock, limits
from idp.ephemeral import Take, Write
from idp.errors import RegistrationRefused
from idp.login.passkey import ExpectedCeremony, PasskeyUser, registration_options, verify_registration
from idp.pages import _visit
from idp.pages._words import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from idp.citizens.credentials import NewPasskey, Passkey

CHALLENGE_BYTES = 32
LONGEST_NAME = 60
REFUSED = "This passkey could not be kept."


def begin(
    *, key: str, user_handle: bytes, display_name: str, exclude: Sequence[Passkey], address: str
) -> Mapping[str, Any]:
    """Return the options of a registration; its challenge is remembered once, under `key`.

    Raises:
        TooManyAttempts: the limit of this address is reached.
    """
    services = _visit.services()
    settings = services.provider.settings
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    state = {"challenge": b64encode(challenge).decode(), "user_handle": b64encode(user_handle).decode()}
    counts = limits.steps("passkey", settings=settings.limits, address=address)
    remember = Write(f"ceremony:new:{key}", orjson.dumps(state), settings.passkeys.challenge_seconds)
    replies = services.provider.ephemeral.wave(*counts, remember)
    limits.check("passkey", replies[: len(counts)], settings=settings.limits)
    return registration_options(
        rp_id=settings.rp_id,
        rp_name=settings.passkeys.rp_name,
        user=PasskeyUser(handle=user_handle, name=display_name, display_name=display_name),
        challenge=challenge,
        exclude=exclude,
        attestation=settings.passkeys.attestation,
    )


def finish(*, key: str, unverified_response: bytes, name: str) -> NewPasskey:
    """Verify a registration; the challenge is taken whatever comes of it.

    Raises:
        RegistrationRefused: for every reason.
    """
    services = _visit.services()
    settings = services.provider.settings
    (state,) = services.provider.ephemeral.wave(Take(f"ceremony:new:{key}"))
    if state is None:
        raise RegistrationRefused(REFUSED, detail="no challenge waits")
    remembered = orjson.loads(state)
    expected = ExpectedCeremony(
        challenge=b64decode(remembered["challenge"]), origin=settings.server.issuer, rp_id=settings.rp_id
    )
    return verify_registration(
        unverified_response=unverified_response,
        expected=expected,
        user_handle=b64decode(remembered["user_handle"]),
        name=clean_name(name),
        metadata=services.journey.desk.metadata,
        now=clock.now(),
    )


def suggested_name() -> str:
    """Return a name for a new passkey in plain words, from what the browser says it runs on."""
    agent = request.headers.get("User-Agent", "")
    known = (
        ("iPhone", _("Điện thoại iPhone")),
        ("iPad", _("Máy tính bảng iPad")),
        ("Android", _("Điện thoại Android")),
        ("Mac OS", _("Máy tính Mac")),
        ("Windows", _("Máy tính Windows")),
        ("Linux", _("Máy tính Linux")),
    )
    return next((name for mark, name in known if mark in agent), _("Thiết bị của tôi"))


def clean_name(typed: str) -> str:
    """Return a passkey's name on one line, at most 60 characters; empty where there is nothing left."""
    return " ".join("".join(c if c.isprintable() else " " for c in typed).split())[:LONGEST_NAME]
