"""Attacks on the form of a DPoP proof: one token, its claims, type, algorithm, key and signature (RFC 9449 4.3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any

import jwt
import orjson
import pytest

from tests.attacks.dpop.holder import Holder, at_both, is_refused
from tests.support.foreign.dpop import DpopKey, encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.house import House, SignedIn


@at_both
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
@pytest.mark.spec("DP-05", "DP-06")
def test_a_proof_by_every_algorithm_is_taken(house: House, citizen: SignedIn, path: str, algorithm: str) -> None:
    portal = house.registers_portal(profile="fapi2")
    portal.dpop = DpopKey(algorithm)
    holder = Holder(portal, citizen.gives_tokens(portal))
    assert holder.sends(path, holder.proof(path)).status_code == 200


@at_both
@pytest.mark.spec("DP-01")
def test_two_headers_are_refused(holder: Holder, path: str) -> None:
    assert is_refused(holder.sends(path, holder.proof(path), holder.proof(path)), path)
    once = holder.proof(path)
    assert is_refused(holder.sends(path, once, once), path)
    assert is_refused(holder.sends(path, f"{holder.proof(path)}, {holder.proof(path)}"), path)
    assert holder.sends(path, holder.proof(path)).status_code == 200


def nested(proof: str) -> str:
    """Return the same claims as an unsecured object of JSON serialization."""
    header, claims, signature = proof.split(".")
    return orjson.dumps({"protected": header, "payload": claims, "signature": signature}).decode()


@at_both
@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: "x",
        lambda _: "..",
        lambda _: "é",
        lambda proof: proof.rpartition(".")[0],
        lambda proof: f"{proof}.x",
        lambda proof: f"{proof}=",
        lambda proof: f"{proof}.{proof}",
        lambda proof: f"Bearer {proof}",
        nested,
        lambda proof: "x" * 20_000 + proof,
    ],
)
@pytest.mark.spec("DP-02")
def test_what_is_not_one_token_is_refused(holder: Holder, path: str, spoil: Callable[[str], str]) -> None:
    assert is_refused(holder.sends(path, spoil(holder.proof(path))), path)
    assert holder.sends(path, holder.proof(path)).status_code == 200


@at_both
@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat"])
@pytest.mark.spec("DP-03")
def test_every_claim_must_be_there_and_of_its_type(holder: Holder, path: str, claim: str) -> None:
    values: tuple[Any, ...] = (None, "", 7.5, True, [], {}, ["x"])
    for wrong in values:
        assert is_refused(holder.sends(path, holder.proof(path, **{claim: wrong})), path), wrong
    assert holder.sends(path, holder.proof(path)).status_code == 200


@at_both
@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt", "dpop", "dpop+jwt ", "client-authentication+jwt", 7, ""])
@pytest.mark.spec("DP-03", "DP-04", "JW-08")
def test_the_type_says_what_it_is(holder: Holder, path: str, typ: Any) -> None:
    header, claims, _ = holder.proof(path).split(".")
    parsed = orjson.loads(base64.urlsafe_b64decode(header + "=="))
    changed = {**parsed, "typ": typ} if typ is not None else {name: parsed[name] for name in ("alg", "jwk")}
    assert is_refused(holder.sends(path, signed_anew(changed, claims, holder.key)), path)
    same = signed_anew({**parsed, "typ": "application/DPoP+JWT"}, claims, holder.key)
    assert holder.sends(path, same).status_code == 200


def signed_anew(header: dict[str, Any], claims: str, key: DpopKey) -> str:
    """Sign a header as it is: PyJWT would put its own `typ` where none is."""
    signing_input = f"{encoded(orjson.dumps(header))}.{claims}".encode()
    signature = jwt.get_algorithm_by_name(key.algorithm).sign(signing_input, key.private)
    return signing_input.decode() + "." + encoded(signature)


@at_both
@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS256", "ES384", "ES256K", "PS256", "EdDSA", None, 7, ""])
@pytest.mark.spec("DP-03", "DP-05", "JW-01", "JW-02")
def test_an_algorithm_that_is_not_the_keys_is_refused(holder: Holder, path: str, alg: Any) -> None:
    header, claims, signature = holder.proof(path).split(".")
    parsed = orjson.loads(base64.urlsafe_b64decode(header + "=="))
    changed = {**parsed, "alg": alg} if alg is not None else {name: parsed[name] for name in ("typ", "jwk")}
    for by in (signature, ""):
        assert is_refused(holder.sends(path, f"{encoded(orjson.dumps(changed))}.{claims}.{by}"), path)
    secret = orjson.dumps(parsed["jwk"])
    body = f"{encoded(orjson.dumps(changed))}.{claims}"
    mac = encoded(hmac.digest(secret, body.encode(), hashlib.sha256))
    assert is_refused(holder.sends(path, f"{body}.{mac}"), path)
    assert holder.sends(path, holder.proof(path)).status_code == 200


@pytest.mark.spec("DP-05")
def test_rs256_is_refused_though_the_key_is_strong(holder: Holder) -> None:
    weak = DpopKey("RS256")
    assert is_refused(holder.refreshes_with(weak.proof()), "/token")
    strong = DpopKey("PS256", private=weak.private)
    assert holder.refreshes_with(strong.proof()).status_code == 200


@at_both
@pytest.mark.spec("DP-06")
def test_a_signature_by_another_key_than_the_one_inside_is_refused(holder: Holder, path: str) -> None:
    thief = DpopKey()
    forged = holder.proof(path, headers={"jwk": thief.jwk})
    assert is_refused(holder.sends(path, forged), path)
    header, claims, signature = holder.proof(path).split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert is_refused(holder.sends(path, f"{header}.{claims}.{flipped}"), path)
    assert is_refused(holder.sends(path, f"{header}.{claims}.{encoded(bytes(64))}"), path)
    assert is_refused(holder.sends(path, f"{header}.{claims}."), path)
    assert holder.sends(path, f"{header}.{claims}.{signature}").status_code == 200


@at_both
@pytest.mark.spec("DP-07")
def test_a_private_weak_or_foreign_key_in_the_header_is_refused(holder: Holder, path: str) -> None:
    private = jwt.get_algorithm_by_name("ES256").to_jwk(holder.key.private, as_dict=True)
    short = {**DpopKey("PS256").jwk, "n": encoded(secrets.token_bytes(64))}
    off_curve = {**holder.key.jwk, "y": holder.key.jwk["x"]}
    others: tuple[Any, ...] = ({"kty": "oct", "k": "AA"}, {}, [], "x", None, 7, {"kty": "EC"})
    for jwk in (private, short, off_curve, *others):
        assert is_refused(holder.sends(path, holder.proof(path, headers={"jwk": jwk})), path), jwk
    for use in ({"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "PS256"}):
        assert is_refused(holder.sends(path, holder.proof(path, headers={"jwk": {**holder.key.jwk, **use}})), path)
    named = {**holder.key.jwk, "use": "sig", "alg": "ES256", "kid": "mine", "key_ops": ["verify"], "ext": True}
    assert holder.sends(path, holder.proof(path, headers={"jwk": named})).status_code == 200


@at_both
@pytest.mark.spec("DP-06", "JW-04", "JW-06", "JW-07")
def test_headers_that_name_other_keys_are_not_used_and_critical_ones_are_refused(holder: Holder, path: str) -> None:
    named = {"kid": "../../dev/null", "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x"}
    assert holder.sends(path, holder.proof(path, headers=named)).status_code == 200
    for extension in ({"crit": ["exp"]}, {"b64": False}, {"zip": "DEF"}):
        assert is_refused(holder.sends(path, holder.proof(path, headers=extension)), path)
