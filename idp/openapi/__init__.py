"""The machine-facing surface as an OpenAPI description, computed from the tables that answer, so that it cannot lie.

`sen openapi` prints it for one deployment; docs/openapi.json is the same for an issuer that does not exist.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from typing import Any

import orjson

from idp.endpoints import ROUTES
from idp.openapi.answers import described
from idp.openapi.logout import LOGOUT
from idp.openapi.operations import OPERATIONS
from idp.openapi.parameters import SECURITY_SCHEMES
from idp.openapi.schemas import SCHEMAS
from idp.openapi.sharing import shared_headers, shared_responses

VERSION = "3.1.0"
EXAMPLE = "https://id.example"
PATHS = {path: f"{path}{{grant_id}}" if path.endswith("/") else path for path in ROUTES}
"""Each path of ROUTES as it is described: one that ends with a slash takes one more segment."""


def document(issuer: str) -> dict[str, Any]:
    """Return the description of a provider with this issuer.

    Source: OpenAPI Specification 3.1.0 section 4.8.
    """
    paths: dict[str, Any] = {}
    for path, route in ROUTES.items():
        operations = OPERATIONS[path]
        paths[PATHS[path]] = {
            method.lower(): described(operations["GET" if method == "HEAD" else method], route=route, method=method)
            for method in sorted(route.methods)
        }
    paths["/logout"] = deepcopy(LOGOUT)
    tables = [operation["responses"] for methods in paths.values() for operation in methods.values()]
    headers = shared_headers([response for table in tables for response in table.values()])
    responses = shared_responses(paths)
    return {
        "openapi": VERSION,
        "info": {
            "title": "Sen",
            "summary": "OpenID Connect provider: everything that relying parties call.",
            "version": "1",
        },
        "servers": [{"url": issuer}],
        "paths": paths,
        "components": {
            "schemas": deepcopy(SCHEMAS),
            "responses": responses,
            "headers": headers,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def written(issuer: str) -> bytes:
    """Return the description as JSON for people and programs."""
    return orjson.dumps(document(issuer), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def show(issuer: str = EXAMPLE) -> None:
    """Print the OpenAPI description of everything that relying parties call."""
    sys.stdout.write(written(issuer).decode())
