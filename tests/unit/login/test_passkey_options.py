"""What browsers are asked for, and the made-up credentials that strangers see."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from webauthn.helpers.parse_authentication_options_json import parse_authentication_options_json
from webauthn.helpers.parse_registration_options_json import parse_registration_options_json

from idp.login.passkey import PasskeyUser, authentication_options, decoy_allow_list, registration_options
from tests.support.authenticator import SoftwareAuthenticator, base64url, from_base64url
from tests.support.login.passkey_site import NOON, PasskeySite

USER = PasskeyUser(b"u" * 32, "•••• 1234", "Nguyễn V. A.")


def seed(number: int) -> bytes:
    """Stand in for the keyed hash of a national number."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


@pytest.mark.spec("WR-09", "WR-11")
def test_a_registration_asks_for_a_discoverable_passkey_that_verifies_the_person() -> None:
    options = registration_options(
        rp_id="id.example.vn",
        rp_name="Sen",
        user=USER,
        challenge=b"c" * 32,
        exclude=(),
        attestation="direct",
    )

    parsed = parse_registration_options_json(json.dumps(options))
    assert parsed.authenticator_selection is not None
    assert parsed.authenticator_selection.resident_key == "required"
    assert parsed.authenticator_selection.user_verification == "required"
    assert [parameter.alg for parameter in parsed.pub_key_cred_params] == [-7, -8, -257]
    assert (parsed.user.id, parsed.challenge, parsed.attestation) == (b"u" * 32, b"c" * 32, "direct")


@pytest.mark.spec("WR-14")
def test_a_citizens_living_passkeys_are_excluded_and_ended_ones_may_come_back() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    living, ended = site.enrol(authenticator), replace(site.enrol(authenticator), ended_at=NOON)

    options = registration_options(
        rp_id="id.example.vn",
        rp_name="Sen",
        user=USER,
        challenge=b"c" * 32,
        exclude=(living, ended),
        attestation="none",
    )

    assert options["excludeCredentials"] == [
        {"type": "public-key", "id": base64url(living.credential_id), "transports": ["internal"]}
    ]


def test_a_login_asks_for_user_verification_and_hides_the_order_of_passkeys() -> None:
    allow = [(b"z" * 16, ("internal",)), (b"a" * 16, ("nfc", "usb"))]

    options = authentication_options(rp_id="id.example.vn", challenge=b"c" * 32, allow=allow)

    parsed = parse_authentication_options_json(json.dumps(options))
    assert (parsed.rp_id, parsed.challenge, parsed.user_verification) == (
        "id.example.vn",
        b"c" * 32,
        "required",
    )
    assert [item["id"] for item in options["allowCredentials"]] == [
        base64url(b"a" * 16),
        base64url(b"z" * 16),
    ]


@pytest.mark.spec("WR-04")
def test_a_challenge_under_128_bits_is_never_sent() -> None:
    assert authentication_options(rp_id="id.example.vn", challenge=b"c" * 16, allow=())["challenge"]

    with pytest.raises(ValueError, match="16 bytes"):
        authentication_options(rp_id="id.example.vn", challenge=b"c" * 15, allow=())


@pytest.mark.spec("WR-17")
@pytest.mark.parametrize(
    ("handle", "challenge", "attestation"),
    [(b"", b"c" * 32, "none"), (b"u" * 65, b"c" * 32, "none"), (b"u", b"c" * 15, "none"), (b"u", b"c" * 16, "x")],
)
def test_options_that_a_browser_would_refuse_are_never_made(handle: bytes, challenge: bytes, attestation: str) -> None:
    with pytest.raises(ValueError, match=r"challenge|attestation"):
        registration_options(
            rp_id="id.example.vn",
            rp_name="Sen",
            user=replace(USER, handle=handle),
            challenge=challenge,
            exclude=(),
            attestation=attestation,
        )


@pytest.mark.spec("LG-02")
def test_an_unknown_number_is_shown_the_same_made_up_passkeys_each_time() -> None:
    assert decoy_allow_list(seed=seed(1)) == decoy_allow_list(seed=seed(1))
    assert decoy_allow_list(seed=seed(1)) != decoy_allow_list(seed=seed(2))


@pytest.mark.spec("LG-02")
def test_made_up_passkeys_look_like_real_ones() -> None:
    decoys = [decoy_allow_list(seed=seed(number)) for number in range(400)]

    assert {len(each) for each in decoys} == {1, 2}
    shown = [item for each in decoys for item in each]
    assert {len(credential_id) for credential_id, _ in shown} == {16, 20, 32, 48}
    assert all(transports == tuple(sorted(transports)) for _, transports in shown)
    assert len({credential_id for credential_id, _ in shown}) == len(shown)
    assert 480 < len(shown) < 620  # between one and two each


@pytest.mark.spec("LG-02")
def test_options_for_a_made_up_passkey_have_the_shape_of_real_ones() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator(transports=("internal", "hybrid"))
    real = site.login_options(site.enrol(authenticator))
    decoy = authentication_options(rp_id="id.example.vn", challenge=b"c" * 32, allow=decoy_allow_list(seed=seed(3)))

    assert real.keys() == decoy.keys()
    assert {tuple(item) for item in real["allowCredentials"]} == {tuple(item) for item in decoy["allowCredentials"]}
    assert from_base64url(decoy["allowCredentials"][0]["id"])


def test_a_decoy_needs_a_seed_that_nobody_can_guess() -> None:
    with pytest.raises(ValueError, match="keyed hash"):
        decoy_allow_list(seed=b"012345678901")
