"""The root of everything that can go wrong here."""

from __future__ import annotations


class SenError(Exception):
    """The root. `public` may be shown to anyone; `detail` is for the log."""

    def __init__(self, public: str, *, detail: str = "") -> None:
        """Keep the public text and the private detail apart."""
        super().__init__(public)
        self.public = public
        self.detail = detail
