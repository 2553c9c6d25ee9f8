"""Reading what the FIDO Alliance publishes: only with its signature, its name and its dates."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable  # noqa: TC003  parametrised arguments are read at run time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path  # noqa: TC003  same

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from idp.errors import SettingsError
from idp.login.authenticator_metadata import GRACE, AuthenticatorMetadata
from idp.login.metadata_blob import BLOB_LIMIT, FIDO_ROOT_PEM
from tests.support.authenticator_maker import AuthenticatorMaker, Authority, MetadataService, in_a_month
from tests.support.login.passkey_site import NOON

SERVICE = MetadataService()
MAKER = AuthenticatorMaker()
BLOB = SERVICE.publish([MAKER.entry()], next_update=in_a_month(NOON))


def load(folder: Path, blob: bytes) -> AuthenticatorMetadata:
    """Write the blob to a file and load it, trusting the service's root."""
    path = folder / "blob.jwt"
    path.write_bytes(blob)
    return AuthenticatorMetadata.load(path, now=NOON, trusted_root_pem=SERVICE.root.pem())


def forged_header(**members: object) -> bytes:
    """Return the blob with members of its header replaced; the signature stays."""
    header, payload, signature = BLOB.split(b".")
    honest = json.loads(base64.urlsafe_b64decode(header + b"=="))
    told = base64.urlsafe_b64encode(json.dumps({**honest, **members}).encode()).rstrip(b"=")
    return b".".join((told, payload, signature))


def changed_payload() -> bytes:
    """Return the blob with one entry less; header and signature stay."""
    header, _, signature = BLOB.split(b".")
    told = json.dumps({"no": 8, "nextUpdate": "2030-01-01", "entries": []}).encode()
    return b".".join((header, base64.urlsafe_b64encode(told).rstrip(b"="), signature))


@pytest.mark.spec("WR-12")
def test_a_signed_blob_is_read(tmp_path: Path) -> None:
    metadata = load(tmp_path, BLOB)

    model = metadata.model(str(MAKER.aaguid).upper())
    assert model is not None
    assert (model.description, model.biometric_only, model.hardware_keys) == ("Test model", True, True)
    assert model.roots == (MAKER.root.certificate,)
    assert metadata.number == 7
    assert metadata.model("00000000-0000-0000-0000-000000000000") is None


@pytest.mark.spec("WR-12")
def test_a_blob_signed_with_rsa_as_the_real_one_is_read_too(tmp_path: Path) -> None:
    service = replace(SERVICE, key=rsa.generate_private_key(65537, 2048))
    blob = service.publish([MAKER.entry()], next_update=in_a_month(NOON), algorithm="RS256")

    assert load(tmp_path, blob).model(str(MAKER.aaguid))


@pytest.mark.spec("WR-12")
@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        pytest.param(
            lambda: replace(SERVICE, root=Authority()).publish([], next_update=in_a_month(NOON)),
            "signature in the chain",
            id="another root",
        ),
        pytest.param(
            lambda: replace(SERVICE, host="www.example.vn").publish([], next_update=in_a_month(NOON)),
            "not signed by mds.fidoalliance.org",
            id="a web site under the same root",
        ),
        pytest.param(
            lambda: replace(SERVICE, until=NOON - timedelta(days=1)).publish([], next_update=in_a_month(NOON)),
            "not valid now",
            id="expired signer",
        ),
        pytest.param(lambda: forged_header(alg="none"), "signed with 'none'", id="alg none"),
        pytest.param(lambda: forged_header(alg="HS256"), "signed with 'HS256'", id="alg of a shared key"),
        pytest.param(lambda: forged_header(alg="RS256"), "signed with 'RS256'", id="alg of another key"),
        pytest.param(lambda: forged_header(typ="other"), "signature of the blob", id="header changed"),
        pytest.param(lambda: forged_header(x5c=[]), "0 certificates", id="no certificates"),
        pytest.param(changed_payload, "signature of the blob", id="payload changed"),
        pytest.param(lambda: BLOB[:-4], "blob", id="cut short"),
        pytest.param(lambda: BLOB + b".x", "no signed metadata blob", id="a fourth part"),
        pytest.param(lambda: b"", "no signed metadata blob", id="empty"),
        pytest.param(lambda: b"\xff.\xff.\xff", "UnicodeDecodeError", id="not text"),
        pytest.param(lambda: b"a" * (BLOB_LIMIT + 1), "no signed metadata blob", id="too large"),
        pytest.param(
            lambda: SERVICE.publish([], next_update=in_a_month(NOON)), "no authenticator", id="without entries"
        ),
    ],
)
def test_a_blob_that_is_not_the_alliances_is_refused(forge: Callable[[], bytes], reason: str, tmp_path: Path) -> None:
    assert load(tmp_path, BLOB)

    with pytest.raises(SettingsError) as refused:
        load(tmp_path, forge())

    assert reason in refused.value.reasons[0]


