"""JSON objects from strangers, read so that no two readers can understand them differently."""

from __future__ import annotations

import json
from typing import Any

import orjson

from keys.errors import JoseRefused


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
