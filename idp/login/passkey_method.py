"""The login method `passkey`: challenges, decoys, and the look-up of whose passkey it is."""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, ClassVar

from idp.audit.events import PasskeyCounterWentBack
from idp.citizens.credentials import PasskeyUse
from idp.citizens.fingerprints import number_hash
from idp.errors import AssertionRefused
from idp.login.method import Challenge, Desk, Verified
from idp.login.passkey import authentication_options, decoy_allow_list, read_assertion, verify_assertion
from idp.login.passkey_refusal import CounterWentBack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from idp.citizens.national_id import PersonalNumber
    from idp.login.passkey_options import Descriptor

CHALLENGE_BYTES = 32
DECOY = "passkey decoy"


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
            raise AssertionRefused("This passkey did not fit.", detail="unknown credential")
        passkey, citizen = found
        allowed = expected_state["allowed"]
        try:
            verified = verify_assertion(
                unverified=unverified,
                expected_challenge=b64decode(expected_state["challenge"]),
                expected_origin=self._desk.settings.server.issuer,
                expected_rp_id=self._desk.settings.rp_id,
                passkey=passkey,
                allowed=None if allowed is None else frozenset(b64decode(text) for text in allowed),
            )
        except CounterWentBack:
            event = PasskeyCounterWentBack(actor="anyone", citizen_id=citizen.id, object=passkey.id)
            self._desk.passkeys.flag_counter(event=event)
            raise
        if citizen.status != "active":
            raise AssertionRefused("This passkey did not fit.", detail=f"the account is {citizen.status}")
        use = PasskeyUse(
            passkey_id=passkey.id,
            citizen_id=citizen.id,
            expected_sign_count=passkey.sign_count,
            sign_count=verified.sign_count,
            backed_up=verified.backed_up,
        )
        return Verified(citizen_id=citizen.id, evidence=verified.evidence, use=use)
