"""What lies between a hot transaction and the database's own driver."""
