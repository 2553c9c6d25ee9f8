"""The audit trail: one small typed event per change, written in the transaction of the change."""
