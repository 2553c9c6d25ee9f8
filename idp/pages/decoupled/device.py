"""The device grant's page: where the code of another device is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from idp import limits
from idp.ephemeral import Read
from idp.pages import _visit
from idp.pages._words import gettext as _
from idp.pages._words import page
from idp.pages.decoupled import confirming
from idp.protocol.grants.decoupled import user_codes, waiting

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from idp.protocol.grants.decoupled.waiting import Waiting

LONGEST_SHOWN = 20


def show() -> ResponseReturnValue:
    """GET /device: the field for the code; one that came with the address stands in it, and waits for the citizen."""
    return _page(user_codes.read_typed(request.args.get("user_code", "")) or "")


def _page(typed: str, *, errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    return page("device/code.html", status=status, code=typed, errors=errors or {}, device_url="/device")


def enter() -> ResponseReturnValue:
    """POST /device: a code that was typed; each try counts, and one answer stands for every reason.

    Source: RFC 8628 sections 3.3 and 5.1.
    """
    typed = request.form.get("code", "")
    found = _find(typed)
    if found is None:
        wrong = _("Mã này không đúng hoặc đã hết hiệu lực. Hãy xem lại mã trên thiết bị, hoặc lấy mã mới.")
        return _page(typed[:LONGEST_SHOWN], errors={"code": wrong}, status=400)
    return confirming.begin(found)


def _find(typed: str) -> Waiting | None:
    """Return the request that a code stands for.

    Raises:
        TooManyAttempts: the limit of this address is reached.
    """
    provider = _visit.services().provider
    settings, code = provider.settings.limits, user_codes.read_typed(typed)
    counts = limits.steps("user_code", settings=settings, address=request.remote_addr or "")
    *counted, name = provider.ephemeral.wave(*counts, Read(user_codes.key_of(code or "", sealer=provider.sealer)))
    limits.check("user_code", counted, settings=settings)
    return None if name is None else waiting.find(name=name.decode(), ephemeral=provider.ephemeral)
