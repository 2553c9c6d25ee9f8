"""device_code: tokens for a device that shows a code, once its citizen has approved elsewhere (RFC 8628)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.protocol.grants.decoupled import polling
from idp.relying_parties.profiles import DEVICE_CODE

if TYPE_CHECKING:
    from idp.protocol.grants.call import GrantCall, TokenAnswer


def answer(call: GrantCall) -> TokenAnswer:
    """Answer a device's question; see `polling.answer`.

    Source: RFC 8628 sections 3.4 and 3.5.
    """
    return polling.answer(call, kind="device", parameter="device_code", grant_type=DEVICE_CODE)
