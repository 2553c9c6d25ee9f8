"""Attacks on a login with a passkey: each beside the same login without the poison, which succeeds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from idp.errors import AssertionRefused
from idp.login.passkey import CounterWentBack, read_assertion
from tests.support.authenticator import SoftwareAuthenticator, base64url, from_base64url
from tests.support.login.passkey_site import NOON, ORIGIN, PasskeySite, assert_same_public_answer

if TYPE_CHECKING:
    from idp.citizens.credentials import Passkey


@pytest.mark.spec("WV-01")
def test_only_a_passkey_that_was_offered_logs_in() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    first, second = site.enrol(authenticator), site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(first), origin=ORIGIN)
    offered = frozenset({first.credential_id})
    assert site.take_assertion(response, passkey=first, allowed=offered)

    key = authenticator.keys[second.credential_id]
    response = authenticator.sign_with(key, site.login_options(first), origin=ORIGIN)
    with pytest.raises(AssertionRefused) as refused:
        site.take_assertion(response, passkey=second, allowed=offered)

    assert "not among those offered" in refused.value.detail
    assert site.take_assertion(response, passkey=second, allowed=offered | {second.credential_id})


@pytest.mark.spec("WV-01")
def test_a_decoy_allow_list_lets_nobody_in() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(response, passkey=passkey, allowed=None)

    with pytest.raises(AssertionRefused):
        site.take_assertion(response, passkey=passkey, allowed=frozenset())


@pytest.mark.spec("WV-02")
def test_a_discoverable_login_must_say_whose_passkey_it_is() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    assert site.sign_in(authenticator, passkey)

    authenticator.user_handle = b""
    with pytest.raises(AssertionRefused) as refused:
        site.sign_in(authenticator, passkey)

    assert "without a user handle" in refused.value.detail
    response = authenticator.sign_in(site.login_options(passkey), origin=ORIGIN)
    assert site.take_assertion(response, passkey=passkey, allowed=frozenset({passkey.credential_id}))


@pytest.mark.spec("WV-02")
@pytest.mark.parametrize("offered", [True, False], ids=["number typed", "discoverable"])
def test_a_user_handle_of_another_account_is_refused(*, offered: bool) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    allowed = frozenset({passkey.credential_id}) if offered else None
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(response, passkey=passkey, allowed=allowed)

    authenticator.user_handle = b"v" * 32
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    with pytest.raises(AssertionRefused) as refused:
        site.take_assertion(response, passkey=passkey, allowed=allowed)

    assert "another account" in refused.value.detail


@pytest.mark.spec("WV-02")
@pytest.mark.parametrize(("length", "read"), [(1, True), (64, True), (0, False), (65, False)])
def test_a_user_handle_has_1_to_64_bytes(length: int, read: bool) -> None:  # noqa: FBT001  a column of the table
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    response["response"]["userHandle"] = base64url(b"h" * length)

    if read:
        assert read_assertion(json.dumps(response).encode()).user_handle == b"h" * length
    else:
        with pytest.raises(AssertionRefused) as refused:
            read_assertion(json.dumps(response).encode())
        assert refused.value.detail == f"a user handle of {length} bytes"


@pytest.mark.spec("WV-06")
@pytest.mark.parametrize(
    ("stored", "told", "accepted"),
    [
        pytest.param(False, (False, False), True, id="device-bound"),
        pytest.param(False, (True, False), False, id="device-bound says that it may be backed up"),
        pytest.param(False, (True, True), False, id="device-bound says that it is backed up"),
        pytest.param(False, (False, True), False, id="backed up without being eligible"),
        pytest.param(True, (True, False), True, id="eligible"),
        pytest.param(True, (True, True), True, id="eligible and backed up"),
        pytest.param(True, (False, False), False, id="no longer eligible"),
    ],
)
def test_backup_eligibility_never_changes(
    stored: bool,  # noqa: FBT001  a column of the table
    told: tuple[bool, bool],
    accepted: bool,  # noqa: FBT001  same
) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator(backup_eligible=stored)
    passkey = site.enrol(authenticator)

    authenticator.backup_eligible, authenticator.backed_up = told

    if accepted:
        assert site.sign_in(authenticator, passkey).backed_up is told[1]
    else:
        with pytest.raises(AssertionRefused):
            site.sign_in(authenticator, passkey)


@pytest.mark.spec("WV-07")
def test_a_wrong_signature_and_a_wrong_passkey_get_the_same_answer() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    mine, other = site.enrol(authenticator), site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(mine), origin=ORIGIN)
    assert site.take_assertion(response, passkey=mine)

    answers = [
        refusal(site, response, passkey=other),
        refusal(site, response, passkey=replace(mine, public_key=other.public_key)),
        refusal(site, response, passkey=replace(mine, public_key=b"no key")),
        refusal(site, {**response, "response": {**response["response"], "signature": ""}}, passkey=mine),
        refusal(site, {**response, "response": {**response["response"], "signature": "A" * 8000}}, passkey=mine),
    ]

    for answer in answers:
        assert_same_public_answer(answer)
    assert answers[0].detail == "the assertion names another passkey"
    assert answers[-1].detail == "a signature of 6000 bytes"


@pytest.mark.spec("WV-07")
@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_a_single_flipped_bit_is_refused(part: str) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(response, passkey=passkey)

    value = bytearray(from_base64url(response["response"][part]))
    value[-1] ^= 1
    response["response"][part] = base64url(bytes(value))

    assert_same_public_answer(refusal(site, response, passkey=passkey))


@pytest.mark.spec("WV-08", "WV-09")
@pytest.mark.parametrize(
    ("stored", "received", "accepted"),
    [(0, 0, True), (0, 1, True), (5, 6, True), (5, 900, True), (5, 5, False), (5, 4, False), (5, 0, False)],
)
def test_a_counter_that_does_not_rise_is_told_apart_from_every_other_refusal(
    stored: int,
    received: int,
    accepted: bool,  # noqa: FBT001  a column of the table
) -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator(counts=False)
    passkey = replace(site.enrol(authenticator), sign_count=stored)
    authenticator.keys[passkey.credential_id].counter = received

    if accepted:
        assert site.sign_in(authenticator, passkey).sign_count == received
    else:
        with pytest.raises(CounterWentBack) as refused:
            site.sign_in(authenticator, passkey)
        assert (refused.value.received, refused.value.stored) == (received, stored)
        assert_same_public_answer(refused.value)


@pytest.mark.spec("WV-08")
def test_a_stranger_cannot_flag_a_passkey_with_an_old_counter_and_no_signature() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = replace(site.enrol(authenticator), sign_count=5)
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    with pytest.raises(CounterWentBack):
        site.take_assertion(response, passkey=passkey)

    response["response"]["signature"] = base64url(b"forged")

    assert not isinstance(refusal(site, response, passkey=passkey), CounterWentBack)


@pytest.mark.spec("WV-10")
def test_an_assertion_for_one_challenge_is_refused_under_the_next() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(response, passkey=passkey)

    site.login_challenge = b"the challenge of the next login."

    assert "challenge" in refusal(site, response, passkey=passkey).detail


@pytest.mark.spec("WV-11")
def test_a_passkey_that_was_ended_logs_nobody_in() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(response, passkey=passkey)

    assert_same_public_answer(refusal(site, response, passkey=replace(passkey, ended_at=NOON)))


@pytest.mark.spec("WV-05")
def test_a_credential_smuggled_into_a_login_is_refused() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()
    passkey = site.enrol(authenticator)
    response = authenticator.sign_in(site.login_options(), origin=ORIGIN)
    assert site.take_assertion(response, passkey=passkey)

    registration = authenticator.register(site.registration_options(), origin=ORIGIN)
    response["response"]["authenticatorData"] = registration["response"]["authenticatorData"]

    assert "attested credential data" in refusal(site, response, passkey=passkey).detail


def refusal(site: PasskeySite, response: dict[str, Any], *, passkey: Passkey) -> AssertionRefused:
    """Return how the assertion was refused."""
    with pytest.raises(AssertionRefused) as refused:
        site.take_assertion(response, passkey=passkey)
    return refused.value
