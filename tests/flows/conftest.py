"""Houses for the tests of this folder."""

from tests.support.house import any_house, house, lonely_house, own_database, own_valkey, postgres_house
from tests.support.terminal import bare, terminal
from tests.support.tls.fronted import fronted
from tests.support.wiretap import tapped

__all__ = [
    "any_house", "bare", "fronted", "house", "lonely_house", "own_database", "own_valkey", "postgres_house", "tapped",
    "terminal",
]  # fmt: skip
