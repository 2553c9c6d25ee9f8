"""Relying parties: who they are, what they may ask, and how that is checked."""
