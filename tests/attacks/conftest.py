"""Houses for the tests of this folder."""

from tests.support.house import any_house, house, own_valkey, postgres_house

__all__ = ["any_house", "house", "own_valkey", "postgres_house"]
