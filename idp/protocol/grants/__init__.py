"""GRANTS: grant_type -> the function that answers it, read top to bottom in its own file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.protocol.grants import authorization_code, ciba, client_credentials, device_code, refresh_token, token_exchange
from idp.relying_parties.profiles import CIBA, DEVICE_CODE, TOKEN_EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.protocol.grants.call import GrantCall, TokenAnswer

GRANTS: dict[str, Callable[[GrantCall], TokenAnswer]] = {
    "authorization_code": authorization_code.answer,
    "refresh_token": refresh_token.answer,
    "client_credentials": client_credentials.answer,
    TOKEN_EXCHANGE: token_exchange.answer,
    DEVICE_CODE: device_code.answer,
    CIBA: ciba.answer,
}
