"""Actors and accounts for tests of consent."""
