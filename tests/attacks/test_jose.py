"""What strangers do to the form of a signed token. Every attack stands beside the same thing done honestly."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from keys import JoseRefused, compact, peek_unverified
from tests.unit.keys.forge import (
    HEADER,
    an_honest_token,
    forged,
    headed,
    honest_claims,
    is_refused,
    read,
)


@pytest.mark.spec("JW-05", "JW-14")
def test_a_kid_of_ten_kilobytes_is_refused_before_it_is_read() -> None:
    is_refused(headed(kid="k" * 10_240), "header too long")


@pytest.mark.spec("JW-06")
@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["unheard-of"], [], "exp", None, {}])
def test_an_extension_marked_critical_is_refused(crit: object) -> None:
    is_refused(headed(crit=crit), "changes what the token means")
    assert read(headed(unheard_of="not critical")).header["unheard_of"] == "not critical"


@pytest.mark.spec("JW-07")
@pytest.mark.parametrize("header", [{"b64": False}, {"b64": True}, {"b64": False, "crit": ["b64"]}])
def test_an_unencoded_payload_is_refused(header: dict[str, Any]) -> None:
    is_refused(headed(**header), "changes what the token means")


@pytest.mark.spec("JW-13")
def test_an_encrypted_bomb_or_a_costly_password_is_refused_before_it_is_opened() -> None:
    bomb = jwe.encrypt_compact(
        {"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, b"0" * 2_000_000, OctKey.generate_key(256)
    )
    costly = compact.encode(
        json.dumps({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31 - 1, "p2s": "AAAA"}).encode()
    ).decode()
    for token in (bomb, f"{costly}.AAAA.AAAA.AAAA.AAAA"):
        began = time.thread_time()
        is_refused(token, "not three segments")
        assert time.thread_time() - began < 0.005


@pytest.mark.spec("JW-13")
@pytest.mark.parametrize("member", ["zip", "enc"])
def test_a_signed_token_with_the_header_of_an_encrypted_one_is_refused(member: str) -> None:
    is_refused(headed(**{member: "DEF"}), "changes what the token means")


@pytest.mark.spec("JW-14")
@pytest.mark.parametrize("size", [16 * 1024 + 1, 15_000_000])
def test_an_oversized_token_is_refused_in_under_five_milliseconds(size: int) -> None:
    token = an_honest_token()
    oversized = token + "A" * (size - len(token))
    began = time.thread_time()
    is_refused(oversized, "too long")
    assert time.thread_time() - began < 0.005


@pytest.mark.spec("JW-14")
def test_a_header_over_two_kilobytes_is_refused_and_one_below_is_read() -> None:
    assert read(headed(note="n" * 1_400)).header["note"] == "n" * 1_400
    is_refused(headed(note="n" * 1_500), "header too long")


@pytest.mark.spec("JW-14")
def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    for depth in (900, 1_000, 1_020, 5_000):
        nested = b'{"a": ' + b"[" * depth + b"]" * depth + b"}"
        began = time.thread_time()
        with pytest.raises(JoseRefused):
            read(forged(header=HEADER, claims=nested))
        assert time.thread_time() - began < 0.05


@pytest.mark.spec("JW-15")
@pytest.mark.parametrize(
    "claims",
    [
        b'{"iss":"https://rp.example","sub":"a","sub":"b"}',
        b'{"sub":"a", "sub":"a"}',
        b'{"sub":"a","s\\u0075b":"b"}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":[{"b":1},{"b":1,"c":{},"b":2}]}',
        b'{"":1,"":2}',
    ],
)
def test_a_member_that_appears_twice_is_refused(claims: bytes) -> None:
    is_refused(forged(header=HEADER, claims=claims), "a member appears twice")


@pytest.mark.spec("JW-15")
def test_a_header_member_that_appears_twice_is_refused() -> None:
    twice = b'{"alg":"ES256","kid":"first","typ":"JWT","alg":"ES256"}'
    is_refused(forged(header=twice, claims=honest_claims()), "a member appears twice")


@pytest.mark.spec("JW-15")
def test_the_same_name_in_two_objects_is_no_repetition() -> None:
    claims = honest_claims(one={"name": 1, "deep": {"name": "2"}}, two=[{"name": 1}, {"name": 1}])
    assert read(forged(header=HEADER, claims=claims)).claims == claims
    spaced = json.dumps(claims, indent=3).encode()
    assert read(forged(header=HEADER, claims=spaced)).claims == claims


@pytest.mark.spec("JW-16")
def test_json_serializations_are_refused() -> None:
    protected, payload, signature = an_honest_token().split(".")
    flattened = {"protected": protected, "payload": payload, "signature": signature, "header": {"kid": "first"}}
    general = {"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}
    for document in (flattened, general):
        is_refused(json.dumps(document), "not three segments")
    is_refused(json.dumps({**flattened, "a": ".."}), "a letter that does not belong")


@pytest.mark.spec("JW-16")
@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b", "a.b.c.d", "....", "a", "{}.{}.{}"])
def test_what_is_no_compact_token_is_refused(token: str) -> None:
    with pytest.raises(JoseRefused):
        read(token)


@pytest.mark.spec("JW-16")
def test_a_detached_payload_is_refused() -> None:
    header, _, signature = an_honest_token().split(".")
    is_refused(f"{header}..{signature}", "json: not readable")


@pytest.mark.parametrize("stray", ["=", "\n", " ", "\0", "+", "/", "é", "А", "%2E", "!"])
def test_a_stray_letter_anywhere_is_refused(stray: str) -> None:
    header, claims, signature = an_honest_token().split(".")
    for token in (
        f"{header}{stray}.{claims}.{signature}",
        f"{header}.{stray}{claims}.{signature}",
        f"{header}.{claims}.{signature}{stray}",
        f"{header[:4]}{stray}{header[4:]}.{claims}.{signature}",
        f"{stray}{header}.{claims}.{signature}",
    ):
        with pytest.raises(JoseRefused):
            read(token)
    assert read(f"{header}.{claims}.{signature}").claims["jti"] == "once"


@pytest.mark.parametrize(
    "part", [b"[]", b'"a"', b"7", b"null", b"", b"{", b"\xff{}", b"\xef\xbb\xbf{}", b'{"a":"\\ud800"}']
)
def test_a_header_or_claims_that_are_no_json_object_are_refused(part: bytes) -> None:
    is_refused(forged(header=HEADER, claims=part), "json")
    is_refused(forged(header=part, claims=honest_claims()), "json")


@pytest.mark.spec("DP-17")
def test_claims_and_headers_that_nobody_knows_are_kept() -> None:
    token = forged(header={**HEADER, "new": [1]}, claims=honest_claims(new={"a": None}))
    verified = read(token)
    assert (verified.header["new"], verified.claims["new"]) == ([1], {"a": None})


def test_peeking_has_the_same_gates_as_reading() -> None:
    assert peek_unverified(an_honest_token()).claims == honest_claims()
    for token in (headed(crit=["exp"]), headed(kid="k" * 10_240), "a.b", an_honest_token() + "=", "A" * 20_000):
        with pytest.raises(JoseRefused):
            peek_unverified(token)
