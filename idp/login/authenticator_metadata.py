"""What the makers of authenticators, and the FIDO Alliance, say about each model: roots, user verification, status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography import x509
from fido2.mds3 import AuthenticatorStatus, MetadataBlobPayloadEntry, MetadataStatement

from idp.errors import SettingsError
from idp.login.metadata_blob import FIDO_ROOT_PEM, read_blob
from idp.login.passkey_refusal import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

GRACE: Final = timedelta(days=7)  # after nextUpdate; then nobody new is attested until a newer file is there

# FIDO Registry of Predefined Values 2.2 section 3.1. Whoever verifies by one of these is there in person.
_BIOMETRIC: Final = frozenset(f"{part}print_internal" for part in ("finger", "face", "voice", "eye", "hand"))
# What may stand beside a biometric without being another way in.
_NO_FACTOR: Final = frozenset({"presence_internal", "location_internal"})

_COMPROMISED: Final = frozenset(
    {
        AuthenticatorStatus.REVOKED,
        AuthenticatorStatus.USER_VERIFICATION_BYPASS,
        AuthenticatorStatus.ATTESTATION_KEY_COMPROMISE,
        AuthenticatorStatus.USER_KEY_REMOTE_COMPROMISE,
        AuthenticatorStatus.USER_KEY_PHYSICAL_COMPROMISE,
    }
)
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError)
_PICTURES: Final = ("icon", "iconDark", "providerLogoLight", "providerLogoDark")  # nine tenths of the file


@dataclass(frozen=True, slots=True)
class AuthenticatorModel:
    """What is known of one model of authenticator, by its AAGUID.

    `roots` are the certificates that its attestations must chain to (may be empty: it has none);
    `biometric_only` that no user verification other than a biometric one exists;
    `hardware_keys` that private keys are protected by hardware; `statuses` what was reported, and from when on.
    """

    aaguid: str
    description: str
    roots: tuple[x509.Certificate, ...]
    biometric_only: bool
    hardware_keys: bool
    statuses: tuple[tuple[AuthenticatorStatus, date | None], ...]

    def is_revoked(self, *, now: datetime) -> bool:
        """Say whether the FIDO Alliance has withdrawn the model: nobody may register it any more."""
        return AuthenticatorStatus.REVOKED in self._in_force(now)

    def is_compromised(self, *, now: datetime) -> bool:
        """Say whether a weakness was reported: it may be used, but its attestation is worth nothing."""
        return not _COMPROMISED.isdisjoint(self._in_force(now))

    def _in_force(self, now: datetime) -> frozenset[AuthenticatorStatus]:
        today = now.astimezone(UTC).date()
        return frozenset(status for status, since in self.statuses if since is None or since <= today)


class AuthenticatorMetadata:
    """The models that we know, found by AAGUID.

    Entries are read one by one when they are asked for: the published file holds some that no reader takes, and reading
    all of it would cost seconds at every start. `number` is the serial number of the blob (None for local statements);
    `fresh_until` the end of its trust (None: never, the operator pinned the statements).
    """

    __slots__ = ("_entries", "fresh_until", "number")

    def __init__(
        self, entries: Mapping[str, Mapping[str, Any]], *, number: int | None, fresh_until: datetime | None
    ) -> None:
        """Keep the raw entries, by AAGUID in lower case."""
        self._entries = entries
        self.number = number
        self.fresh_until = fresh_until

    @classmethod
    def load(cls, path: Path, *, now: datetime, trusted_root_pem: bytes = FIDO_ROOT_PEM) -> AuthenticatorMetadata:
        """Read a FIDO metadata blob (a file), or statements that the operator pins (a folder of .json files).

        A blob must be signed under `trusted_root_pem` at `now`. One that is out of date still loads, so that Sen can
        start: it revokes as before but attests nobody.

        Raises:
            SettingsError: unreadable, not signed as it must be, or without entries.
        Source: FIDO Metadata Service 3.1 section 3.2.
        """
        try:
            if path.is_dir():
                files = sorted(path.glob("*.json"))
                return cls.from_statements([orjson.loads(file.read_bytes()) for file in files])
            return cls.read(path.read_bytes(), now=now, trusted_root_pem=trusted_root_pem)
        except (OSError, *_UNREADABLE) as failed:
            reason = f"authenticator metadata in {path}: {type(failed).__name__}: {failed}"
            raise SettingsError((reason,)) from failed

    @classmethod
    def read(cls, blob: bytes, *, now: datetime, trusted_root_pem: bytes) -> AuthenticatorMetadata:
        """Read a metadata blob that is in memory; see `load`.

        Raises:
            CheckFailed: not signed as it must be; ValueError, KeyError, TypeError or AttributeError: not a blob.
        """
        payload = read_blob(blob, trusted_root_pem=trusted_root_pem, now=now)
        next_update = date.fromisoformat(payload["nextUpdate"])
        return cls(
            _by_aaguid(payload["entries"]),
            number=int(payload["no"]),
            fresh_until=datetime.combine(next_update, time.max, UTC) + GRACE,
        )

    @classmethod
    def from_statements(cls, statements: Iterable[Mapping[str, Any]]) -> AuthenticatorMetadata:
        """Take metadata statements (FIDO Metadata Statements 3.1) on the operator's word, for ever."""
        entries = [
            {
                "aaguid": statement["aaguid"],
                "metadataStatement": statement,
                "statusReports": [],
                "timeOfLastStatusChange": "1970-01-01",
            }
            for statement in statements
        ]
        return cls(_by_aaguid(entries), number=None, fresh_until=None)

    def is_fresh(self, *, now: datetime) -> bool:
        """Say whether the file is recent enough to attest by."""
        return self.fresh_until is None or now <= self.fresh_until

    def model(self, aaguid: str) -> AuthenticatorModel | None:
        """Return what is known of a model, or None where it is unknown.

        Where a statement cannot be read, its model has no roots (nothing is attested), but may still be revoked.
        """
        entry = self._entries.get(aaguid.lower())
        if entry is None:
            return None
        try:
            return _read_model(aaguid.lower(), entry)
        except _UNREADABLE:
            return None


