"""Houses for the tests of this folder."""

from tests.support.house import any_house, house, own_valkey, postgres_house
from tests.support.terminal import bare, terminal
from tests.support.tls.fronted import fronted

__all__ = ["any_house", "bare", "fronted", "house", "own_valkey", "postgres_house", "terminal"]
