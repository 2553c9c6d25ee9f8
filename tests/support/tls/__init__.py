"""Whoever comes with certificates, and the houses that ask for them."""
