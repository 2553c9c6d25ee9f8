"""Attacks with DPoP proofs for something else: another method, address, time or token, or used twice (RFC 9449 4.3)."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from idp import clock
from idp.errors import InvalidDpopProof
from idp.protocol.sender import dpop
from tests.attacks.dpop.holder import PATHS, Holder, at_both, is_refused
from tests.support.foreign.dpop import DpopKey, encoded
from tests.support.house import ISSUER, House, later, members

if TYPE_CHECKING:
    from tests.support.house import SignedIn
    from tests.support.valkey import ValkeyServer


@at_both
@pytest.mark.spec("DP-17")
def test_claims_and_headers_that_nobody_knows_are_passed_over(holder: Holder, path: str) -> None:
    now = int(clock.now().timestamp())
    more = {"foo": "bar", "iss": "me", "sub": "me", "nbf": now, "exp": now + 300}
    assert holder.sends(path, holder.proof(path, headers={"foo": {"bar": 1}}, **more)).status_code == 200
    assert is_refused(holder.sends(path, holder.proof(path, exp=now - 5)), path)
    assert is_refused(holder.sends(path, holder.proof(path, nbf=now + 300)), path)


@at_both
@pytest.mark.parametrize("method", ["PUT", "post", "get", "HEAD", "GET POST", "*"])
@pytest.mark.spec("DP-08")
def test_a_proof_is_for_one_method(holder: Holder, path: str, method: str) -> None:
    refused = holder.sends(path, holder.proof(path, htm=method))
    assert is_refused(refused, path)
    assert members(refused)["error_description"] == "The DPoP proof is not good for this request: htm."
    assert is_refused(holder.sends(path, holder.proof(path, htm="GET" if path == "/token" else "POST")), path)
    assert holder.sends(path, holder.proof(path)).status_code == 200


@at_both
@pytest.mark.parametrize(
    "spelling",
    [
        "{0}?a=b#c",
        "{0}#c",
        "{0}?",
        "HTTP://LOCALHOST:8000{1}",
        "http://LocalHost:8000{1}",
        "http://localhost:8000/x/..{1}",
        "http://localhost:8000/.{1}",
        "http://localhost:8000/%2E{1}",
    ],
)
@pytest.mark.spec("DP-09")
def test_an_address_in_another_spelling_is_the_same(holder: Holder, path: str, spelling: str) -> None:
    htu = spelling.format(ISSUER + path, path)
    assert holder.sends(path, holder.proof(path, htu=htu)).status_code == 200
    escaped = f"{ISSUER}/%{ord(path[1]):02x}{path[2:]}"
    assert holder.sends(path, holder.proof(path, htu=escaped)).status_code == 200


@at_both
@pytest.mark.parametrize(
    "htu",
    [
        "https://localhost:8000{0}",
        "http://localhost{0}",
        "http://localhost:80{0}",
        "http://localhost:8001{0}",
        "http://evil.example{0}",
        "http://localhost:8000@evil.example{0}",
        "http://user@localhost:8000{0}",
        "http://localhost:8000.evil.example{0}",
        "http://evil.example\\@localhost:8000{0}",
        "http://localhost:8000{0}/",
        "http://localhost:8000{0}/.",
        "http://localhost:8000{0}/x/..",
        "http://localhost:8000/{0}",
        "http://localhost:8000{0}%2F",
        "http://localhost:8000/par",
        "http://localhost:8000",
        "http://localhost:8000{0};x",
        " http://localhost:8000{0}",
        "http://localhost:8000{0}\n",
        "http://localhost:8000{0}\t",
        "http://localhost:8000{0}\u0661",
        "//localhost:8000{0}",
        "{0}",
        "ftp://localhost:8000{0}",
    ],
)
@pytest.mark.spec("DP-09")
def test_a_proof_is_for_one_address(holder: Holder, path: str, htu: str) -> None:
    assert is_refused(holder.sends(path, holder.proof(path, htu=htu.format(path))), path)


@at_both
@pytest.mark.spec("DP-09")
def test_a_proof_for_the_other_endpoint_is_refused(holder: Holder, path: str) -> None:
    other = PATHS[1 - PATHS.index(path)]
    assert is_refused(holder.sends(path, holder.proof(path, htu=ISSUER + other)), path)
    assert is_refused(holder.sends(path, holder.proof(path, htu=f"{ISSUER}{path}" + "x" * 3000)), path)


@pytest.mark.parametrize("path", ["/grants/\u00e9", "/grants/a b"])
@pytest.mark.spec("DP-09")
def test_an_address_that_is_none_does_not_equal_another_that_is_none(house: House, path: str) -> None:
    key, provider, now = DpopKey(), house.services.provider, clock.now()
    for htu in ("nonsense", "ftp://evil.example/", f"{ISSUER}/grants/\u00e8"):
        with pytest.raises(InvalidDpopProof):
            dpop.verify(unverified_proof=key.proof(htu=htu), method="POST", path=path, provider=provider, now=now)
    good = key.proof(path)
    assert dpop.verify(unverified_proof=good, method="POST", path=path, provider=provider, now=now).jkt


@at_both
@pytest.mark.parametrize(("age", "is_good"), [(0, True), (10, True), (-9, True), (3600, False), (-3600, False)])
@pytest.mark.spec("DP-11", "JW-09")
def test_a_proof_is_of_now(holder: Holder, path: str, age: int, is_good: bool) -> None:  # noqa: FBT001  a parameter
    with later(100):  # nothing is believed that may be from before the memory
        response = holder.sends(path, holder.proof(path, iat=int(clock.now().timestamp()) - age))
    assert response.status_code == 200 if is_good else is_refused(response, path)


@at_both
@pytest.mark.parametrize("iat", ["9999999999", 1e400, -1, 0, 10**20, "now"])
@pytest.mark.spec("DP-11", "JW-09")
def test_an_instant_is_a_whole_number_of_seconds(holder: Holder, path: str, iat: Any) -> None:
    assert is_refused(holder.sends(path, holder.proof(path, iat=iat)), path)


@pytest.mark.spec("DP-11")
def test_an_old_proof_does_not_live_longer_for_an_end_that_it_names(holder: Holder) -> None:
    with later(100):
        now = int(clock.now().timestamp())
        assert is_refused(holder.refreshes_with(holder.key.proof(iat=now - 61, exp=now + 300)), "/token")
        assert holder.refreshes_with(holder.key.proof(iat=now - 50, exp=now + 300)).status_code == 200


@pytest.mark.spec("DP-03", "DP-12")
def test_a_proof_names_the_token_that_it_goes_with(holder: Holder, citizen: SignedIn) -> None:
    other = citizen.gives_tokens(holder.portal)
    wrong: tuple[Any, ...] = (None, "", encoded(hashlib.sha256(b"x").digest()), other.access, 7, [])
    for ath in wrong:
        assert is_refused(holder.asks_with(holder.key.proof("/userinfo", "GET", ath=ath)), "/userinfo")
    stolen = holder.key.proof("/userinfo", "GET", token=other.access)
    assert is_refused(holder.asks_with(stolen), "/userinfo")
    assert holder.asks_with(holder.proof("/userinfo")).status_code == 200


@pytest.mark.spec("DP-12")
def test_a_token_is_worth_nothing_with_a_proof_by_another_key(holder: Holder) -> None:
    thief = DpopKey().proof("/userinfo", "GET", token=holder.tokens.access)
    assert is_refused(holder.asks_with(thief), "/userinfo", "invalid_token")
    assert holder.asks_with(holder.proof("/userinfo")).status_code == 200


@at_both
@pytest.mark.spec("DP-13")
def test_a_proof_works_once_on_whatever_worker(holder: Holder, path: str) -> None:
    proof = holder.proof(path)
    assert holder.sends(path, proof).status_code == 200
    again = holder.sends(path, proof)
    assert is_refused(again, path)
    assert "used before" in members(again)["error_description"]
    house = holder.portal.house
    elsewhere = house.beside()
    holder.portal.moves_to(elsewhere)
    assert is_refused(holder.sends(path, proof), path)
    holder.portal.moves_to(house)
    elsewhere.services.close()
    assert is_refused(holder.sends(path, holder.proof(path, jti="j" * 129)), path)
    assert is_refused(holder.sends(path, holder.proof(path, jti="é" * 65)), path)
    assert holder.sends(path, holder.proof(path, jti=secrets.token_hex(64))).status_code == 200


@pytest.mark.spec("DP-13")
def test_two_keys_may_use_the_same_identifier(holder: Holder) -> None:
    jti = secrets.token_hex(8)
    assert holder.refreshes_with(holder.key.proof(jti=jti)).status_code == 200
    assert holder.refreshes_with(DpopKey().proof(jti=jti)).status_code == 200


@pytest.mark.spec("DP-13")
def test_a_proof_works_once_though_the_memory_was_lost(
    tmp_path_factory: pytest.TempPathFactory, own_valkey: ValkeyServer
) -> None:
    house = House.build(folder=tmp_path_factory.mktemp("forgetful"), redis_url=own_valkey.url)
    portal = house.registers_portal(profile="fapi2")
    holder = Holder(portal, house.logs_in_directly().gives_tokens(portal))
    proofs = {path: holder.proof(path) for path in PATHS}
    assert all(holder.sends(path, proof).status_code == 200 for path, proof in proofs.items())
    own_valkey.client.flushall()
    house.waits_until_assertions_count()
    for path, proof in proofs.items():
        assert is_refused(holder.sends(path, proof), path)
        assert holder.sends(path, holder.proof(path)).status_code == 200
    house.services.close()
