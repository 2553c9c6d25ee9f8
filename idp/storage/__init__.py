"""What is remembered, and where: SQL in `sql/`, Redis or Valkey in `redis/`, a Valkey of our own in `embedded.py`."""
