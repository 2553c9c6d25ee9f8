"""A relying party that names its citizens, and such a citizen, for the tests of this folder."""

from tests.support.login.elsewhere import citizen, portal

__all__ = ["citizen", "portal"]