@pytest.mark.spec("WR-12")
def test_a_blob_is_fresh_until_some_days_after_the_next_one_was_due(tmp_path: Path) -> None:
    metadata = load(tmp_path, BLOB)

    assert metadata.is_fresh(now=NOON + timedelta(days=30) + GRACE)
    assert not metadata.is_fresh(now=NOON + timedelta(days=31) + GRACE)


def test_a_blob_out_of_date_still_loads_so_that_a_restart_succeeds(tmp_path: Path) -> None:
    old = SERVICE.publish([MAKER.entry()], next_update=in_a_month(NOON - timedelta(days=300)))

    assert not load(tmp_path, old).is_fresh(now=NOON)


def test_one_statement_that_cannot_be_read_harms_no_other_and_may_be_revoked(tmp_path: Path) -> None:
    revoked = [{"status": "REVOKED", "effectiveDate": "2025-01-01"}]
    broken = AuthenticatorMaker(statuses=revoked).entry()
    del broken["metadataStatement"]["userVerificationDetails"]
    unknown_status = AuthenticatorMaker(statuses=[{"status": "SOMETHING_NEW"}]).entry()
    u2f = {"attestationCertificateKeyIdentifiers": ["00"], "statusReports": [], "metadataStatement": {}}
    no_reports = AuthenticatorMaker(statuses=[{}]).entry()
    entries = [broken, unknown_status, u2f, no_reports, MAKER.entry()]

    metadata = load(tmp_path, SERVICE.publish(entries, next_update=in_a_month(NOON)))

    half = metadata.model(broken["aaguid"])
    assert half is not None
    assert half.is_revoked(now=NOON)
    assert half.roots == ()
    newer = metadata.model(unknown_status["aaguid"])
    assert newer is not None
    assert newer.statuses == ()
    assert metadata.model(no_reports["aaguid"]) is None, "whether it was revoked, nobody can tell"
    whole = metadata.model(str(MAKER.aaguid))
    assert whole is not None
    assert not whole.is_revoked(now=NOON)


def test_a_folder_of_statements_is_taken_on_the_operators_word(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(MAKER.statement()))

    metadata = AuthenticatorMetadata.load(tmp_path, now=NOON)

    assert metadata.model(str(MAKER.aaguid))
    assert metadata.is_fresh(now=NOON + timedelta(days=9999))
    assert metadata.number is None


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"], ids=["no file", "no JSON", "a list", "no AAGUID"])
def test_a_folder_without_a_readable_statement_is_one_clear_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content)

    with pytest.raises(SettingsError, match="authenticator metadata in"):
        AuthenticatorMetadata.load(tmp_path, now=NOON)


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="FileNotFoundError"):
        AuthenticatorMetadata.load(tmp_path / "nothing", now=NOON)


def test_the_pinned_root_is_the_one_that_the_alliance_names() -> None:
    root = x509.load_pem_x509_certificate(FIDO_ROOT_PEM)

    assert root.fingerprint(hashes.SHA256()).hex() == (
        "cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b"
    )
    assert root.not_valid_after_utc > NOON + timedelta(days=365)
