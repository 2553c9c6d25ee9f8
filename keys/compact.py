"""Compact tokens as bytes: base64url in exactly one spelling, JSON in exactly one reading, three segments.

What comes out has a form and nothing else; `keys/jose.py` decides whether to believe it.
"""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from keys.errors import JoseRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_TOKEN: Final = 16 * 1024
LONGEST_HEADER: Final = 2 * 1024
_DOTS: Final = 2

# Headers that change what a token means. None of them has a meaning here, so none may stand there (RFC 7515
# section 4.1.11, RFC 7797 section 3, RFC 7516 section 4.1). `jku`, `x5u`, `x5c` and `jwk` are merely not used.
_REFUSED_HEADERS: Final = frozenset(("crit", "b64", "zip", "enc"))

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


def _refuse_repeats(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) != len(members):
        raise JoseRefused("json: a member appears twice")


_REPEATS = json.JSONDecoder(object_pairs_hook=_refuse_repeats)


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the one JSON object in `raw`, which the caller has measured.

    orjson refuses what is no JSON (NaN, infinities, lone surrogates, bad UTF-8, more than 1024 levels), but of a
    member that appears twice it takes the last. What it writes back to the very same bytes cannot hold a member
    twice; that is quick and true of nearly everything that honest software sends. The rest is read a second time
    by a decoder that looks at every pair.

    Raises:
        JoseRefused: no JSON, no object, or a member that appears twice at any depth.

    RFC 7515 section 4, RFC 8259.
    """
    try:
        found = orjson.loads(raw)
        if orjson.dumps(found) != raw:
            _REPEATS.decode(raw.decode())
    except (ValueError, TypeError, RecursionError):
        raise JoseRefused("json: not readable") from None
    if type(found) is not dict:
        raise JoseRefused("json: not an object")
    return found


@dataclass(frozen=True, slots=True)
class UnverifiedJwt:
    """A well-formed token that nobody has vouched for yet. `verify_jwt` takes it on from here."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signing_input: bytes
    signature: bytes


def peek_unverified(token: str) -> UnverifiedJwt:
    """Return what a token says, well-formed but vouched for by nobody: only to find out whose keys to ask.

    1. at most 16 KiB, its header at most 2 KiB, plain letters, three segments
    2. strict base64url, no member twice, header and claims each one JSON object
    3. no header that changes what the token means

    Raises:
        JoseRefused: one of these does not hold.

    RFC 7515 section 5.2, steps 1 to 7; RFC 8725 section 3.
    """
    # 1
    if len(token) > LONGEST_TOKEN:
        raise JoseRefused("token: too long")
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        raise JoseRefused("token: letters that do not belong") from None
    if raw.count(b".") != _DOTS:
        raise JoseRefused("token: not three segments")
    signing_input, _, signature = raw.rpartition(b".")
    header_segment, _, claims_segment = signing_input.partition(b".")
    if len(header_segment) > LONGEST_HEADER:
        raise JoseRefused("token: header too long")
    # 2
    header = read_object(decode(header_segment))
    claims = read_object(decode(claims_segment))
    # 3
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise JoseRefused("header: a member that changes what the token means")
    return UnverifiedJwt(
        header=header,
        claims=claims,
        signing_input=signing_input,
        signature=decode(signature),
    )
