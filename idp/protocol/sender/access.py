"""An access token where it is used: whose it is, and that its sender holds the key that it is bound to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idp.ephemeral import Claim
from idp.errors import DpopNonceNeeded, DpopProofRefused, InvalidDpopProof, InvalidToken, UseDpopNonce
from idp.protocol.client_auth import replayed
from idp.protocol.sender import dpop, mtls
from idp.protocol.tokens import AccessToken, read_userinfo_token

if TYPE_CHECKING:
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.protocol.records import SenderKey

BEARER, DPOP = "bearer", "dpop"
BOUND = "The access token is bound to a key: send it as Authorization: DPoP, with a proof by that key."
NOT_BOUND = "The access token is bound to no key: send it as Authorization: Bearer."


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as a request brings it: under which scheme, in small letters, and with what its sender proves."""

    token: str = field(repr=False)
    scheme: str
    method: str
    path: str
    proof: str | None = field(repr=False)
    certificate: bytes | None = field(repr=False)


def check(presented: Presented, *, provider: Provider, now: datetime) -> AccessToken:
    """Read an access token for userinfo and check who sends it.

    1. it is one of ours, and not over; 2. a certificate that it is bound to is the connection's; 3. one that is bound
    to a key comes as DPoP, any other as Bearer; 4. the proof is by that key, for this request and this token; 5. and
    used once.

    Raises:
        InvalidToken: 1, 2 or 3 does not hold, or the key is another. DpopProofRefused, DpopNonceNeeded: the proof is
            not good. TemporarilyUnavailable: the memory does not answer.

    Source: RFC 9449 sections 7.1 and 7.2, RFC 8705 section 3, RFC 6750 section 2.1.
    """
    token = read_userinfo_token(unverified_token=presented.token, provider=provider)  # 1
    check_sender(presented, expected=token.sender, provider=provider, now=now)  # 2 to 5
    return token


def check_sender(presented: Presented, *, expected: SenderKey, provider: Provider, now: datetime) -> None:
    """Check that a token is sent by whom it is bound to: steps 2 to 5 of `check`, for a token that was read elsewhere.

    Raises:
        InvalidToken, DpopProofRefused, DpopNonceNeeded, TemporarilyUnavailable: as `check` does.
    """
    mtls.check_bound(expected_x5t=expected.x5t, certificate=presented.certificate)  # 2
    if (expected.jkt is None) != (presented.scheme == BEARER):  # 3
        raise InvalidToken(NOT_BOUND if expected.jkt is None else BOUND)
    if expected.jkt is not None:
        try:
            _check_proof(presented, expected_jkt=expected.jkt, provider=provider, now=now)
        except InvalidDpopProof as error:
            raise DpopProofRefused(error.public, detail=error.detail) from error
        except UseDpopNonce as error:
            raise DpopNonceNeeded(error.public, nonce=error.nonce) from error


def _check_proof(presented: Presented, *, expected_jkt: str, provider: Provider, now: datetime) -> None:
    if presented.proof is None:
        raise InvalidDpopProof("Send a DPoP proof with the access token.")
    verified = dpop.verify(  # 4
        unverified_proof=presented.proof,
        method=presented.method,
        path=presented.path,
        provider=provider,
        now=now,
        access_token=presented.token,
    )
    if verified.jkt != expected_jkt:
        raise InvalidToken(BOUND, detail="proof by another key")
    mark = verified.mark
    (claimed,) = provider.ephemeral.wave(Claim(mark.key, mark.seconds))  # 5
    if not claimed.first or mark.issued_at <= claimed.since:
        raise replayed(mark, claimed)
