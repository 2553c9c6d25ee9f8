"""Activation codes: the proof that an office has seen this person, good once, for seven days, for one number.

Twenty-four signs: digits, and consonants that cannot be taken for a digit. No vowels, no D and no W: a Vietnamese
keyboard (Telex, VNI) would turn them into other letters while a citizen types, and codes spell no words.
Fourteen of them are 64.2 bits.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from idp import clock
from idp.audit.events import ActivationCodeIssued
from idp.audit.log import new_id
from idp.citizens.credentials import ActivationCode
from idp.citizens.fingerprints import code_hash, number_hash, person_hash
from idp.citizens.malformed import Malformed
from idp.citizens.register import expect_found

if TYPE_CHECKING:
    from idp.citizens.national_id import PersonalNumber
    from idp.citizens.register import Register
    from idp.citizens.store import ActivationCodeStore
    from keys.sealing import Sealer

ALPHABET = "0123456789BCFGHJKMNPRSTV"
SIGNS = 14
GROUP = 4
LIFETIME = timedelta(days=7)
ACCOUNT_LEVELS = (1, 2)

LOOK_ALIKES = str.maketrans({"O": "0", "Q": "0", "I": "1", "L": "1", "Z": "2", "U": "V", "X": "S"})
"""What is read or heard in place of a sign that codes use (x and s sound alike in the north)."""

_SEPARATORS = re.compile(r"[\s.\-_\u2010-\u2015\u200b\u2060\ufeff]+")
_CODE = re.compile(f"[{ALPHABET}]+")
_LONGEST_TYPED = 64


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """What the office hands over, once: `text` is the plain code, `XXXX-XXXX-XXXX-XX`."""

    id: str
    text: str = field(repr=False)
    expires_at: datetime


def new_code() -> str:
    """Draw a code in the form that is read out: `XXXX-XXXX-XXXX-XX`."""
    signs = "".join(secrets.choice(ALPHABET) for _ in range(SIGNS))
    return "-".join(signs[start : start + GROUP] for start in range(0, SIGNS, GROUP))


def parse_code(typed: str) -> str:
    """Return the bare signs of what a person typed; case, spaces, dashes and look-alikes do no harm.

    Raises:
        Malformed: it cannot be a code; the text says why and never repeats it.
    """
    if len(typed) > _LONGEST_TYPED:
        raise Malformed("code", "length")
    signs = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)).upper().translate(LOOK_ALIKES)
    if not signs:
        raise Malformed("code", "empty")
    if not _CODE.fullmatch(signs):
        raise Malformed("code", "characters")
    if len(signs) != SIGNS:
        raise Malformed("code", "length")
    return signs


def issue_code(
    *,
    number: PersonalNumber,
    account_level: int,
    register: Register,
    store: ActivationCodeStore,
    sealer: Sealer,
    actor: str,
) -> IssuedCode:
    """Issue a code for a number that the register knows; older unused codes of the number end.

    Raises:
        RegisterAnswer: the register does not know the number, or does not answer.
        ValueError: no such account level.
        TemporarilyUnavailable: the database is away.
    """
    if account_level not in ACCOUNT_LEVELS:
        raise ValueError(f"an account level is one of {ACCOUNT_LEVELS}")
    answer = register.look_up(number=number, expected_person_hash=None)
    person = expect_found(answer=answer, name=register.name)
    text, now = new_code(), clock.now()
    code = ActivationCode(
        id=new_id(),
        code_hash=code_hash(sealer=sealer, code=parse_code(text)),
        number_hash=number_hash(sealer=sealer, number=number),
        person_hash=person_hash(sealer=sealer, person=person),
        account_level=account_level,
        issued_at=now,
        expires_at=now + LIFETIME,
    )
    store.issue(code=code, event=ActivationCodeIssued(actor=actor, object=code.id, account_level=account_level))
    return IssuedCode(id=code.id, text=text, expires_at=code.expires_at)