def _by_aaguid(entries: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        statement = entry.get("metadataStatement")
        if "aaguid" not in entry or not isinstance(statement, dict):  # U2F and UAF: never a passkey
            continue
        slim = {key: value for key, value in statement.items() if key not in _PICTURES}
        found[entry["aaguid"].lower()] = {**entry, "metadataStatement": slim}
    if not found:
        raise CheckFailed("no authenticator that could hold a passkey")
    return found


def _read_model(aaguid: str, entry: Mapping[str, Any]) -> AuthenticatorModel:
    read = MetadataBlobPayloadEntry.from_dict({**entry, "metadataStatement": None})
    model = AuthenticatorModel(
        aaguid=aaguid,
        description="",
        roots=(),
        biometric_only=False,
        hardware_keys=False,
        statuses=tuple(  # a status that we do not know reads as None, and is to be ignored: FIDO MDS 3.1 section 3.1.4
            (report.status, report.effective_date) for report in read.status_reports if report.status
        ),
    )
    try:
        return _with_statement(model, MetadataStatement.from_dict(entry["metadataStatement"]))
    except _UNREADABLE:  # some published statements are: what the status reports say stands all the same
        return model


def _with_statement(model: AuthenticatorModel, statement: MetadataStatement) -> AuthenticatorModel:
    protection = frozenset(statement.key_protection)
    alternatives = [
        frozenset(method.user_verification_method for method in methods)
        for methods in statement.user_verification_details
    ]
    options = (statement.authenticator_get_info or {}).get("options", {})
    return replace(
        model,
        description=statement.description,
        roots=tuple(x509.load_der_x509_certificate(root) for root in statement.attestation_root_certificates),
        biometric_only=_only_biometric(alternatives) and "clientPin" not in options,
        hardware_keys="hardware" in protection and "software" not in protection,
    )


def _only_biometric(alternatives: list[frozenset[str | None]]) -> bool:
    """Say whether every way to verify the person is a biometric one, and nothing that could replace it is named.

    By the letter, methods listed together are all required. Many published statements list their alternatives together
    (passcode, fingerprint and even `none` in one row), so a row that names anything besides a biometric proves nothing.
    """
    return bool(alternatives) and all(row & _BIOMETRIC and row <= _BIOMETRIC | _NO_FACTOR for row in alternatives)
