"""A citizen with an account, a worker's hands and a portal's ears for the tests of this folder."""

from tests.support.login.leaving import courier, receiver
from tests.support.login.own_pages import citizen

__all__ = ["citizen", "courier", "receiver"]
