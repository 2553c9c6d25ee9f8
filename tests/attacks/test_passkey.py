"""Attacks on passkeys: each beside the same ceremony without the poison, which succeeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp.errors import AssertionRefused, RegistrationRefused
from tests.support.authenticator import SoftwareAuthenticator, base64url
from tests.support.login.passkey_site import ORIGIN, RP_ID, PasskeySite, assert_same_public_answer

FOREIGN_ORIGINS = {
    "subdomain": "https://evil.id.example.vn",
    "parent": "https://example.vn",
    "http": "http://id.example.vn",
    "port": "https://id.example.vn:8443",
    "default port spelled out": "https://id.example.vn:443",
    "trailing dot": "https://id.example.vn.",
    "trailing slash": "https://id.example.vn/",
    "upper case": "https://ID.example.vn",
    "suffix": "https://id.example.vn.evil.example",
    "user part": "https://id.example.vn@evil.example",
    "lookalike": "https://íd.example.vn",
    "punycode lookalike": "https://xn--d-iga.example.vn",
    "null": "null",
    "app": "android:apk-key-hash:AAAA",
    "nothing": None,
    "list": [ORIGIN],
}


def spec(*ids: str) -> pytest.MarkDecorator:
    """Tie a row of a table to its requirement lines."""
    return pytest.mark.spec(*ids)


# What an authenticator or browser does wrongly, and what the log says. The same for registration and login.
MISBEHAVIOUR = [
    pytest.param({"user_present": False}, "not present", id="not present", marks=spec("WR-09", "WV-05")),
    pytest.param({"user_verified": False}, "not verified", id="not verified", marks=spec("WR-09", "WV-05")),
    pytest.param({"signed_rp_id": "example.vn"}, "RP ID hash", id="other rp", marks=spec("WR-08", "WV-05")),
    pytest.param({"client_data": {"crossOrigin": True}}, "crossOrigin", id="framed", marks=spec("WR-06", "WV-04")),
    pytest.param(
        {"client_data": {"crossOrigin": "false"}}, "crossOrigin", id="framed, text", marks=spec("WR-06", "WV-04")
    ),
    pytest.param({"client_data": {"topOrigin": ORIGIN}}, "topOrigin", id="top origin", marks=spec("WR-06", "WV-04")),
    pytest.param(
        {"client_data": {"challenge": base64url(b"?" * 32)}},
        "challenge",
        id="other challenge",
        marks=spec("WR-04", "WV-03"),
    ),
    pytest.param({"client_data": {"challenge": None}}, "challenge", id="no challenge", marks=spec("WR-04", "WV-03")),
    pytest.param({"client_data": {"type": "payment.get"}}, "type", id="payment", marks=spec("WR-03", "WV-03")),
    pytest.param({"client_data": {"type": None}}, "type", id="no type", marks=spec("WR-03", "WV-03")),
    *(
        pytest.param({"client_data": {"origin": origin}}, "origin", id=f"origin: {name}", marks=spec("WR-05", "WV-03"))
        for name, origin in FOREIGN_ORIGINS.items()
    ),
]


def misbehaving(faults: dict[str, Any], authenticator: SoftwareAuthenticator) -> SoftwareAuthenticator:
    """Return the same authenticator, keys included, with its faults."""
    return replace(authenticator, **faults)


@pytest.mark.parametrize(("faults", "reason"), MISBEHAVIOUR)
def test_a_registration_that_went_wrong_is_refused(faults: dict[str, Any], reason: str) -> None:
    site, honest = PasskeySite(), SoftwareAuthenticator()
    assert site.register(honest).credential_id

    with pytest.raises(RegistrationRefused) as refused:
        site.register(misbehaving(faults, honest))

    assert reason in refused.value.detail
    assert_same_public_answer(refused.value)


@pytest.mark.parametrize(("faults", "reason"), MISBEHAVIOUR)
def test_a_login_that_went_wrong_is_refused(faults: dict[str, Any], reason: str) -> None:
    site, honest = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(honest)
    assert site.sign_in(honest, passkey).sign_count == 1

    with pytest.raises(AssertionRefused) as refused:
        site.sign_in(misbehaving(faults, honest), passkey)

    assert reason in refused.value.detail
    assert_same_public_answer(refused.value)


@pytest.mark.spec("WR-01")
def test_an_assertion_is_no_registration() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    registration = authenticator.register(site.registration_options(), origin=ORIGIN)
    assert site.take_registration(registration).sign_count == 0

    options = {**site.login_options(), "challenge": base64url(site.registration_challenge)}
    with pytest.raises(RegistrationRefused):
        site.take_registration(authenticator.sign_in(options, origin=ORIGIN))


@pytest.mark.spec("WR-01", "WV-03")
def test_a_registration_is_no_assertion() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    assert site.sign_in(authenticator, passkey).sign_count == 1

    options = {**site.registration_options(), "challenge": base64url(site.login_challenge)}
    with pytest.raises(AssertionRefused):
        site.take_assertion(authenticator.register(options, origin=ORIGIN), passkey=passkey)


@pytest.mark.spec("WR-13")
def test_a_credential_id_may_have_1023_bytes_and_not_one_more() -> None:
    site = PasskeySite()
    assert len(site.register(SoftwareAuthenticator(credential_id_length=1023)).credential_id) == 1023

    with pytest.raises(RegistrationRefused, match="could not be added"):
        site.register(SoftwareAuthenticator(credential_id_length=1024))


@pytest.mark.spec("WR-14")
def test_the_credential_id_inside_must_be_the_one_outside() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    response = authenticator.register(site.registration_options(), origin=ORIGIN)
    assert site.take_registration(response)

    victims = base64url(b"credential of somebody else 1234")
    with pytest.raises(RegistrationRefused) as refused:
        site.take_registration({**response, "id": victims, "rawId": victims})

    assert "not the one outside" in refused.value.detail


@pytest.mark.spec("WR-10")
def test_a_passkey_that_is_backed_up_but_cannot_be_is_refused() -> None:
    site = PasskeySite()
    synced = site.register(SoftwareAuthenticator(backup_eligible=True, backed_up=True))
    assert (synced.backup_eligible, synced.backed_up, synced.hardware_bound) == (True, True, False)

    with pytest.raises(RegistrationRefused):
        site.register(SoftwareAuthenticator(backed_up=True))


@pytest.mark.spec("WR-11")
@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [
        pytest.param(ec.SECP384R1(), -7, id="ES256 on P-384"),
        pytest.param(ec.SECP521R1(), -36, id="ES512, not offered"),
        pytest.param(ec.SECP256R1(), -36, id="ES512 on P-256"),
        pytest.param(ec.SECP256R1(), -257, id="RS256 with an EC key"),
        pytest.param(ec.SECP256R1(), -8, id="EdDSA with an EC key"),
        pytest.param(ec.SECP256R1(), -65535, id="RSA with SHA-1"),
        pytest.param(ec.SECP256R1(), 0, id="no algorithm"),
    ],
)
def test_a_key_of_a_kind_that_was_not_offered_is_refused(curve: ec.EllipticCurve, algorithm: int) -> None:
    site = PasskeySite()
    assert site.register(SoftwareAuthenticator(curve=ec.SECP256R1(), key_algorithm=-7))

    with pytest.raises(RegistrationRefused):
        site.register(SoftwareAuthenticator(curve=curve, key_algorithm=algorithm))


@pytest.mark.spec("WR-16")
@pytest.mark.parametrize("extensions", [{}, {"credProtect": 2, "hmac-secret": True}, {"x": [1, {"y": 2.5}]}], ids=repr)
def test_extensions_that_nobody_asked_for_change_nothing(extensions: dict[str, Any]) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator(extensions=extensions)

    passkey = site.enrol(authenticator)

    assert site.sign_in(authenticator, passkey).sign_count == 1


@pytest.mark.spec("WR-16")
@pytest.mark.parametrize(
    "told", [None, [], {"credProps": None}, {"credProps": {"rk": "yes"}}, {"largeBlob": {"blob": "x" * 5000}}]
)
def test_odd_client_extension_results_change_nothing(told: object) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator(transports=())
    response = authenticator.register(site.registration_options(), origin=ORIGIN)

    verified = site.take_registration({**response, "clientExtensionResults": told})

    assert verified == site.take_registration(response)


def test_the_site_of_these_tests_is_not_the_site_of_the_attacker() -> None:
    assert ORIGIN not in FOREIGN_ORIGINS.values()
    assert ORIGIN.endswith(RP_ID)
