"""Keyed hashes by which people, codes and agreement are found: what is hashed, under which purpose, is fixed here.

A purpose or a form that changes loses everybody: they are part of the data, as a column's name is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.citizens.citizen import Person
    from idp.citizens.national_id import Number
    from keys.sealing import Sealer

NUMBER = "citizen.number"
PERSON = "citizen.person"
CODE = "citizen.activation_code"


def number_hash(*, sealer: Sealer, number: Number) -> bytes:
    """Return the 32 bytes that a number is found by; its kind is part of it, since kinds may share digits."""
    return sealer.keyed_hash(purpose=NUMBER, message=f"{number.kind}:{number.digits}".encode())


def person_hash(*, sealer: Sealer, person: Person) -> bytes:
    """Return the 32 bytes that stay the same while the name (in any case) and the birth date do."""
    message = f"{person.birth_date.legacy()}:{person.full_name.casefold()}"
    return sealer.keyed_hash(purpose=PERSON, message=message.encode())


def code_hash(*, sealer: Sealer, code: str) -> bytes:
    """Return the 32 bytes that an activation code is found by; `code` is in the form that `parse_code` returns."""
    return sealer.keyed_hash(purpose=CODE, message=code.encode("ascii"))
