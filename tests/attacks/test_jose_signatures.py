"""What strangers sign a token with: nothing, the wrong key, the wrong algorithm. Each beside its honest twin."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keys import JoseRefused, SignerUnknown, compact, read_jwt
from tests.unit.keys.forge import (
    HEADER,
    NOW,
    RULES,
    TYP,
    a_signer,
    an_honest_token,
    forged,
    headed,
    honest_claims,
    is_refused,
    read,
)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_an_honest_token_is_read_with_each_expected_algorithm(alg: str) -> None:
    signer = a_signer(alg)
    verified = read(an_honest_token(signer), signer=signer)
    assert verified.claims == honest_claims()
    assert verified.header == {"alg": alg, "kid": "first", "typ": TYP}
    assert verified.key == signer.verification


@pytest.mark.spec("JW-01")
@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", "", " none", None, 0, ["ES256"], {"ES256": 1}])
def test_an_unsigned_token_is_refused_however_none_is_spelled(alg: object) -> None:
    unsigned = forged(header={**HEADER, "alg": alg}, claims=honest_claims()).rpartition(".")[0] + "."
    is_refused(unsigned, "alg is not one of the expected")
    is_refused(forged(header={**HEADER, "alg": alg}, claims=honest_claims()), "alg is not one of the expected")
    assert read(forged(header=HEADER, claims=honest_claims())).claims["jti"] == "once"


@pytest.mark.spec("JW-01")
def test_a_token_without_alg_or_without_signature_is_refused() -> None:
    is_refused(headed(alg=...), "alg is not one of the expected")
    is_refused(an_honest_token().rpartition(".")[0] + ".", "wrong length")


@pytest.mark.spec("JW-02")
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_public_key_does_not_serve_as_a_shared_secret(alg: str) -> None:
    public_key = a_signer().verification.public_key
    header, claims = {**HEADER, "alg": alg}, honest_claims()
    signing_input = b".".join(compact.encode(json.dumps(part).encode()) for part in (header, claims))
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        secret = public_key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        mac = compact.encode(hmac.digest(secret, signing_input, hashlib.sha256))
        is_refused((signing_input + b"." + mac).decode(), "alg is not one of the expected")
    for unsafe in ({"ES256", alg}, set[str]()):
        with pytest.raises(ValueError, match="no algorithm, or one that is not in the table"):
            replace(RULES, algorithms=frozenset(unsafe))


@pytest.mark.spec("JW-03", "CA-06")
def test_an_algorithm_that_this_kind_of_token_may_not_have_is_refused() -> None:
    rs256 = a_signer("RS256")
    is_refused(an_honest_token(rs256), "alg is not one of the expected", signer=rs256)
    allowed = replace(RULES, algorithms=frozenset(("RS256",)))
    assert read(an_honest_token(rs256), rules=allowed, signer=rs256).key.alg == "RS256"


@pytest.mark.spec("JW-03", "CA-06")
def test_a_key_verifies_only_with_the_algorithm_that_it_is_for() -> None:
    rules = replace(RULES, algorithms=frozenset(("RS256", "PS256", "ES256", "EdDSA")))
    signer = a_signer("PS256")
    for alg in ("RS256", "ES256", "EdDSA"):
        token = forged(header={**HEADER, "alg": alg}, claims=honest_claims(), signer=signer)
        with pytest.raises(SignerUnknown):
            read(token, rules=rules, signer=signer)
    assert read(an_honest_token(signer), rules=rules, signer=signer).key.alg == "PS256"


@pytest.mark.spec("CA-06")
def test_the_two_names_of_ed25519_are_one_algorithm_where_its_usual_name_is_expected() -> None:
    signer = a_signer("EdDSA")
    token = forged(header={**HEADER, "alg": "Ed25519"}, claims=honest_claims(), signer=signer)
    assert read(token, signer=signer).header["alg"] == "Ed25519"
    usual = replace(RULES, algorithms=frozenset(("EdDSA",)))
    assert read(token, rules=usual, signer=signer).header["alg"] == "Ed25519"
    other = replace(RULES, algorithms=frozenset(("ES256",)))
    is_refused(token, "alg is not one of the expected", rules=other, signer=signer)


@pytest.mark.spec("JW-04", "CA-08")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_a_token_brings_along_is_not_used(member: str) -> None:
    thief = a_signer("ES256", kid="thief")
    brought = {
        "jwk": thief.verification.to_jwk(),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/cert",
        "x5c": ["MIIB"],
    }
    stolen = forged(header={**HEADER, member: brought[member]}, claims=honest_claims(), signer=thief)
    is_refused(stolen, "signature: does not fit")
    without_kid = {"alg": "ES256", "typ": TYP, member: brought[member]}
    is_refused(forged(header=without_kid, claims=honest_claims(), signer=thief), "signature: does not fit")
    assert read(headed(**{member: brought[member]})).claims["jti"] == "once"


@pytest.mark.spec("JW-05")
@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "' OR 1=1 --",
        "https://evil.example/key",
        "first\0",
        "FIRST",
        " first",
        "",
    ],
)
def test_a_kid_is_compared_and_nothing_else(kid: str) -> None:
    with pytest.raises(SignerUnknown):
        read(headed(kid=kid))
    assert read(headed(kid="first")).key.kid == "first"


@pytest.mark.spec("JW-05")
@pytest.mark.parametrize("kid", ["k" * 257, 7, None, ["first"], {"first": 1}, True])
def test_a_kid_that_is_long_or_no_string_is_refused(kid: object) -> None:
    is_refused(headed(kid=kid), "kid is no string or too long")
    longest = a_signer(kid="k" * 256)
    assert read(an_honest_token(longest), signer=longest).key.kid == "k" * 256


@pytest.mark.spec("JW-11")
@pytest.mark.parametrize(
    ("r", "s", "because"),
    [
        *((r, s, "r or s is zero") for r, s in [(0, 0), (0, 1), (1, 0)]),  # before the library is asked
        *((r, s, "does not fit") for r, s in [("order", "order"), ("order", 1), (1, "order"), ("top", "top")]),
    ],
)
def test_a_signature_out_of_nothing_is_refused(r: int | str, s: int | str, because: str) -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    words = {"order": order, "top": 2**256 - 1}
    empty = b"".join((words[part] if isinstance(part, str) else part).to_bytes(32) for part in (r, s))
    signing_input = an_honest_token().rpartition(".")[0]
    is_refused(f"{signing_input}.{compact.encode(empty).decode()}", because)


@pytest.mark.spec("JW-11")
def test_a_signature_in_der_or_of_another_length_is_refused() -> None:
    token = an_honest_token()
    signing_input, _, signature = token.rpartition(".")
    raw = compact.decode(signature.encode())
    private_key = a_signer().signing.private_key
    assert isinstance(private_key, ec.EllipticCurvePrivateKey)
    der = private_key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    for wrong in (der, raw[:63], raw[:32], raw + b"\0", b"\0" + raw, raw + raw, b""):
        is_refused(f"{signing_input}.{compact.encode(wrong).decode()}", "wrong length")
    assert read(f"{signing_input}.{compact.encode(raw).decode()}").claims["jti"] == "once"


@pytest.mark.spec("JW-11")
@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "PS256"])
def test_a_changed_token_is_refused_whatever_the_algorithm(alg: str) -> None:
    signer = a_signer(alg)
    header, _, signature = an_honest_token(signer).split(".")
    other_claims = compact.encode(json.dumps(honest_claims(sub="another")).encode()).decode()
    is_refused(f"{header}.{other_claims}.{signature}", "signature: does not fit", signer=signer)
    flipped = bytearray(compact.decode(signature.encode()))
    flipped[10] ^= 1
    token = an_honest_token(signer).rpartition(".")[0]
    is_refused(f"{token}.{compact.encode(bytes(flipped)).decode()}", "does not fit", signer=signer)
    assert read(an_honest_token(signer), signer=signer)


@pytest.mark.spec("JW-14")
def test_a_large_but_honest_token_is_read() -> None:
    token = an_honest_token(nonce="n" * 11_000)
    assert 14_000 < len(token) <= 16 * 1024
    assert read(token).claims["nonce"] == "n" * 11_000


def test_a_signature_has_exactly_one_spelling() -> None:
    token = an_honest_token()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    readable = []
    for letter in letters:
        try:
            readable.append(read(token[:-1] + letter).claims["jti"])
        except JoseRefused:
            continue
    assert readable == ["once"]


def test_without_kid_the_only_key_that_fits_is_taken_and_never_one_of_several() -> None:
    first, second, edwards = a_signer(), a_signer(kid="second"), a_signer("EdDSA")
    token = headed(kid=...)
    ours = (first.verification, edwards.verification)
    assert read_jwt(token, rules=RULES, keys=ours, now=NOW).key == first.verification
    with pytest.raises(SignerUnknown, match="several"):
        read_jwt(token, rules=RULES, keys=(*ours, second.verification), now=NOW)
    with pytest.raises(SignerUnknown, match="no key"):
        read_jwt(token, rules=RULES, keys=(), now=NOW)


def test_a_key_without_a_name_is_taken_for_a_named_one_only_where_it_is_alone() -> None:
    first, second = a_signer(), a_signer(kid="second")
    nameless = replace(first.verification, kid=None)
    token = headed(
        kid="renamed",
    )
    assert read_jwt(token, rules=RULES, keys=(nameless, second.verification), now=NOW).key == nameless
    with pytest.raises(SignerUnknown):
        read_jwt(token, rules=RULES, keys=(nameless, replace(second.verification, kid=None)), now=NOW)


@pytest.mark.spec("DP-06")
def test_a_token_of_a_stranger_under_a_known_name_is_refused() -> None:
    impostor = a_signer("ES256", kid="impostor")
    is_refused(forged(header=HEADER, claims=honest_claims(), signer=impostor), "signature: does not fit")
