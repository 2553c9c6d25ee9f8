"""Key sets of others: what is taken, what is passed over, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import joserfc.jwk
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keys import JoseRefused, JwtRules, WeakKey, compact, parse_jwk, parse_jwks, read_jwt, thumbprint
from keys.algorithms import _ED25519_PRIME, _ED25519_Y8, _SMALL_PRIMES_PRODUCT
from keys.jwk import public_members
from tests.unit.keys.forge import a_signer

EC_KEY = {**a_signer("ES256").verification.public, "kid": "ec"}
ED_KEY = {**a_signer("EdDSA").verification.public, "kid": "ed"}
RSA_KEY = {**a_signer("RS256").verification.public, "kid": "rsa"}


def rsa_jwk(*, n: int, e: int = 65537) -> dict[str, Any]:
    """Write an RSA key as a JWK."""
    written = {
        name: compact.encode(value.to_bytes((value.bit_length() + 7) // 8)) for name, value in (("n", n), ("e", e))
    }
    return {"kty": "RSA", **{name: value.decode() for name, value in written.items()}}


def ed25519_jwk(y: int, *, sign: int = 0) -> dict[str, Any]:
    """Write an Ed25519 point, given its y and the sign of its x, as a JWK."""
    raw = (y | sign << 255).to_bytes(32, "little")
    return {"kty": "OKP", "crv": "Ed25519", "x": compact.encode(raw).decode()}


def test_keys_are_read_for_the_algorithms_that_they_can_serve() -> None:
    keys = parse_jwks({"keys": [EC_KEY, ED_KEY, RSA_KEY]})
    assert [(key.kid, key.alg) for key in keys] == [
        ("ec", "ES256"),
        ("ed", "EdDSA"),
        ("rsa", "RS256"),
        ("rsa", "PS256"),
    ]
    assert [key.alg for key in parse_jwk({**RSA_KEY, "alg": "PS256"})] == ["PS256"]
    assert [key.alg for key in parse_jwk({**ED_KEY, "alg": "Ed25519"})] == ["EdDSA"]


def test_a_key_is_shown_again_with_its_use_and_nothing_that_it_brought_along() -> None:
    (key,) = parse_jwk({**EC_KEY, "x5u": "https://evil.example", "note": "n"})
    assert key.to_jwk() == {**EC_KEY, "use": "sig", "alg": "ES256"}
    (nameless,) = parse_jwk({name: value for name, value in EC_KEY.items() if name != "kid"})
    assert "kid" not in nameless.to_jwk()


@pytest.mark.parametrize(
    "jwk",
    [
        {**RSA_KEY, "use": "enc"},
        {**RSA_KEY, "alg": "RSA-OAEP-256"},
        {**EC_KEY, "alg": "ECDH-ES"},
        {**EC_KEY, "alg": "ES384"},
        {**EC_KEY, "alg": "RS256"},
        {**EC_KEY, "alg": "none"},
        {**EC_KEY, "alg": "HS256"},
        {**EC_KEY, "key_ops": ["deriveKey"]},
        {**EC_KEY, "crv": "P-384"},
        {**EC_KEY, "crv": "secp256k1"},
        {"kty": "OKP", "crv": "X25519", "x": ED_KEY["x"]},
        {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA"},
    ],
)
def test_a_key_for_something_else_is_passed_over_and_the_others_are_read(jwk: dict[str, Any]) -> None:
    keys = parse_jwks({"keys": [{**jwk, "kid": "other"}, EC_KEY]})
    assert [key.kid for key in keys] == ["ec"]


@pytest.mark.spec("DP-07")
@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
@pytest.mark.parametrize("jwk", [EC_KEY, RSA_KEY, {**RSA_KEY, "use": "enc"}])
def test_a_private_member_is_refused_wherever_it_stands(jwk: dict[str, Any], member: str) -> None:
    with pytest.raises(JoseRefused, match="private or symmetric"):
        parse_jwk({**jwk, member: "AAAA"})


@pytest.mark.spec("JW-02")
@pytest.mark.parametrize("jwk", [{"kty": "oct", "k": "AAAA"}, {"kty": "oct"}, {"kty": "oct", "use": "enc", "k": "A"}])
def test_a_symmetric_key_is_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(JoseRefused, match="private or symmetric"):
        parse_jwks({"keys": [EC_KEY, jwk]})


def test_two_keys_of_one_name_are_refused_and_two_without_a_name_are_not() -> None:
    with pytest.raises(JoseRefused, match="twice"):
        parse_jwks({"keys": [EC_KEY, {**ED_KEY, "kid": "ec"}]})
    nameless = [{name: value for name, value in key.items() if name != "kid"} for key in (EC_KEY, ED_KEY)]
    assert len(parse_jwks({"keys": nameless})) == 2


def test_more_than_twenty_keys_are_refused() -> None:
    keys = [{**EC_KEY, "kid": str(number)} for number in range(21)]
    assert len(parse_jwks({"keys": keys[:20]})) == 20
    with pytest.raises(JoseRefused, match="too many"):
        parse_jwks({"keys": keys})


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": ["a"]}, {"keys": [[]]}, {"keys": "a"}])
def test_what_is_no_key_set_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(JoseRefused, match="key set"):
        parse_jwks(document)
    assert parse_jwks({"keys": []}) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"kid": 7},
        {"kid": None},
        {"kid": "k" * 257},
        {"kty": 7},
        {"kty": None},
        {"crv": 7},
        {"alg": 7},
        {"x": None},
        {"x": 7},
        {"x": EC_KEY["x"] + "="},
        {"x": EC_KEY["x"][:-2]},
        {"x": "AA" + EC_KEY["x"]},
        {"y": ""},
        {"y": "é"},
    ],
)
def test_a_malformed_key_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(JoseRefused):
        parse_jwk({**EC_KEY, **change})


@pytest.mark.spec("JW-12")
def test_a_point_off_its_curve_is_refused() -> None:
    assert parse_jwk(EC_KEY)
    for change in ({"y": EC_KEY["x"]}, {"x": "A" * 43, "y": "A" * 43}, {"x": "_" * 42 + "8"}):
        with pytest.raises(WeakKey):
            parse_jwk({**EC_KEY, **change})


@pytest.mark.spec("JW-12")
@pytest.mark.parametrize("bits", [512, 1024, 2047, 4097, 16_384])
def test_an_rsa_key_of_a_wrong_size_is_refused(bits: int) -> None:
    with pytest.raises(WeakKey, match=f"{bits} bits"):
        parse_jwk(rsa_jwk(n=2 ** (bits - 1) + 1))


@pytest.mark.spec("JW-12")
@pytest.mark.parametrize("e", [3, 17, 65535, 65536, 65538, 2**32 + 1, 2**2000 + 1])
def test_an_rsa_exponent_out_of_bounds_is_refused(e: int) -> None:
    public_key = a_signer("RS256").verification.public_key
    assert isinstance(public_key, rsa.RSAPublicKey)
    n = public_key.public_numbers().n
    with pytest.raises(WeakKey):
        parse_jwk(rsa_jwk(n=n, e=e))
    assert parse_jwk(rsa_jwk(n=n, e=65537))


@pytest.mark.spec("JW-12")
def test_an_rsa_modulus_with_a_small_factor_is_refused() -> None:
    for factor in (3, 101, 167):
        n = factor * ((2**2047 // factor) | 1)
        with pytest.raises(WeakKey):
            parse_jwk(rsa_jwk(n=n + 2 * factor))


@pytest.mark.spec("JW-12")
@pytest.mark.parametrize("exponent", [1, 12_345, 2**40 + 7])
def test_an_rsa_key_of_the_broken_generator_is_refused(exponent: int) -> None:
    # Moduli as that generator makes them: a power of 65537 modulo the product of small primes. Some prime factor
    # of such a product of two such primes does not matter to the fingerprint, so none is looked for.
    residue = pow(65537, exponent, _SMALL_PRIMES_PRODUCT)
    n = (2**2047 // _SMALL_PRIMES_PRODUCT + 1) * _SMALL_PRIMES_PRODUCT + residue
    n += 0 if n % 2 else _SMALL_PRIMES_PRODUCT
    with pytest.raises(WeakKey, match="ROCA"):
        parse_jwk(rsa_jwk(n=n))
    assert parse_jwk(RSA_KEY)


@pytest.mark.spec("JW-12")
@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize(
    "y", [0, 1, _ED25519_PRIME - 1, _ED25519_Y8, _ED25519_PRIME - _ED25519_Y8, _ED25519_PRIME, _ED25519_PRIME + 1]
)
def test_an_ed25519_point_of_small_order_or_in_a_second_spelling_is_refused(y: int, sign: int) -> None:
    with pytest.raises(WeakKey):
        parse_jwk(ed25519_jwk(y, sign=sign))


@pytest.mark.spec("JW-12")
def test_an_ed25519_point_off_the_curve_is_refused_and_honest_ones_are_not() -> None:
    with pytest.raises(WeakKey, match="off the curve"):
        parse_jwk(ed25519_jwk(2))
    for _ in range(30):
        assert parse_jwk(public_members(ed25519.Ed25519PrivateKey.generate().public_key()))


@pytest.mark.spec("JW-12")
def test_curves_outside_the_table_are_too_weak_to_be_written() -> None:
    with pytest.raises(WeakKey, match="other than P-256"):
        public_members(ec.generate_private_key(ec.SECP384R1()).public_key())


def test_a_number_that_begins_with_a_zero_octet_is_refused() -> None:
    padded = compact.encode(b"\0" + compact.decode(RSA_KEY["n"].encode())).decode()
    with pytest.raises(JoseRefused, match="zero octets"):
        parse_jwk({**RSA_KEY, "n": padded})


@pytest.mark.parametrize("jwk", [EC_KEY, ED_KEY, RSA_KEY])
def test_a_thumbprint_is_what_another_library_calls_the_key(jwk: dict[str, str]) -> None:
    assert thumbprint(jwk) == joserfc.jwk.import_key(dict(jwk)).thumbprint()


@pytest.mark.spec("RFC 8037 A.3")
def test_the_thumbprint_of_the_ed25519_example_is_the_published_one() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.spec("RFC 7515 A.3")
def test_the_es256_example_of_the_standard_is_read() -> None:
    (key,) = parse_jwk(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    )
    token = (
        "eyJhbGciOiJFUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    rules = JwtRules(
        algorithms=frozenset(("ES256",)),
        typ=frozenset((None,)),
        expected_issuer="joe",
        expected_audience=None,
        required=("exp",),
        longest_lifetime=60,
        leeway=0,
    )
    read = read_jwt(token, rules=rules, keys=(key,), now=datetime.fromtimestamp(1_300_819_370, UTC))
    assert json.dumps(read.claims["http://example.com/is_root"]) == "true"
