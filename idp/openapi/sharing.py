"""What stands in a description more than once: written once, and referred to."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import Any

import orjson


def shared_responses(paths: dict[str, Any]) -> dict[str, Any]:
    """Replace each response that operations share by a reference, and return all of them by name.

    Source: OpenAPI Specification 3.1.0 section 4.8.7.
    """
    tables = [operation["responses"] for methods in paths.values() for operation in methods.values()]
    count = Counter((status, _key(response)) for table in tables for status, response in table.items())
    names: dict[tuple[str, bytes], str] = {}
    found: dict[str, Any] = {}
    shared = [(table, status) for table in tables for status in table if count[status, _key(table[status])] > 1]
    for table, status in shared:
        key = (status, _key(table[status]))
        if key not in names:
            names[key] = _free_name(status, taken=found)
            found[names[key]] = table[status]
        table[status] = {"$ref": f"#/components/responses/{names[key]}"}
    return found


def shared_headers(responses: list[dict[str, Any]]) -> dict[str, Any]:
    """Replace each header of these responses by a reference, and return all of them by name."""
    names: dict[tuple[str, bytes], str] = {}
    found: dict[str, Any] = {}
    for response in responses:
        headers = response.get("headers", {})
        for header, said in headers.items():
            key = (header, _key(said))
            if key not in names:
                same = sum(name.partition(".")[0] == header for name in found)
                names[key] = header if not same else f"{header}.{same + 1}"
                found[names[key]] = said
            headers[header] = {"$ref": f"#/components/headers/{names[key]}"}
    return found


def _key(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _free_name(status: str, *, taken: dict[str, Any]) -> str:
    """Return a name that says the status; of several with the same status the later ones are numbered."""
    phrase = HTTPStatus(int(status)).phrase.replace(" ", "").replace("-", "")
    same = sum(name.partition(".")[0] == phrase for name in taken)
    return phrase if not same else f"{phrase}.{same + 1}"
