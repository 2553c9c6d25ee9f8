"""Names that relying parties give themselves: what a citizen could be misled by."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 100
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of signs that show nothing, turn the order of reading, or stand for nothing."""


def name_problem(name: str) -> str | None:
    """Say why a name cannot be shown, or None."""
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} signs"
    if any(unicodedata.category(sign) in HIDDEN for sign in name):
        return "holds signs that show nothing or turn the order of reading"
    return None


def is_confusable(name: str) -> bool:
    """Tell whether a name holds letters that are not Latin, or shapes of them, so that it may look like another one.

    Source: Unicode Technical Standard 39 section 4, made simple: our people read Latin letters.
    """
    composed = unicodedata.normalize("NFC", name)
    if unicodedata.normalize("NFKC", name) != composed:
        return True
    return any(not unicodedata.name(sign, "?").startswith("LATIN ") for sign in composed if sign.isalpha())
