"""Whatever stands in a request object, signed or not: it is taken or refused, and nothing else ever happens."""

from __future__ import annotations

import jwt
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from idp import clock
from idp.errors import ProtocolError
from idp.protocol.authorization_request import RefusedAtRedirect, take
from idp.protocol.authorization_response import with_error
from idp.protocol.records import AuthorizationRequest
from idp.protocol.request_object import PARAMETERS
from tests.support.house import ISSUER, House, Portal

NAMES = sorted({*PARAMETERS, "iss", "aud", "exp", "nbf", "iat", "jti", "sub", "request", "x"})
LEAVES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["openid", "none", "login", "code", "jwt", "form_post", "{}", "[]", "0", ISSUER, "\x00", "service:login"]
)
VALUES = st.recursive(
    LEAVES | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)


@pytest.fixture(scope="module")
def portal(house: House) -> Portal:
    """Give a portal that signs its requests."""
    return house.registers_portal()


def is_taken_or_refused(portal: Portal, unverified: dict[str, str]) -> AuthorizationRequest | None:
    """Take a request, and answer its refusal: no exception but ours may come of it."""
    provider = portal.house.services.provider
    client = provider.directory.find(portal.client_id)
    assert client
    try:
        return take(unverified=unverified, client=client, provider=provider, pushed=True, now=clock.now()).request
    except RefusedAtRedirect as refused:
        answer = with_error(refused.asked, error=refused.error, client=client, provider=provider)
        assert answer.redirect_uri == portal.redirect_uri
    except ProtocolError:
        return None
    return None


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example({"claims": {"id_token": {"acr": {"values": "x"}}}})
@example({"claims": {"id_token": {"sub": {"value": []}}, "userinfo": []}})
@example({"max_age": 10**30})
@example({"iss": "\ud7ff"})
def test_whatever_was_signed_is_taken_or_refused(portal: Portal, changes: dict[str, object]) -> None:
    now = int(clock.now().timestamp())
    honest = {**portal.asks().parameters, "iss": portal.client_id, "aud": ISSUER, "iat": now, "exp": now + 60}
    try:
        token = jwt.encode({**honest, **changes}, portal.key, algorithm="ES256", headers={"kid": "k1"})
    except TypeError:  # PyJWT itself signs no issuer that is not a text
        return
    request = is_taken_or_refused(portal, {"request": token})
    if request is not None:
        assert AuthorizationRequest.from_members(orjson.loads(request.to_json())) == request
        assert request.redirect_uri == portal.redirect_uri


@given(st.text(max_size=60) | st.text("abeyJ0._-=", max_size=60) | st.binary(max_size=40).map(bytes.hex))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("eyJhbGciOiJub25lIn0.e30.")
@example("." * 60_000)
def test_whatever_comes_instead_of_an_object_is_refused(portal: Portal, text: str) -> None:
    assert is_taken_or_refused(portal, {"request": text, **portal.asks().parameters}) is None
