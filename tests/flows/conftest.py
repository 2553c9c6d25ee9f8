"""Houses for the tests of this folder."""

from tests.support.house import any_house, house, lonely_house, own_database, own_valkey, postgres_house
from tests.support.terminal import bare, terminal
from tests.support.tls.fronted import fronted

__all__ = [
    "any_house", "bare", "fronted", "house", "lonely_house", "own_database", "own_valkey", "postgres_house", "terminal",
]  # fmt: skip
