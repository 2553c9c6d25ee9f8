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
from tests.support.login.passkey_site import ORIGIN, PasskeySite, assert_same_public_answer

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
POISONED_CBOR = [
    pytest.param("bytes follow the CBOR item", lambda parts: cbor2.dumps(parts) + b"\x00", id="trailing byte"),
    pytest.param("indefinite length", lambda parts: b"\xbf" + cbor2.dumps(parts)[1:] + b"\xff", id="indefinite map"),
    pytest.param(
        "indefinite length",
        lambda parts: b"\xa3\x63fmt\x7f\x64none\xff" + cbor2.dumps({**parts, "fmt": 0})[6:],
        id="indefinite string",
    ),
    pytest.param("nested too deeply", lambda _: b"\x81" * 30_000, id="depth bomb"),
    pytest.param(
        "nested too deeply", lambda parts: cbor2.dumps({**parts, "attStmt": {"a": [[[0]]]}}), id="deeper than allowed"
    ),
    pytest.param(
        "container is cut short", lambda _: b"\xba\xff\xff\xff\xff" + b"\x00" * 100, id="a map of four billion"
    ),
    pytest.param(
        "string is cut short", lambda _: b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", id="a string of many gigabytes"
    ),
    pytest.param("tags have no place", lambda parts: b"\xd8\x23" + cbor2.dumps(parts), id="a tag"),
    pytest.param(
        "tags have no place",
        lambda parts: cbor2.dumps({**parts, "attStmt": cbor2.CBORTag(28, {})}),
        id="a shared reference",
    ),
    pytest.param("reserved form", lambda parts: b"\x1c" + cbor2.dumps(parts), id="a reserved head"),
    pytest.param(
        "attestationObject was malformed",
        lambda parts: b"\xa4\x63fmt\x64none" + cbor2.dumps(parts)[1:],
        id="a key twice",
    ),
    pytest.param(
        "an attestation object of",
        lambda parts: cbor2.dumps({**parts, "attStmt": {"x": b"0" * 40_000}}),
        id="oversized",
    ),
    pytest.param("string is cut short", lambda parts: cbor2.dumps(parts)[:-1], id="cut short"),
    pytest.param("CBOR is cut short", lambda _: b"", id="empty"),
    pytest.param("TypeError", lambda _: b"\x01", id="a number"),
    pytest.param(
        "KeyError", lambda parts: cbor2.dumps({key: parts[key] for key in ("fmt", "authData")}), id="no statement"
    ),
    pytest.param(
        "AttributeError", lambda parts: cbor2.dumps({**parts, "attStmt": []}), id="a statement that is a list"
    ),
    pytest.param("TypeError", lambda parts: cbor2.dumps({**parts, "authData": "x" * 200}), id="authData that is text"),
    pytest.param(
        "bytes follow the authenticator data",
        lambda parts: cbor2.dumps({**parts, "authData": parts["authData"] + b"\xa0"}),
        id="authData with a tail",
    ),
    pytest.param(
        "credential id is cut short",
        lambda parts: cbor2.dumps({**parts, "authData": parts["authData"][:60]}),
        id="authData cut short",
    ),
    pytest.param(
        "a credential id of 0 bytes",
        lambda parts: cbor2.dumps({**parts, "authData": parts["authData"][:37]}),
        id="authData of a header alone",
    ),
    pytest.param(
        "unexpected attestation statement",
        lambda parts: cbor2.dumps({**parts, "attStmt": {"sig": b"0"}}),
        id="format none with a statement",
    ),
    pytest.param("attestation format 'best'", lambda parts: cbor2.dumps({**parts, "fmt": "best"}), id="unknown format"),
    pytest.param(
        "attestation format 'android-safetynet'",
        lambda parts: cbor2.dumps({**parts, "fmt": "android-safetynet"}),
        id="retired format",
    ),
    pytest.param(
        "attestation format", lambda parts: cbor2.dumps({**parts, "fmt": ["none"]}), id="format that is a list"
    ),
    pytest.param(
        "missing signature", lambda parts: cbor2.dumps({**parts, "fmt": "packed"}), id="packed without a signature"
    ),
    pytest.param("missing certInfo", lambda parts: cbor2.dumps({**parts, "fmt": "tpm"}), id="tpm without anything"),
    pytest.param(
        "error parsing asn1",
        lambda parts: cbor2.dumps({**parts, "fmt": "packed", "attStmt": {"alg": -7, "sig": b"0", "x5c": [b"no", 7]}}),
        id="certificates that are none",
    ),
]


