"""What must never be lost or come back: tables, the database and one file per store."""
