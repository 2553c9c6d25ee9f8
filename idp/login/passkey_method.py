"""The login method `passkey`: challenges, decoys, and the look-up of whose passkey it is."""

from __future__ import annotations

import contextlib
import secrets
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, ClassVar

from idp import clock
from idp.audit.events import PasskeyCounterWentBack
from idp.citizens.credentials import NewPasskey, PasskeyUse
from idp.citizens.fingerprints import number_hash
from idp.errors import AssertionRefused
from idp.login.method import Challenge, Desk, Verified
from idp.login.passkey import (
    ExpectedCeremony,
    authentication_options,
    decoy_allow_list,
    read_assertion,
    verify_assertion,
)
from idp.login.passkey_refusal import PUBLIC, CounterWentBack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from idp.citizens.credentials import Passkey
    from idp.citizens.national_id import PersonalNumber
    from idp.login.passkey import UnverifiedAssertion, VerifiedAssertion
    from idp.login.passkey_options import Descriptor

CHALLENGE_BYTES = 32
DECOY = "passkey decoy"
NOBODY = "-"

# The base point of P-256 as a COSE key (RFC 9053 section 7.1.1). Its private key is 1: nothing is believed by it.
BASE_POINT = bytes.fromhex(
    "a5010203262001215820"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "225820"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


class PasskeyMethod:
    """Discoverable first; with a number typed, the passkeys of that number, or decoys that look like them."""

    name: ClassVar[str] = "passkey"

    def __init__(self, desk: Desk) -> None:
        """Keep what it works with."""
        self._desk = desk

    def challenge(self, *, number: PersonalNumber | None) -> Challenge:
        """See `Method.challenge` (Web Authentication Level 3 section 14.6.2)."""
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        allow = () if number is None else self._allow_list(number)
        options = authentication_options(rp_id=self._desk.settings.rp_id, challenge=challenge, allow=allow)
        state = {
            "challenge": b64encode(challenge).decode(),
            "allowed": None if number is None else [b64encode(credential_id).decode() for credential_id, _ in allow],
        }
        return Challenge(options=options, state=state)

    def _allow_list(self, number: PersonalNumber) -> Sequence[Descriptor]:
        """Do the same work for a number that is known, unknown, suspended or not yet activated."""
        hashed = number_hash(sealer=self._desk.sealer, number=number)
        decoys = decoy_allow_list(seed=self._desk.sealer.keyed_hash(purpose=DECOY, message=hashed))
        return tuple(self._desk.passkeys.allowed_for(number_hash=hashed)) or decoys

    def verify(self, *, expected_state: Mapping[str, Any], unverified_response: bytes) -> Verified:
        """See `Method.verify` (Web Authentication Level 3 section 7.2)."""
        unverified = read_assertion(unverified_response)
        found = self._desk.passkeys.by_credential_id(credential_id=unverified.credential_id)
        if found is None:
            with contextlib.suppress(AssertionRefused):
                self._verify(expected_state, unverified, self._nobodys(unverified.credential_id))
            raise AssertionRefused(PUBLIC[AssertionRefused], detail="unknown credential")
        passkey, citizen = found
        try:
            verified = self._verify(expected_state, unverified, passkey)
        except CounterWentBack:
            event = PasskeyCounterWentBack(actor="anyone", citizen_id=citizen.id, object=passkey.id)
            self._desk.passkeys.flag_counter(event=event)
            raise
        if citizen.status != "active":
            raise AssertionRefused(PUBLIC[AssertionRefused], detail=f"the account is {citizen.status}")
        use = PasskeyUse(
            passkey_id=passkey.id,
            citizen_id=citizen.id,
            expected_sign_count=passkey.sign_count,
            sign_count=verified.sign_count,
            backed_up=verified.backed_up,
        )
        return Verified(citizen_id=citizen.id, evidence=verified.evidence, use=use)

    def _verify(
        self, expected_state: Mapping[str, Any], unverified: UnverifiedAssertion, passkey: Passkey
    ) -> VerifiedAssertion:
        allowed = expected_state["allowed"]
        settings = self._desk.settings
        expected = ExpectedCeremony(
            challenge=b64decode(expected_state["challenge"]), origin=settings.server.issuer, rp_id=settings.rp_id
        )
        return verify_assertion(
            unverified=unverified,
            expected=expected,
            passkey=passkey,
            allowed=None if allowed is None else frozenset(b64decode(text) for text in allowed),
        )

    def _nobodys(self, credential_id: bytes) -> Passkey:
        """Return what stands in for a passkey that is not there, so that its refusal takes as long.

        Who asks with a number gets credential ids, made up or not; answering with a forged signature would tell the
        two apart by the clock.
        """
        looks = self._desk.sealer.keyed_hash(purpose=DECOY, message=credential_id)
        return NewPasskey(
            credential_id=credential_id,
            public_key=BASE_POINT,
            user_handle=looks,
            sign_count=0,
            aaguid=NOBODY,
            backup_eligible=bool(looks[0] & 1),
            backed_up=False,
            transports=(),
            attested=False,
            biometric_only=False,
            hardware_bound=False,
            name="",
        ).given_to(citizen_id=NOBODY, at=clock.now())
