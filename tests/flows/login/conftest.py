"""A worker's hands and a portal's ears for the tests of this folder."""

from tests.support.login.leaving import courier, receiver

__all__ = ["courier", "receiver"]
