"""Cookies: `__Host-`, Secure, HttpOnly, without a domain; plain names only where the issuer itself is plain http."""

from __future__ import annotations

import hashlib
import secrets

SESSION = "sen_session"
BROWSER = "sen_browser"
BROWSER_BYTES = 32


def name_of(name: str, *, secure: bool) -> str:
    """Return the cookie's full name (RFC 6265bis section 4.1.3.2)."""
    return f"__Host-{name}" if secure else name


def set_cookie(name: str, value: str, *, secure: bool, seconds: int | None = None) -> str:
    """Return a Set-Cookie header; `seconds` 0 removes it, None keeps it until the browser closes."""
    age = "" if seconds is None else f"; Max-Age={seconds}"
    tail = "; Secure" if secure else ""
    return f"{name_of(name, secure=secure)}={value}; Path=/; HttpOnly; SameSite=Lax{age}{tail}"


def new_browser() -> str:
    """Return 256 random bits that stand for a browser while a request waits for its citizen."""
    return secrets.token_urlsafe(BROWSER_BYTES)


def browser_hash(value: str) -> str:
    """Return what is kept of a browser's value: its SHA-256 in hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()
