"""The identity provider: doors, rules, people and ground, as drawn in DESIGN.md."""
