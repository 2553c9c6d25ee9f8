"""A house to listen to for the tests of this folder."""

from tests.support.wiretap import tapped

__all__ = ["tapped"]
