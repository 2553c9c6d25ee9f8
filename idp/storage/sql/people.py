"""Rows of people, to and from what the rooms know: what is personal is sealed going in and opened coming out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.citizens.citizen import Citizen, Person
from idp.citizens.credentials import ActivationCode, Passkey
from idp.citizens.fingerprints import number_hash
from idp.citizens.login_session import LoginSession
from idp.citizens.national_id import ForeignerNumber, FormerNumber, Number, PersonalNumber

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import RowMapping

    from keys.sealing import Sealer

PERSON = "citizen.person"
NUMBER = "citizen.number"

KINDS: dict[str, type[Number]] = {kind.kind: kind for kind in (PersonalNumber, FormerNumber, ForeignerNumber)}

Row = dict[str, Any]


def seal_person(*, sealer: Sealer, person: Person, citizen_id: str) -> bytes:
    """Seal a person to one citizen's row."""
    return sealer.seal(purpose=PERSON, plaintext=person.to_json(), context=citizen_id.encode())


def citizen_row(*, sealer: Sealer, citizen: Citizen) -> Row:
    """Return the row of a citizen."""
    return {
        "id": citizen.id,
        "status": citizen.status,
        "account_level": citizen.account_level,
        "user_handle": citizen.user_handle,
        "person": seal_person(sealer=sealer, person=citizen.person, citizen_id=citizen.id),
        "created_at": citizen.created_at,
    }


def citizen_of(*, sealer: Sealer, row: Row | RowMapping) -> Citizen:
    """Open the row of a citizen."""
    opened = sealer.unseal(purpose=PERSON, sealed=bytes(row["person"]), context=row["id"].encode())
    return Citizen(
        id=row["id"],
        status=row["status"],
        account_level=row["account_level"],
        user_handle=bytes(row["user_handle"]),
        person=Person.from_json(opened),
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )


def seal_number(*, sealer: Sealer, number: Number, citizen_id: str) -> bytes:
    """Seal a number to one citizen."""
    return sealer.seal(purpose=NUMBER, plaintext=number.digits.encode("ascii"), context=citizen_id.encode())


def number_row(*, sealer: Sealer, number: Number, citizen_id: str, at: datetime) -> Row:
    """Return the row of a number that a citizen holds from now on."""
    return {
        "number_hash": number_hash(sealer=sealer, number=number),
        "citizen_id": citizen_id,
        "kind": number.kind,
        "sealed": seal_number(sealer=sealer, number=number, citizen_id=citizen_id),
        "valid_from": at,
    }


def number_of(*, sealer: Sealer, row: RowMapping) -> Number:
    """Open the row of a number."""
    opened = sealer.unseal(purpose=NUMBER, sealed=bytes(row["sealed"]), context=row["citizen_id"].encode())
    return KINDS[row["kind"]](opened.decode("ascii"))


def passkey_row(passkey: Passkey) -> Row:
    """Return the row of a passkey; the user handle stands with the citizen."""
    return {
        "id": passkey.id,
        "citizen_id": passkey.citizen_id,
        "credential_id": passkey.credential_id,
        "public_key": passkey.public_key,
        "sign_count": passkey.sign_count,
        "aaguid": passkey.aaguid,
        "backup_eligible": passkey.backup_eligible,
        "backed_up": passkey.backed_up,
        "transports": ",".join(passkey.transports),
        "attested": passkey.attested,
        "biometric_only": passkey.biometric_only,
        "hardware_bound": passkey.hardware_bound,
        "name": passkey.name,
        "created_at": passkey.created_at,
    }


def passkey_of(*, row: RowMapping, user_handle: bytes) -> Passkey:
    """Read the row of a passkey."""
    return Passkey(
        id=row["id"],
        citizen_id=row["citizen_id"],
        credential_id=bytes(row["credential_id"]),
        public_key=bytes(row["public_key"]),
        user_handle=bytes(user_handle),
        sign_count=row["sign_count"],
        aaguid=row["aaguid"],
        backup_eligible=row["backup_eligible"],
        backed_up=row["backed_up"],
        transports=words(row["transports"]),
        attested=row["attested"],
        biometric_only=row["biometric_only"],
        hardware_bound=row["hardware_bound"],
        name=row["name"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        ended_at=row["ended_at"],
    )


def session_row(session: LoginSession) -> Row:
    """Return the row of a login session."""
    return {
        "id": session.id,
        "citizen_id": session.citizen_id,
        "passkey_id": session.passkey_id,
        "level": session.level,
        "amr": ",".join(session.amr),
        "chain_id": session.chain_id,
        "started_at": session.started_at,
        "expires_at": session.expires_at,
    }


def session_of(row: RowMapping) -> LoginSession:
    """Read the row of a login session."""
    return LoginSession(
        id=row["id"],
        citizen_id=row["citizen_id"],
        passkey_id=row["passkey_id"],
        level=row["level"],
        amr=words(row["amr"]),
        chain_id=row["chain_id"],
        started_at=row["started_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
    )


def code_of(row: RowMapping) -> ActivationCode:
    """Read the row of an activation code."""
    return ActivationCode(
        id=row["id"],
        code_hash=bytes(row["code_hash"]),
        number_hash=bytes(row["number_hash"]),
        person_hash=bytes(row["person_hash"]),
        account_level=row["account_level"],
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
    )


def words(text: str) -> tuple[str, ...]:
    """Split a column that holds words with commas between them."""
    return tuple(text.split(",")) if text else ()
