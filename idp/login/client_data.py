"""What a browser hands over: strict JSON, strict base64url and the checks of clientDataJSON."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final, NoReturn

from idp.login.passkey_refusal import CheckFailed

CLIENT_DATA_LIMIT: Final = 4096  # bytes; a browser sends about 150
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")


def encode_base64url(value: bytes) -> str:
    """Return `value` as base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decode_base64url(unverified: object, *, name: str) -> bytes:
    """Return the bytes of a base64url text, in its one canonical spelling: no padding, no stray bits.

    Raises:
        CheckFailed: not a text, or another spelling. Source: RFC 4648 sections 3.5 and 5.
    """
    if not isinstance(unverified, str) or not _BASE64URL.fullmatch(unverified):
        raise CheckFailed(f"{name} is not base64url")
    if len(unverified) % 4 == 1:
        raise CheckFailed(f"{name} is not base64url")
    value = base64.urlsafe_b64decode(unverified + "=" * (-len(unverified) % 4))
    if encode_base64url(value) != unverified:
        raise CheckFailed(f"{name} is not canonical base64url")
    return value


def read_json_object(unverified: bytes, *, limit: int, name: str) -> dict[str, Any]:
    """Return the one JSON object in `unverified`, at most `limit` bytes.

    Raises:
        CheckFailed: too large, a byte order mark, no valid UTF-8, a key twice at any depth, NaN or Infinity, nested too
            deeply, or something other than an object.
    """
    if len(unverified) > limit:
        raise CheckFailed(f"{name} is {len(unverified)} bytes, more than {limit}")
    try:
        text = unverified.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object_without_repeats, parse_constant=_refuse_constant)
    except (UnicodeDecodeError, RecursionError) as failed:
        raise CheckFailed(f"{name} is no JSON text: {type(failed).__name__}") from failed
    except ValueError as failed:
        raise CheckFailed(f"{name} is no JSON text: {failed}") from failed
    if not isinstance(value, dict):
        raise CheckFailed(f"{name} is not an object")
    return value


def check_client_data(
    unverified: bytes, *, expected_type: str, expected_challenge: bytes, expected_origin: str
) -> None:
    """Check clientDataJSON: size, type, challenge and origin as exact strings, and that no other site frames us.

    Members that we do not know are allowed, as the standard asks.

    Raises:
        CheckFailed: with the first thing that did not fit.
    Source: Web Authentication Level 3 sections 5.8.1, 7.1 steps 5 to 11 and 7.2 steps 9 to 14.
    """
    data = read_json_object(unverified, limit=CLIENT_DATA_LIMIT, name="clientDataJSON")
    if data.get("type") != expected_type:
        raise CheckFailed(f"clientDataJSON is not of type {expected_type}")
    if data.get("challenge") != encode_base64url(expected_challenge):
        raise CheckFailed("the challenge is not the one issued")
    if data.get("origin") != expected_origin:
        raise CheckFailed(f"the origin is not {expected_origin}")
    if data.get("crossOrigin", False) is not False:
        raise CheckFailed("crossOrigin: the page was framed by another site")
    if "topOrigin" in data:
        raise CheckFailed("topOrigin: the page was framed by another site")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
