"""How a delivery may end without having been received, and without another try."""

from __future__ import annotations

from idp.errors import SenError


class Unwanted(SenError):
    """The receiver says that it will never take this."""


class Undeliverable(SenError):
    """There is nobody any more to deliver it to."""
