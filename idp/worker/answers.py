"""How a delivery may fail otherwise than by a receiver who is away."""

from __future__ import annotations

from idp.errors import SenError


class Unwanted(SenError):
    """The receiver says that it will never take this."""


class Undeliverable(SenError):
    """There is nobody any more to deliver it to."""


class Unready(SenError):
    """It fails for what is in this one, and may go later; others for the same receiver need not wait for it."""
