"""What a passkey proves: how much of it is attested decides what a login may claim."""

from __future__ import annotations

import uuid
from collections.abc import Callable  # noqa: TC003  parametrised arguments are read at run time
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.errors import RegistrationRefused
from idp.login.authenticator_metadata import GRACE, AuthenticatorMetadata
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.authenticator_maker import AuthenticatorMaker, Authority, MetadataService, in_a_month
from tests.support.login.passkey_site import NOON, PasskeySite


def site_that_knows(*makers: AuthenticatorMaker) -> PasskeySite:
    """Return a site that has pinned the statements of these makers."""
    return PasskeySite(metadata=AuthenticatorMetadata.from_statements([maker.statement() for maker in makers]))


def test_a_passkey_of_an_unknown_maker_proves_possession_and_a_device_lock() -> None:
    site, authenticator = PasskeySite(), SoftwareAuthenticator()

    evidence = site.sign_in(authenticator, site.enrol(authenticator)).evidence

    assert evidence.method == "passkey"
    assert evidence.amr == ("pop", "user", "swk", "mfa")
    assert evidence.factors == {"possession", "local"}
    assert evidence.phishing_resistant
    assert not (evidence.hardware_bound)
    assert not (evidence.attested)


@pytest.mark.spec("WR-12")
def test_an_attested_biometric_passkey_proves_a_biometric() -> None:
    maker = AuthenticatorMaker(verification=[["fingerprint_internal"], ["faceprint_internal", "presence_internal"]])
    site, authenticator = site_that_knows(maker), SoftwareAuthenticator(maker=maker)

    evidence = site.sign_in(authenticator, site.enrol(authenticator)).evidence

    assert evidence.amr == ("pop", "user", "hwk", "mfa")
    assert evidence.factors == {"possession", "biometric"}
    assert evidence.hardware_bound
    assert evidence.attested


@pytest.mark.spec("WR-12")
@pytest.mark.parametrize(
    ("verification", "options"),
    [
        pytest.param([["fingerprint_internal"], ["passcode_external"]], {}, id="a PIN will do"),
        pytest.param([["fingerprint_internal", "passcode_internal"]], {}, id="a PIN in the same row"),
        pytest.param([["fingerprint_internal", "pattern_internal"]], {}, id="a pattern in the same row"),
        pytest.param([["fingerprint_internal", "none"]], {}, id="none in the same row"),
        pytest.param([["fingerprint_internal"], ["none"]], {}, id="none"),
        pytest.param([["presence_internal"]], {}, id="a touch"),
        pytest.param([["fingerprint_internal"]], {"clientPin": True}, id="a PIN is set"),
        pytest.param([["fingerprint_internal"]], {"clientPin": False}, id="a PIN may be set"),
        pytest.param([], {}, id="nothing is said"),
    ],
)
def test_a_maker_with_another_way_in_than_a_biometric_proves_none(
    verification: list[list[str]], options: dict[str, bool]
) -> None:
    maker = AuthenticatorMaker(verification=verification, options=options)
    site, authenticator = site_that_knows(maker), SoftwareAuthenticator(maker=maker)

    evidence = site.sign_in(authenticator, site.enrol(authenticator)).evidence

    assert evidence.attested
    assert evidence.factors == {"possession", "local"}


@pytest.mark.spec("WR-10")
def test_a_synced_passkey_is_never_bound_to_hardware() -> None:
    maker = AuthenticatorMaker()
    site = site_that_knows(maker)
    assert site.register(SoftwareAuthenticator(maker=maker)).hardware_bound

    synced = site.register(SoftwareAuthenticator(maker=maker, backup_eligible=True))

    assert synced.attested
    assert not synced.hardware_bound


@pytest.mark.parametrize("protection", [["software"], ["tee"], ["hardware", "software"], []], ids=repr)
def test_keys_outside_hardware_are_not_bound_to_it(protection: list[str]) -> None:
    maker = AuthenticatorMaker(protection=protection)
    site = site_that_knows(maker)

    assert not site.register(SoftwareAuthenticator(maker=maker)).hardware_bound


@pytest.mark.spec("WR-12")
def test_a_chain_over_intermediates_reaches_the_root() -> None:
    root = Authority()
    upper = Authority("Upper", path_length=1, parent=root)
    lower = Authority("Lower", path_length=0, parent=upper)
    maker = AuthenticatorMaker(root=root, intermediates=[lower, upper])

    assert site_that_knows(maker).register(SoftwareAuthenticator(maker=maker)).attested


