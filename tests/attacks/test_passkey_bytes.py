"""Hostile bytes in a passkey's ceremony: each beside the honest bytes, which are accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable  # noqa: TC003  parametrised arguments are read at run time
from typing import Any

import cbor2
import pytest

from idp.errors import AssertionRefused, RegistrationRefused
from tests.support.authenticator import SoftwareAuthenticator, base64url, from_base64url
from tests.support.passkey_site import ORIGIN, PasskeySite, assert_same_public_answer

# What no browser sends as clientDataJSON, made from the honest bytes.
POISONED_CLIENT_DATA = {
    "byte order mark": lambda honest: b"\xef\xbb\xbf" + honest,
    "UTF-16": lambda honest: honest.decode().encode("utf-16"),
    "invalid UTF-8": lambda honest: honest[:-1] + b',"x":"\xff"}',
    "huge": lambda honest: honest[:-1] + b',"x":"' + b"a" * 4096 + b'"}',
    "type twice": lambda honest: honest[:-1] + b',"type":"webauthn.get"}',
    "origin twice": lambda honest: b'{"origin":"https://evil.example",' + honest[1:],
    "repeat inside": lambda honest: honest[:-1] + b',"x":{"a":1,"a":2}}',
    "depth bomb": lambda _: b"[" * 4000,
    "not a number": lambda honest: honest[:-1] + b',"x":NaN}',
    "an array": lambda honest: b"[" + honest + b"]",
    "a number of 3000 digits": lambda honest: honest[:-1] + b',"x":' + b"9" * 3000 + b"e",
    "empty": lambda _: b"",
    "more after it": lambda honest: honest + b"{}",
}


@pytest.mark.spec("WR-02", "WV-03")
@pytest.mark.parametrize("poison", POISONED_CLIENT_DATA.values(), ids=POISONED_CLIENT_DATA.keys())
def test_client_data_that_no_browser_writes_is_refused_even_when_signed(
    poison: Callable[[bytes], bytes],
) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(response, passkey=passkey).evidence.phishing_resistant

    honest = from_base64url(response["response"]["clientDataJSON"])
    authenticator.raw_client_data = poison(honest)

    with pytest.raises(AssertionRefused) as refused:
        site.sign_in(authenticator, passkey)

    assert refused.value.detail.startswith("clientDataJSON is ")


# Bytes in place of the attestation object, made from its honest parts.
POISONED_CBOR: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "trailing byte": lambda parts: cbor2.dumps(parts) + b"\x00",
    "indefinite map": lambda parts: b"\xbf" + cbor2.dumps(parts)[1:] + b"\xff",
    "indefinite string": lambda parts: b"\xa3\x63fmt\x7f\x64none\xff" + cbor2.dumps({**parts, "fmt": 0})[6:],
    "depth bomb": lambda _: b"\x81" * 30_000,
    "deeper than allowed": lambda parts: cbor2.dumps({**parts, "attStmt": {"a": [[[0]]]}}),
    "a map of four billion": lambda _: b"\xba\xff\xff\xff\xff" + b"\x00" * 100,
    "a string of many gigabytes": lambda _: b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
    "a tag": lambda parts: b"\xd8\x23" + cbor2.dumps(parts),
    "a shared reference": lambda parts: cbor2.dumps({**parts, "attStmt": cbor2.CBORTag(28, {})}),
    "a reserved head": lambda parts: b"\x1c" + cbor2.dumps(parts),
    "a key twice": lambda parts: b"\xa4\x63fmt\x64none" + cbor2.dumps(parts)[1:],
    "oversized": lambda parts: cbor2.dumps({**parts, "attStmt": {"x": b"0" * 40_000}}),
    "cut short": lambda parts: cbor2.dumps(parts)[:-1],
    "empty": lambda _: b"",
    "a number": lambda _: b"\x01",
    "no statement": lambda parts: cbor2.dumps({key: parts[key] for key in ("fmt", "authData")}),
    "a statement that is a list": lambda parts: cbor2.dumps({**parts, "attStmt": []}),
    "authData that is text": lambda parts: cbor2.dumps({**parts, "authData": "x" * 200}),
    "authData with a tail": lambda parts: cbor2.dumps({**parts, "authData": parts["authData"] + b"\xa0"}),
    "authData cut short": lambda parts: cbor2.dumps({**parts, "authData": parts["authData"][:60]}),
    "authData of a header alone": lambda parts: cbor2.dumps({**parts, "authData": parts["authData"][:37]}),
    "format none with a statement": lambda parts: cbor2.dumps({**parts, "attStmt": {"sig": b"0"}}),
    "unknown format": lambda parts: cbor2.dumps({**parts, "fmt": "best"}),
    "retired format": lambda parts: cbor2.dumps({**parts, "fmt": "android-safetynet"}),
    "format that is a list": lambda parts: cbor2.dumps({**parts, "fmt": ["none"]}),
    "packed without a signature": lambda parts: cbor2.dumps({**parts, "fmt": "packed"}),
    "tpm without anything": lambda parts: cbor2.dumps({**parts, "fmt": "tpm"}),
    "certificates that are none": lambda parts: cbor2.dumps(
        {**parts, "fmt": "packed", "attStmt": {"alg": -7, "sig": b"0", "x5c": [b"no", 7]}}
    ),
}


@pytest.mark.spec("WR-07", "WR-12")
@pytest.mark.parametrize("poison", POISONED_CBOR.values(), ids=POISONED_CBOR.keys())
def test_hostile_cbor_is_refused_within_50_ms(poison: Callable[[dict[str, Any]], bytes]) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    registration = authenticator.register(site.registration_options(), origin=ORIGIN)
    assert site.take_registration(registration).attestation_format == "none"

    parts = cbor2.loads(from_base64url(registration["response"]["attestationObject"]))
    registration["response"]["attestationObject"] = base64url(poison(parts))
    body = json.dumps(registration).encode()
    started = time.process_time()
    with pytest.raises(RegistrationRefused) as refused:
        site.take_registration(body)

    assert time.process_time() - started < 0.05
    assert_same_public_answer(refused.value)


POISONED_JSON: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "not JSON": lambda _: b"\x00\xff",
    "an array": lambda honest: json.dumps([honest]).encode(),
    "a key twice": lambda honest: b'{"type":"public-key",' + json.dumps(honest).encode()[1:],
    "huge": lambda honest: json.dumps({**honest, "x": "x" * 70_000}).encode(),
    "depth bomb": lambda _: b'{"a":' * 10_000,
    "another type": lambda honest: json.dumps({**honest, "type": "password"}).encode(),
    "id is not rawId": lambda honest: json.dumps({**honest, "id": base64url(b"other")}).encode(),
    "padded": lambda honest: json.dumps({**honest, "id": honest["id"] + "=", "rawId": honest["rawId"] + "="}).encode(),
    "stray characters": lambda honest: json.dumps(
        {**honest, "id": "!" + honest["id"], "rawId": "!" + honest["id"]}
    ).encode(),
    "no id": lambda honest: json.dumps({**honest, "id": "", "rawId": ""}).encode(),
    "id of 1024 bytes": lambda honest: json.dumps(
        {**honest, "id": base64url(b"i" * 1024), "rawId": base64url(b"i" * 1024)}
    ).encode(),
    "response is a list": lambda honest: json.dumps({**honest, "response": []}).encode(),
    "response is empty": lambda honest: json.dumps({**honest, "response": {}}).encode(),
    "client data is a number": lambda honest: json.dumps(
        {**honest, "response": {**honest["response"], "clientDataJSON": 7}}
    ).encode(),
}


@pytest.mark.spec("WR-01", "WR-13")
@pytest.mark.parametrize("poison", POISONED_JSON.values(), ids=POISONED_JSON.keys())
def test_a_malformed_registration_is_refused(poison: Callable[[dict[str, Any]], bytes]) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    honest = authenticator.register(site.registration_options(), origin=ORIGIN)
    assert site.take_registration(honest)

    with pytest.raises(RegistrationRefused) as refused:
        site.take_registration(poison(honest))

    assert_same_public_answer(refused.value)


@pytest.mark.spec("WV-07")
@pytest.mark.parametrize("poison", POISONED_JSON.values(), ids=POISONED_JSON.keys())
def test_a_malformed_assertion_is_refused(poison: Callable[[dict[str, Any]], bytes]) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    honest = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(honest, passkey=passkey)

    with pytest.raises(AssertionRefused) as refused:
        site.take_assertion(poison(honest), passkey=passkey)

    assert_same_public_answer(refused.value)