@pytest.mark.spec("WR-07", "WR-12")
@pytest.mark.parametrize(("reason", "poison"), POISONED_CBOR)
def test_hostile_cbor_is_refused_within_50_ms(reason: str, poison: Callable[[dict[str, Any]], bytes]) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    registration = authenticator.register(site.registration_options(), origin=ORIGIN)
    assert not site.take_registration(registration).attested

    parts = cbor2.loads(from_base64url(registration["response"]["attestationObject"]))
    registration["response"]["attestationObject"] = base64url(poison(parts))
    body = json.dumps(registration).encode()
    started = time.process_time()
    with pytest.raises(RegistrationRefused) as refused:
        site.take_registration(body)

    assert time.process_time() - started < 0.05
    assert reason in refused.value.detail
    assert_same_public_answer(refused.value)


POISONED_JSON = [
    pytest.param("no JSON text", lambda _: b"\x00\xff", id="not JSON"),
    pytest.param("not an object", lambda honest: json.dumps([honest]).encode(), id="an array"),
    pytest.param(
        "a key is repeated", lambda honest: b'{"type":"public-key",' + json.dumps(honest).encode()[1:], id="a key twice"
    ),
    pytest.param("more than", lambda honest: json.dumps({**honest, "x": "x" * 70_000}).encode(), id="huge"),
    pytest.param("RecursionError", lambda _: b'{"a":' * 3_000, id="depth bomb"),
    pytest.param(
        "whose id is its rawId", lambda honest: json.dumps({**honest, "type": "password"}).encode(), id="another type"
    ),
    pytest.param(
        "whose id is its rawId",
        lambda honest: json.dumps({**honest, "id": base64url(b"other")}).encode(),
        id="id is not rawId",
    ),
    pytest.param(
        "rawId is not base64url",
        lambda honest: json.dumps({**honest, "id": honest["id"] + "=", "rawId": honest["rawId"] + "="}).encode(),
        id="padded",
    ),
    pytest.param(
        "rawId is not base64url",
        lambda honest: json.dumps({**honest, "id": "!" + honest["id"], "rawId": "!" + honest["id"]}).encode(),
        id="stray characters",
    ),
    pytest.param(
        "a credential id of 0 bytes", lambda honest: json.dumps({**honest, "id": "", "rawId": ""}).encode(), id="no id"
    ),
    pytest.param(
        "a credential id of 1024 bytes",
        lambda honest: json.dumps({**honest, "id": base64url(b"i" * 1024), "rawId": base64url(b"i" * 1024)}).encode(),
        id="id of 1024 bytes",
    ),
    pytest.param(
        "the credential has no response",
        lambda honest: json.dumps({**honest, "response": []}).encode(),
        id="response is a list",
    ),
    pytest.param(
        "is not base64url", lambda honest: json.dumps({**honest, "response": {}}).encode(), id="response is empty"
    ),
    pytest.param(
        "clientDataJSON is not base64url",
        lambda honest: json.dumps({**honest, "response": {**honest["response"], "clientDataJSON": 7}}).encode(),
        id="client data is a number",
    ),
]


@pytest.mark.spec("WR-01", "WR-13")
@pytest.mark.parametrize(("reason", "poison"), POISONED_JSON)
def test_a_malformed_registration_is_refused(reason: str, poison: Callable[[dict[str, Any]], bytes]) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    honest = authenticator.register(site.registration_options(), origin=ORIGIN)
    assert site.take_registration(honest)

    with pytest.raises(RegistrationRefused) as refused:
        site.take_registration(poison(honest))

    assert reason in refused.value.detail
    assert_same_public_answer(refused.value)


@pytest.mark.spec("WV-07")
@pytest.mark.parametrize(("reason", "poison"), POISONED_JSON)
def test_a_malformed_assertion_is_refused(reason: str, poison: Callable[[dict[str, Any]], bytes]) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    honest = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(honest, passkey=passkey)

    with pytest.raises(AssertionRefused) as refused:
        site.take_assertion(poison(honest), passkey=passkey)

    assert reason in refused.value.detail
    assert_same_public_answer(refused.value)
