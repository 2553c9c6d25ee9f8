"""The demo portal when its provider speaks first: a login that it begins, a session that it says is over."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jwt

from tests.support.foreign.lying_provider import CLIENT_ID, PERSON
from tests.unit.portal.test_portal_login import sign_in

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.support.foreign.lying_provider import Provider

EVENT = "http://schemas.openid.net/event/backchannel-logout"
SID = "session-of-an"


def logout_token(provider: Provider, *, key: jwk.ECKey | None = None, typ: str = "logout+jwt", **claims: Any) -> str:
    """Sign a logout token; a claim that is None is left out."""
    now = int(time.time())
    complete = {
        "iss": provider.issuer,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(16),
        "sub": PERSON["sub"],
        "sid": SID,
        "events": {EVENT: {}},
        **claims,
    }
    kept = {name: value for name, value in complete.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "provider", "typ": typ}, kept, key or provider.key)


def hears(browser: FlaskClient, token: str) -> int:
    """Post a token as the provider's server does; return the status."""
    return browser.application.test_client().post("/backchannel-logout", data={"logout_token": token}).status_code


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/me").status_code == 200


@pytest.fixture
def signed_in(browser: FlaskClient, provider: Provider) -> FlaskClient:
    """Give a browser that is signed in with a session that the provider has named."""
    provider.lies = {"claims": {"sid": SID}}
    sign_in(browser, provider)
    assert is_signed_in(browser)
    return browser


@pytest.mark.parametrize("about", [{}, {"sid": None}, {"sub": None}])
@pytest.mark.spec("LO-05")
def test_a_logout_token_ends_the_session_that_it_names(
    signed_in: FlaskClient, provider: Provider, about: dict[str, Any]
) -> None:
    assert hears(signed_in, logout_token(provider, sid="of another")) == 200
    assert is_signed_in(signed_in)
    assert hears(signed_in, logout_token(provider, **about)) == 200
    assert not is_signed_in(signed_in)


LIES: dict[str, dict[str, Any]] = {
    "typ of an ID token": {"typ": "JWT"},
    "another's issuer": {"iss": "https://evil.example"},
    "for another portal": {"aud": "another"},
    "too old": {"iat": int(time.time()) - 900, "exp": int(time.time()) - 600},
    "no end": {"exp": None},
    "no jti": {"jti": None},
    "a nonce": {"nonce": "n"},
    "no event": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an event that is no object": {"events": {EVENT: "x"}},
    "nobody": {"sub": None, "sid": None},
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.spec("LO-05")
def test_a_token_that_does_not_hold_ends_nothing(signed_in: FlaskClient, provider: Provider, lie: str) -> None:
    assert hears(signed_in, logout_token(provider, **LIES[lie])) == 400
    assert is_signed_in(signed_in)


@pytest.mark.spec("LO-05")
def test_a_token_by_another_key_again_or_none_at_all_ends_nothing(signed_in: FlaskClient, provider: Provider) -> None:
    other = jwk.ECKey.generate_key("P-256", {"kid": "provider", "alg": "ES256"})
    elsewhere = logout_token(provider, sid="of another")
    assert hears(signed_in, elsewhere) == 200
    for token in (logout_token(provider, key=other), elsewhere, "", "x", "a.b.c"):
        assert hears(signed_in, token) == 400
    assert is_signed_in(signed_in)


def test_a_key_that_the_provider_has_made_since_is_fetched(signed_in: FlaskClient, provider: Provider) -> None:
    provider.key = jwk.ECKey.generate_key("P-256", {"kid": "newer", "alg": "ES256", "use": "sig"})
    token = jwt.encode(
        {"alg": "ES256", "kid": "newer", "typ": "logout+jwt"},
        jwt.decode(logout_token(provider), provider.key).claims,
        provider.key,
    )
    assert hears(signed_in, token) == 200
    assert not is_signed_in(signed_in)


def test_the_provider_can_begin_a_login_and_nobody_else(browser: FlaskClient, provider: Provider) -> None:
    for method in (browser.get, browser.post):
        answer = method("/login/initiate", query_string={"iss": provider.issuer})
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(provider.issuer)
    assert provider.pushed["scope"] == "openid service:login"
    for iss in ("https://evil.example", provider.issuer + "/", ""):
        refused = browser.get("/login/initiate", query_string={"iss": iss, "target_link_uri": "https://evil.example"})
        assert "evil.example" not in refused.headers["Location"]
        assert not refused.headers["Location"].startswith(provider.issuer)
