"""A portal of each test, and a citizen who has agreed to what it asks for."""

from tests.support.signed_in import citizen, portal

__all__ = ["citizen", "portal"]
