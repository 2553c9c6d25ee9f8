"""Hostile texts of up to 64 KiB: deep, wide, long, repeated, in letters that are none, in base64 of every bad kind.

Each is made for a size, so that what an intake does for some of it can be compared with what it does for twice that.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WHOLE = 64 * 1024

DOCUMENTS: Mapping[str, Callable[[int], str]] = {
    "nested lists": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "nested objects": lambda size: '{"a":' * (size // 6) + "1" + "}" * (size // 6),
    "never closed": lambda size: '{"a":[' * (size // 6),
    "a thousand levels": lambda size: "[" * 900 + f'"{"x" * (size - 2000)}"' + "]" * 900,
    "a huge number": lambda size: '{"a":' + "9" * (size - 6) + "}",
    "a huge exponent": lambda size: '{"a":1e' + "9" * (size - 8) + "}",
    "a tiny number": lambda size: '{"a":0.' + "0" * (size - 9) + "1}",
    "many members": lambda size: "{" + ",".join(f'"{number:07}":0' for number in range(size // 12)) + "}",
    "one member again and again": lambda size: "{" + ",".join(['"a":0'] * (size // 6)) + "}",
    "repeated far inside": lambda size: '{"a":' * 500 + "{" + ",".join(['"b":0'] * (size // 8)) + "}" + "}" * 500,
    "many lists": lambda size: "[" + ",".join(["[]"] * (size // 3)) + "]",
    "many objects": lambda size: '{"keys":[' + ",".join(["{}"] * (size // 3 - 4)) + "]}",
    "escapes": lambda size: '{"' + "\\u0061" * (size // 6 - 2) + '":1}',
    "lone surrogates": lambda size: '{"a":"' + "\\ud800" * (size // 6 - 2) + '"}',
    "surrogates in the wrong order": lambda size: '{"a":"' + "\\udc00\\ud800" * (size // 12 - 1) + '"}',
    "NUL": lambda size: '{"a":"' + "\\u0000" * (size // 6 - 2) + '"}',
    "one text": lambda size: f'"{"x" * (size - 2)}"',
    "Vietnamese": lambda size: '{"a":"' + "ệ" * (size // 3 - 4) + '"}',
    "no JSON": lambda size: "NaN," * (size // 4),
    "white space": lambda size: " " * (size - 2) + "{}",
}
"""JSON, and what is nearly JSON."""

BASE64: Mapping[str, Callable[[int], str]] = {
    "letters": lambda size: "A" * size,
    "padding": lambda size: "=" * size,
    "padding inside": lambda size: "AA==" * (size // 4),
    "the other alphabet": lambda size: "+/" * (size // 2),
    "white space inside": lambda size: "AAA\n" * (size // 4),
    "stray bits": lambda size: "A" * (size // 4 * 4 - 2) + "B",
    "wide letters": lambda size: "ＡＢ" * (size // 2),
    "separators": lambda size: "." * size,
    "commas": lambda size: ",:;" * (size // 3),
    "percents": lambda size: "%" * size,
    "escaped percents": lambda size: "%25" * (size // 3),
    "broken UTF-8": lambda size: "%ff%c0%80" * (size // 9),
    "fields": lambda size: "a=b&" * (size // 4),
    "empty fields": lambda size: "&" * size,
    "equals": lambda size: "a=" * (size // 2),
    "cookies": lambda size: "; ".join(f"c{number}=1" for number in range(size // 10)),
    "slashes": lambda size: "https://a/" + "/.." * (size // 3 - 4),
    "escaped slashes": lambda size: "https://a/" + "%2e%2F" * (size // 6 - 2),
    "byte sequence": lambda size: ":" + "A" * (size // 4 * 4 - 4) + ":",
    "PEM": lambda size: "-----BEGIN CERTIFICATE-----%0A" + "A" * 64 + "%0AAAAA" * (size // 7),
    "surrogates": lambda size: "\ud800" * size,
}
"""Texts that are no JSON: spellings of base64, forms, addresses, headers."""

TEXTS: Mapping[str, Callable[[int], str]] = {**DOCUMENTS, **BASE64}


def segment(text: str) -> str:
    """Return a text as a segment of a token."""
    return urlsafe_b64encode(text.encode("utf-8", "replace")).rstrip(b"=").decode()


def tokens(document: str) -> dict[str, str]:
    """Return tokens that carry a document in each of their places."""
    head, claims = segment('{"alg":"ES256","typ":"JWT"}'), segment('{"iss":"a"}')
    return {
        "header": f"{segment(document)}.{claims}.AAAA",
        "claims": f"{head}.{segment(document)}.AAAA",
        "signature": f"{head}.{claims}.{segment(document)}",
    }
