"""Names that relying parties give themselves: what a citizen could be misled by."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 100
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of signs that show nothing, turn the order of reading, or stand for nothing."""

OWN_LETTERS = frozenset("đĐ")
"""Letters of Vietnamese that are no letter of ASCII with a mark."""


def name_problem(name: str) -> str | None:
    """Say why a name cannot be shown, or None."""
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} signs"
    if any(unicodedata.category(sign) in HIDDEN for sign in name):
        return "holds signs that show nothing or turn the order of reading"
    return None


def is_confusable(name: str) -> bool:
    """Tell whether a name holds letters, digits or marks that may look like others.

    Good are the letters of ASCII, with the marks that belong to them and make one letter with them, and Vietnam's "đ".

    Source: Unicode Technical Standard 39 section 4, made simple: our people read Latin letters.
    """
    composed = unicodedata.normalize("NFC", name)
    if unicodedata.normalize("NFKC", name) != composed:
        return True
    return any(not _is_plain(sign) for sign in composed if sign.isalnum() or unicodedata.category(sign)[0] == "M")


def _is_plain(sign: str) -> bool:
    base = unicodedata.normalize("NFD", sign)[0]
    return base.isascii() or base in OWN_LETTERS
