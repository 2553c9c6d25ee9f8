"""The rules of OAuth 2.1 and OpenID Connect: plain functions, no Flask, no SQL."""
