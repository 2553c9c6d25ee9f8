"""A citizen with an account, a worker's hands, a portal's ears and a gateway for the tests of this folder."""

from tests.support.login.gateway import gateway
from tests.support.login.leaving import courier, receiver
from tests.support.login.own_pages import citizen

__all__ = ["citizen", "courier", "gateway", "receiver"]
