"""Servers of others, good and bad, that Sen calls."""
