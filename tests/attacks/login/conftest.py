"""A citizen with an account for the tests of this folder."""

from tests.support.login.own_pages import citizen

__all__ = ["citizen"]
