"""Actors and instruments for tests of logins and of the own pages."""
