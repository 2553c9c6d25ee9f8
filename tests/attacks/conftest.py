"""Houses for the tests of this folder."""

from tests.support.house import any_house, house, own_valkey, postgres_house
from tests.support.tls.mutual import mutual

__all__ = ["any_house", "house", "mutual", "own_valkey", "postgres_house"]
