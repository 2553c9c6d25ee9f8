"""base64url as JOSE writes it: no padding, no line breaks, and exactly one spelling for every value."""

from __future__ import annotations

import binascii

from keys.errors import JoseRefused

# "+", "/" and "=" belong to other spellings: they become a byte that the strict decoder refuses.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_PADDING = (b"", b"", b"==", b"=")
# By length modulo 4, the last letters whose unused low bits are zero. Any other last letter would be a second
# spelling of the same bytes, and with it a second token that is as good as the first.
_LAST_LETTERS = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")


def encode(raw: bytes) -> bytes:
    """Return `raw` in base64url without padding."""
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL, b"=")


def decode(text: bytes) -> bytes:
    """Return the bytes that `text` spells.

    Raises:
        JoseRefused: padding, a foreign letter, an impossible length, or a second spelling.

    RFC 7515 section 2, RFC 4648 sections 3.5 and 5.
    """
    over = len(text) % 4
    if over and text[-1] not in _LAST_LETTERS[over]:
        raise JoseRefused("base64url: wrong length or stray bits at the end")
    try:
        return binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[over], strict_mode=True)
    except binascii.Error:
        raise JoseRefused("base64url: a letter that does not belong") from None
