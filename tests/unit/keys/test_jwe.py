"""Encryption to a relying party: what its owner reads, by an opener of the tests, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from keys import (
    ENCODINGS,
    ENCRYPTIONS,
    JoseRefused,
    RecipientUnknown,
    WeakKey,
    compact,
    encrypt,
    parse_encryption_keys,
    pick_encryption_key,
)
from keys.jwe import LONGEST_PAYLOAD
from keys.jwk import public_members
from tests.unit.keys.opener import Altered, derived_key, header_of, opened

EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_JWK = {**public_members(EC_KEY.public_key()), "kid": "e", "use": "enc"}
RSA_JWK = {**public_members(RSA_KEY.public_key()), "kid": "r", "use": "enc"}
PRIVATE: dict[str, Any] = {"EC": EC_KEY, "RSA": RSA_KEY}
BOTH = {"keys": [EC_JWK, RSA_JWK]}


@pytest.mark.parametrize("enc", sorted(ENCODINGS))
@pytest.mark.parametrize("alg", ENCRYPTIONS)
def test_the_owner_of_the_key_reads_what_was_encrypted_to_it_and_nobody_else_can(alg: str, enc: str) -> None:
    key = pick_encryption_key(parse_encryption_keys(BOTH), alg=alg)
    token = encrypt(b"claims \xc3\xa1", key=key, alg=alg, enc=enc, content_type="JWT")
    header = header_of(token)
    assert (header["alg"], header["enc"], header["kid"], header["cty"]) == (alg, enc, key.kid, "JWT")
    assert "zip" not in header
    assert opened(token, key=PRIVATE[key.kty]) == b"claims \xc3\xa1"
    segments = token.split(".")
    segments[3] = ("A" if segments[3][0] != "A" else "B") + segments[3][1:]
    with pytest.raises((Altered, InvalidTag)):
        opened(".".join(segments), key=PRIVATE[key.kty])


def test_two_encryptions_of_one_message_have_nothing_in_common() -> None:
    key = pick_encryption_key(parse_encryption_keys(BOTH), alg="ECDH-ES")
    first, second = (encrypt(b"x", key=key, alg="ECDH-ES", enc="A256GCM", content_type=None) for _ in range(2))
    assert header_of(first)["epk"] != header_of(second)["epk"]
    assert set(first.split(".")) & set(second.split(".")) == {""}
    assert "cty" not in header_of(first)


@pytest.mark.spec("RFC 7518 C")
def test_the_opener_derives_the_key_of_the_published_example() -> None:
    private = ec.derive_private_key(
        int.from_bytes(compact.decode(b"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw")), ec.SECP256R1()
    )
    epk = {
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
    }
    found = derived_key(private, epk=epk, name="A128GCM", size=16, parties=(b"Alice", b"Bob"))
    assert compact.encode(found) == b"VqqN6vgjbSBcIijNcacQGg"


@pytest.mark.parametrize(
    ("jwk", "algs"),
    [
        (EC_JWK, {"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"}),
        ({**EC_JWK, "alg": "ECDH-ES"}, {"ECDH-ES"}),
        (RSA_JWK, {"RSA-OAEP", "RSA-OAEP-256"}),
        ({**RSA_JWK, "alg": "RSA-OAEP-256"}, {"RSA-OAEP-256"}),
        ({name: value for name, value in RSA_JWK.items() if name != "use"}, {"RSA-OAEP", "RSA-OAEP-256"}),
    ],
)
def test_a_key_is_for_the_algorithms_of_its_kind_or_for_the_one_that_it_names(
    jwk: dict[str, str], algs: set[str]
) -> None:
    (key,) = parse_encryption_keys({"keys": [jwk]})
    assert {alg for alg in [*ENCRYPTIONS, "RSA1_5", "dir", "PBES2-HS256+A128KW"] if key.fits(alg)} == algs


@pytest.mark.parametrize(
    "change",
    [
        {"use": "sig"},
        {"alg": "ES256"},
        {"alg": "RSA1_5"},
        {"alg": "dir"},
        {"alg": "RSA-OAEP"},
        {"alg": 7},
        {"crv": "P-384"},
        {"kty": "OKP", "crv": "X25519"},
        {"kty": "AKP"},
        {"kty": 7},
    ],
)
def test_a_key_for_something_else_is_passed_over(change: dict[str, Any]) -> None:
    found = parse_encryption_keys({"keys": [{**EC_JWK, **change, "kid": "other"}, RSA_JWK]})
    assert [key.kid for key in found] == ["r"]


@pytest.mark.spec("JW-12")
def test_a_weak_or_private_key_is_refused() -> None:
    n = compact.encode((2**1023 + 1).to_bytes(128)).decode()
    weak_or_off: list[dict[str, Any]] = [
        {"kty": "RSA", "use": "enc", "n": n, "e": "AQAB"},
        {**EC_JWK, "y": EC_JWK["x"]},
    ]
    for jwk in weak_or_off:
        with pytest.raises(WeakKey):
            parse_encryption_keys({"keys": [jwk]})
    malformed: list[dict[str, Any]] = [
        {**EC_JWK, "d": "AA"},
        {"kty": "oct", "use": "enc", "k": "A"},
        {**EC_JWK, "kid": 7},
    ]
    for jwk in malformed:
        with pytest.raises(JoseRefused):
            parse_encryption_keys({"keys": [jwk]})
    with pytest.raises(JoseRefused, match="twice"):
        parse_encryption_keys({"keys": [EC_JWK, {**RSA_JWK, "kid": "e"}]})


def test_a_key_made_for_encryption_comes_before_one_for_everything() -> None:
    general = {name: value for name, value in EC_JWK.items() if name != "use"} | {"kid": "general"}
    keys = parse_encryption_keys({"keys": [general, EC_JWK]})
    assert pick_encryption_key(keys, alg="ECDH-ES").kid == "e"
    assert pick_encryption_key(keys[:1], alg="ECDH-ES").kid == "general"
    with pytest.raises(RecipientUnknown):
        pick_encryption_key(keys, alg="RSA-OAEP-256")


@pytest.mark.spec("JW-13")
@pytest.mark.parametrize(
    ("alg", "enc"),
    [
        ("RSA1_5", "A256GCM"),
        ("dir", "A256GCM"),
        ("PBES2-HS256+A128KW", "A256GCM"),
        ("A128KW", "A256GCM"),
        ("ECDH-ES", "A256GCM"),  # for another kind of key
        ("RSA-OAEP-256", "A192GCM"),
        ("RSA-OAEP-256", "none"),
        ("RSA-OAEP-256", "DEF"),
    ],
)
def test_what_is_not_in_the_tables_cannot_be_asked_for(alg: str, enc: str) -> None:
    (key,) = parse_encryption_keys({"keys": [RSA_JWK]})
    with pytest.raises(JoseRefused):
        encrypt(b"x", key=key, alg=alg, enc=enc, content_type=None)
    assert encrypt(b"x", key=key, alg="RSA-OAEP-256", enc="A256GCM", content_type=None)


def test_more_than_we_ever_sign_is_not_encrypted() -> None:
    (key,) = parse_encryption_keys({"keys": [EC_JWK]})
    text = json.dumps({"x": "y" * LONGEST_PAYLOAD}).encode()
    with pytest.raises(JoseRefused, match="too long"):
        encrypt(text, key=key, alg="ECDH-ES", enc="A256GCM", content_type=None)
    assert encrypt(text[:LONGEST_PAYLOAD], key=key, alg="ECDH-ES", enc="A256GCM", content_type=None)