@pytest.mark.spec("WR-12")
@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        pytest.param(
            lambda honest: replace(honest, root=Authority()), "signature in the chain", id="root of the same name"
        ),
        pytest.param(lambda honest: replace(honest, root=Authority("Mine")), "no anchor", id="own root"),
        pytest.param(
            lambda honest: replace(honest, certified_aaguid=uuid.uuid4()),
            "names another model",
            id="cheap model poses as a better one",
        ),
        pytest.param(lambda honest: replace(honest, until=NOON - timedelta(days=1)), "not valid now", id="expired"),
        pytest.param(
            lambda honest: replace(honest, intermediates=[Authority("A", is_authority=False, parent=honest.root)]),
            "no certification authority",
            id="issued by a leaf",
        ),
        pytest.param(
            lambda honest: replace(honest, intermediates=[Authority("A", says=False, parent=honest.root)]),
            "does not say",
            id="issued by one that says nothing",
        ),
        pytest.param(
            lambda honest: replace(
                honest, intermediates=[Authority("A", signs_certificates=False, parent=honest.root)]
            ),
            "may not sign certificates",
            id="issued by a key for other uses",
        ),
        pytest.param(lambda honest: replace(honest, intermediates=too_long(honest.root)), "longer", id="too long"),
        pytest.param(
            lambda honest: replace(honest, signing_key=honest.root.key),
            "attestation statement signature",
            id="signed by another key",
        ),
    ],
)
def test_an_attestation_that_is_not_the_models_own_is_refused(
    forge: Callable[[AuthenticatorMaker], AuthenticatorMaker], reason: str
) -> None:
    honest = AuthenticatorMaker()
    site = site_that_knows(honest)
    assert site.register(SoftwareAuthenticator(maker=honest)).attested

    with pytest.raises(RegistrationRefused) as refused:
        site.register(SoftwareAuthenticator(maker=forge(honest)))

    assert reason in refused.value.detail


@pytest.mark.spec("WR-12")
def test_the_name_of_a_good_model_alone_proves_nothing() -> None:
    maker = AuthenticatorMaker()
    site = site_that_knows(maker)
    assert site.register(SoftwareAuthenticator(maker=maker)).attested

    assert not site.register(SoftwareAuthenticator(aaguid=maker.aaguid)).attested
    assert not site.register(SoftwareAuthenticator(aaguid=maker.aaguid, self_attests=True)).attested
    assert not PasskeySite(metadata=None).register(SoftwareAuthenticator(maker=maker)).attested


@pytest.mark.spec("WR-12")
def test_a_certificate_that_is_itself_pinned_attests() -> None:
    maker = AuthenticatorMaker(pins_leaf=True)

    assert site_that_knows(maker).register(SoftwareAuthenticator(maker=maker)).attested


@pytest.mark.spec("WR-12")
@pytest.mark.parametrize("root", [Authority(says=False), Authority(signs_certificates=True)], ids=["silent", "signs"])
def test_a_pinned_root_need_not_say_that_it_is_an_authority(root: Authority) -> None:
    maker = AuthenticatorMaker(root=root)

    assert site_that_knows(maker).register(SoftwareAuthenticator(maker=maker)).attested


@pytest.mark.spec("WR-12")
def test_a_leaf_that_is_pinned_may_not_issue_others() -> None:
    maker = AuthenticatorMaker(root=Authority(is_authority=False))
    site = site_that_knows(maker)

    with pytest.raises(RegistrationRefused) as refused:
        site.register(SoftwareAuthenticator(maker=maker))

    assert "no certification authority" in refused.value.detail


@pytest.mark.spec("WR-12")
def test_a_withdrawn_model_is_refused_and_a_weak_one_is_no_longer_attested() -> None:
    sound = AuthenticatorMaker()
    weak = replace(sound, aaguid=uuid.uuid4(), statuses=reported("USER_KEY_PHYSICAL_COMPROMISE", "2026-01-01"))
    revoked = replace(sound, aaguid=uuid.uuid4(), statuses=reported("REVOKED", "2026-01-01"))
    soon = replace(sound, aaguid=uuid.uuid4(), statuses=reported("REVOKED", "2026-12-31"))
    site = PasskeySite(metadata=published(sound, weak, revoked, soon))

    assert site.register(SoftwareAuthenticator(maker=sound)).attested
    assert site.register(SoftwareAuthenticator(maker=soon)).attested
    assert not site.register(SoftwareAuthenticator(maker=weak)).attested
    for claim in (SoftwareAuthenticator(maker=revoked), SoftwareAuthenticator(aaguid=revoked.aaguid)):
        with pytest.raises(RegistrationRefused) as refused:
            site.register(claim)
        assert "revoked" in refused.value.detail


@pytest.mark.spec("WR-12")
def test_metadata_out_of_date_attests_nobody_and_still_revokes() -> None:
    sound = AuthenticatorMaker()
    revoked = AuthenticatorMaker(statuses=reported("REVOKED", "2026-01-01"))
    site = PasskeySite(metadata=published(sound, revoked))
    assert site.register(SoftwareAuthenticator(maker=sound)).attested

    site.now = NOON + timedelta(days=30) + GRACE + timedelta(days=1)

    assert not site.register(SoftwareAuthenticator(maker=sound)).attested
    with pytest.raises(RegistrationRefused):
        site.register(SoftwareAuthenticator(maker=revoked))


def published(*makers: AuthenticatorMaker) -> AuthenticatorMetadata:
    """Return what is known from a signed blob, published at noon."""
    service = MetadataService()
    blob = service.publish([maker.entry() for maker in makers], next_update=in_a_month(NOON))
    return AuthenticatorMetadata.read(blob, now=NOON, trusted_root_pem=service.root.pem())


def reported(status: str, since: str) -> list[dict[str, str]]:
    """Return the status reports of a model: certified long ago, and this."""
    return [
        {"status": "FIDO_CERTIFIED_L1", "effectiveDate": "2022-01-01"},
        {"status": status, "effectiveDate": since},
    ]


def too_long(root: Authority) -> list[Authority]:
    """Return two authorities under a root, lower first, where the upper one may have none below it."""
    upper = Authority("Upper", path_length=0, parent=root)
    return [Authority("Lower", parent=upper), upper]
