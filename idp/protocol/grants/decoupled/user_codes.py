"""User codes: eight letters that a person reads on one device and types on another (RFC 8628 section 6.1).

The twenty letters hold no vowel, so that no word comes up, and nothing that looks like another. 34 bits are guessed by
nobody within ten minutes and the limit of an address.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keys import Sealer

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
HALF: Final = LENGTH // 2
LONGEST_TYPED: Final = 40
PURPOSE: Final = "user code"


def new_code() -> str:
    """Return a code as it is shown: `XXXX-XXXX`."""
    return _shown("".join(secrets.choice(LETTERS) for _ in range(LENGTH)))


def read_typed(typed: str) -> str | None:
    """Return the code that a person typed or pasted, in any case and with any dashes and spaces; None if it is none."""
    letters = "".join(letter for letter in typed[:LONGEST_TYPED].upper() if letter.isalnum())
    return _shown(letters) if len(letters) == LENGTH and set(letters) <= set(LETTERS) else None


def key_of(code: str, *, sealer: Sealer) -> str:
    """Return where the memory keeps which request a code stands for; the code itself is not in it."""
    return f"usercode:{sealer.keyed_hash(purpose=PURPOSE, message=code.encode()).hex()}"


def _shown(letters: str) -> str:
    return f"{letters[:HALF]}-{letters[HALF:]}"
