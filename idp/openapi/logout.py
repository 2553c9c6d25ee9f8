"""/logout: the one page that relying parties send citizens to with parameters of their own."""

from __future__ import annotations

from copy import deepcopy
from typing import Final

from idp.endpoints._http import FORM
from idp.openapi.schemas import TEXT, Schema

PARAMETERS: Final = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales")
PAGE: Final[Schema] = {"text/html": {"schema": TEXT}}
LOCATION: Final[Schema] = {"Location": {"required": True, "schema": TEXT}}

RESPONSES: Final[Schema] = {
    "200": {"description": "A page: whether to log out, or that it is done. What cannot be believed is passed over.",
            "content": PAGE},
    "303": {"description": "Nobody is logged in here: back to the registered address.", "headers": LOCATION},
    "400": {"description": "A parameter holds a NUL character.", "content": PAGE},
    "413": {"description": "Longer than any honest request.", "content": PAGE},
    "421": {"description": "The request names a host that is not this provider's.",
            "content": {"text/plain": {"schema": TEXT}}},
    "500": {"description": "Something broke here.", "content": PAGE},
    "503": {"description": "A store does not answer; trying again is safe.", "content": PAGE},
}  # fmt: skip

LOGOUT: Final[Schema] = {
    "get": {
        "summary": "Ask a citizen to log out (OpenID Connect RP-Initiated Logout).",
        "parameters": [{"name": name, "in": "query", "schema": TEXT} for name in PARAMETERS],
        "responses": deepcopy(RESPONSES),
    },
    "post": {
        "summary": "The same, by a form.",
        "requestBody": {
            "content": {FORM: {"schema": {"type": "object", "properties": dict.fromkeys(PARAMETERS, TEXT)}}}
        },
        "responses": deepcopy(RESPONSES),
    },
}
