"""DPoP proofs of any shape: each is taken or refused with an error of ours, and addresses have one spelling."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp import clock
from idp.errors import InvalidDpopProof, UseDpopNonce
from idp.protocol.sender import dpop
from tests.support.foreign.dpop import DpopKey, encoded
from tests.support.house import ISSUER

if TYPE_CHECKING:
    from tests.support.house import House

KEY = DpopKey()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = st.dictionaries(st.sampled_from(("jti", "htm", "htu", "iat", "exp", "nbf", "nonce", "ath", "aud")), JSON)
HEADERS = st.dictionaries(st.sampled_from(("typ", "alg", "jwk", "kid", "crit", "x")), JSON)
shared_house = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def verifies(house: House, proof: str) -> None:
    """Verify, and let nothing through but what is ours."""
    provider = house.services.provider
    with contextlib.suppress(InvalidDpopProof, UseDpopNonce):
        dpop.verify(unverified_proof=proof, method="POST", path="/token", provider=provider, now=clock.now())


@shared_house
@given(proof=st.text(max_size=300) | st.text("abcAZ019-_.=+/{}", max_size=300))
@pytest.mark.spec("DP-02")
def test_any_text_is_refused_by_an_error_of_ours(house: House, proof: str) -> None:
    verifies(house, proof)


@shared_house
@given(claims=CLAIMS, headers=HEADERS)
@pytest.mark.spec("DP-02", "DP-03")
def test_any_claims_and_headers_are_taken_or_refused_by_an_error_of_ours(
    house: House, claims: dict[str, Any], headers: dict[str, Any]
) -> None:
    complete = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.jwk, **headers}
    body = {"jti": "x", "htm": "POST", "htu": f"{ISSUER}/token", "iat": int(clock.now().timestamp()), **claims}
    segments = [encoded(json.dumps(part).encode()) for part in (complete, body)]
    signature = jwt.get_algorithm_by_name("ES256").sign(".".join(segments).encode(), KEY.private)
    verifies(house, ".".join((*segments, encoded(signature))))


@shared_house
@given(address=st.text(max_size=60) | st.from_regex(r"https?://[a-zA-Z.:0-9@\[\]]{0,12}[/.%a-z0-9?#\\;]{0,20}"))
@pytest.mark.spec("DP-09")
def test_an_address_that_is_normal_stays_as_it_is(address: str) -> None:
    once = dpop.normalised(address)
    assert dpop.normalised(once) == once
    assert once == "" or once.isascii()
    assert not {"?", "#", "\\", " ", "@"} & set(once.partition("/token")[0].split("/")[2] if once else "")
