"""DPoP beside mutual TLS: which of two keys binds, and by which address a proof may name an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.foreign.dpop import DpopKey
from tests.support.house import ISSUER, members
from tests.support.tls.mutual import MTLS_BASE, MutualPortal

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.tls.mutual import Mutual

BOUND_BY_CERTIFICATE = "tls_client_certificate_bound_access_tokens"


def refreshes_with(portal: MutualPortal, token: str, key: DpopKey) -> TestResponse:
    """Use a refresh token over mutual TLS, with a proof."""
    form = {**portal.authentication(), "grant_type": "refresh_token", "refresh_token": token}
    return portal.http.post("/token", data=form, headers={**portal.headers, **key.header("/token")})


def uses(portal: MutualPortal, token: str, key: DpopKey | None, *, with_certificate: bool) -> int:
    """Use an access token with what is held; return the status."""
    proof = {} if key is None else key.header("/userinfo", "GET", token=token)
    scheme = "Bearer" if key is None else "DPoP"
    front = portal.headers if with_certificate else {}
    return portal.http.get("/userinfo", headers={"Authorization": f"{scheme} {token}", **proof, **front}).status_code


@pytest.mark.spec("DP-09", "MT-06")
def test_a_proof_may_name_either_address_of_an_endpoint(mutual: Mutual) -> None:
    portal, citizen = mutual.portal(mutual.issuer.client()), mutual.house.logs_in_directly()
    token = citizen.gives_tokens(portal).refresh
    for base in (ISSUER, MTLS_BASE, "HTTPS://LOCALHOST:8444"):
        assert refreshes_with(portal, token, DpopKey(base=base)).status_code == 200, base
    for base in ("https://localhost:8000", "http://localhost:8444", "https://localhost", "https://evil.example"):
        refused = refreshes_with(portal, token, DpopKey(base=base))
        assert members(refused)["error"] == "invalid_dpop_proof", base


@pytest.mark.spec("DP-12", "MT-05")
def test_who_authenticates_with_a_certificate_and_sends_a_proof_gets_tokens_that_need_no_mutual_tls(
    mutual: Mutual,
) -> None:
    portal, citizen = mutual.portal(mutual.issuer.client()), mutual.house.logs_in_directly()
    key = DpopKey()
    answer = members(refreshes_with(portal, citizen.gives_tokens(portal).refresh, key))
    assert answer["token_type"] == "DPoP"
    assert uses(portal, answer["access_token"], key, with_certificate=False) == 200
    assert uses(portal, answer["access_token"], None, with_certificate=True) == 401


@pytest.mark.spec("MT-05", "TK-12")
def test_a_portal_that_is_bound_by_certificates_is_bound_by_both_and_never_by_less(mutual: Mutual) -> None:
    named = {"profile": "fapi2", BOUND_BY_CERTIFICATE: True}
    portal, citizen = mutual.portal(mutual.issuer.client(), **named), mutual.house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    assert tokens.members["token_type"] == "Bearer"
    key = DpopKey()
    access = members(refreshes_with(portal, tokens.refresh, key))["access_token"]
    assert uses(portal, access, key, with_certificate=True) == 200
    assert uses(portal, access, key, with_certificate=False) == 401
    assert uses(portal, access, None, with_certificate=True) == 401
    other = MutualPortal.registered(mutual.house, **named)
    other.front, other.paper = {}, None
    form = {**other.authentication(), "grant_type": "refresh_token", "refresh_token": tokens.refresh}
    refused = other.http.post("/token", data=form, headers=key.header("/token"))
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_request")


@pytest.mark.spec("RT-01", "DP-15")
def test_what_was_bound_to_a_certificate_is_never_refreshed_without_any_key(mutual: Mutual) -> None:
    portal, citizen = MutualPortal.registered(mutual.house), mutual.house.logs_in_directly()
    portal.paper = mutual.issuer.client()
    tokens = citizen.gives_tokens(portal)
    paper, portal.paper = portal.paper, None
    refused = portal.refreshes(tokens.refresh)
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_request")
    portal.paper = paper
    assert portal.refreshes(tokens.refresh).status_code == 200
