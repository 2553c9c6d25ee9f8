"""Matching: the citizen picks, out of three codes, the one that the other device shows.

Whoever has been talked into pressing a button does not know it; whoever looks at the device that asks does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from idp.protocol.grants.decoupled.user_codes import LETTERS

if TYPE_CHECKING:
    from keys import Sealer

CODE: Final = re.compile(r"(?=.*[0-9])[A-Z0-9]{2,8}(?:-[A-Z0-9]{2,8})?|[A-Z]{4}-[A-Z]{4}")
"""What is picked out of three; any other message is read and compared as a whole."""

CHOICES: Final = 3
DIGITS: Final = "0123456789"
PURPOSE: Final = "number matching"


def choices(*, shown: str | None, transaction_id: str, sealer: Sealer) -> tuple[str, ...]:
    """Return three codes that look alike, in an order that says nothing; the same ones each time the page is opened.

    Nothing is returned for what is not a code.
    """
    if shown is None or not CODE.fullmatch(shown):
        return ()
    found, turn = [shown], 0
    while len(found) < CHOICES:
        seed = sealer.keyed_hash(purpose=PURPOSE, message=f"{transaction_id}\x00{shown}\x00{turn}".encode())
        other = "".join(_other(letter, byte) for letter, byte in zip(shown, seed, strict=False))
        found += [] if other in found else [other]
        turn += 1
    order = {code: sealer.keyed_hash(purpose=PURPOSE, message=f"{transaction_id}\x00{code}".encode()) for code in found}
    return tuple(sorted(found, key=order.__getitem__))


def _other(letter: str, byte: int) -> str:
    """Return a character of the same kind."""
    if letter in DIGITS:
        return DIGITS[byte % len(DIGITS)]
    return LETTERS[byte % len(LETTERS)] if letter.isalpha() else letter
