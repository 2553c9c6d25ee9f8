"""Grants whose citizen answers on another device than the one that asks: the device grant and CIBA."""
