"""ciba: tokens for a relying party that named its citizen, once that one has approved on an own device (CIBA Core)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.protocol.grants.decoupled import polling
from idp.relying_parties.profiles import CIBA

if TYPE_CHECKING:
    from idp.protocol.grants.call import GrantCall, TokenAnswer


def answer(call: GrantCall) -> TokenAnswer:
    """Answer a relying party's question, after a ping or without one; see `polling.answer`.

    Source: OpenID Connect CIBA Core sections 10.1 and 11.
    """
    return polling.answer(call, kind="ciba", parameter="auth_req_id", grant_type=CIBA)
