"""A relying party that names its citizens, such a citizen, and a worker's hands, for the tests of this folder."""

from tests.support.login.elsewhere import citizen, portal
from tests.support.login.leaving import courier

__all__ = ["citizen", "courier", "portal"]
