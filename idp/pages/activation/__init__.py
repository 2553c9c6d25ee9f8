"""Activation: number and code, what the register says, the first passkey, a second one offered."""
