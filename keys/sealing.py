"""Sealing under the master key: AES-256-GCM with one derived key per purpose, and keyed hashes for look-ups."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.errors import SealBroken

MASTER_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Sealer:
    """Seals and opens bytes, and hashes them for look-ups; safe to share between threads.

    `master_key` is 32 random bytes and seals everything new. `former_master_keys` stand from newest to oldest and
    open what was sealed before; the last of them is also the root of every keyed hash.

    A sealed value is: one byte that names the master key, 12 random bytes of nonce, ciphertext, 16 bytes of tag.
    It opens only under the same purpose and context, so that a value moved to another row, column or citizen is
    refused. A purpose may seal about 2**32 values under one master key (NIST SP 800-38D section 8.3): renew the
    master key yearly and no purpose of ours comes near.
    """

    __slots__ = ("_ciphers", "_hash_keys", "_masters", "_version")

    def __init__(self, *, master_key: bytes, former_master_keys: tuple[bytes, ...] = ()) -> None:
        """Take the master keys; nothing is derived until it is needed.

        Raises:
            ValueError: a master key is not 32 bytes, or stands there twice.
        """
        self._masters = (master_key, *former_master_keys)
        if any(len(master) != MASTER_KEY_BYTES for master in self._masters):
            raise ValueError(f"a master key is {MASTER_KEY_BYTES} bytes")
        if len(set(self._masters)) != len(self._masters):
            raise ValueError("a master key is given twice")
        self._version = _version_of(master_key)
        self._ciphers: dict[str, tuple[tuple[bytes, AESGCM], ...]] = {}
        self._hash_keys: dict[str, bytes] = {}

    def __repr__(self) -> str:
        """Show how many master keys there are, and nothing of them."""
        return f"Sealer({len(self._masters)} master keys)"

    def seal(self, *, purpose: str, plaintext: bytes, context: bytes = b"") -> bytes:
        """Return `plaintext` sealed under the current master key, 29 bytes longer.

        `purpose` is a constant of the calling code; `context` is what the value belongs to (the id of its row).
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        _, cipher = self._ciphers_of(purpose)[0]
        return b"".join((self._version, nonce, cipher.encrypt(nonce, plaintext, context)))

    def unseal(self, *, purpose: str, sealed: bytes, context: bytes = b"") -> bytes:
        """Return the plaintext.

        Raises:
            SealBroken: changed, sealed for another purpose or context, or under a master key that is not here.
        """
        if len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken("too short to be sealed bytes")
        version, nonce, ciphertext = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        for known_version, cipher in self._ciphers_of(purpose):
            if known_version != version:
                continue
            try:
                return cipher.decrypt(nonce, ciphertext, context)
            except InvalidTag:
                continue  # two master keys may share their one-byte name
        raise SealBroken("no master key opens this")

    def keyed_hash(self, *, purpose: str, message: bytes) -> bytes:
        """Return HMAC-SHA256 of `message`, 32 bytes, the same for as long as the oldest master key is listed.

        A hash is for finding again what was stored, so it must not change when the master key does. It is
        derived from the oldest master key given: renewing the master key moves the former one into
        `former_master_keys` and leaves every hash as it was. Dropping the oldest one means writing every stored
        hash anew first; where it has leaked, that is the price.
        """
        key = self._hash_keys.get(purpose)
        if key is None:
            key = self._hash_keys[purpose] = _derive(self._masters[-1], b"hash", purpose)
        return hmac.digest(key, message, "sha256")

    def _ciphers_of(self, purpose: str) -> tuple[tuple[bytes, AESGCM], ...]:
        found = self._ciphers.get(purpose)
        if found is None:
            # Two threads may both derive the first time: they derive the same, so the last one may win.
            found = self._ciphers[purpose] = tuple(
                (_version_of(master), AESGCM(_derive(master, b"seal", purpose))) for master in self._masters
            )
        return found


def _version_of(master_key: bytes) -> bytes:
    return hashlib.sha256(b"sen master key name\0" + master_key).digest()[:1]


def _derive(master_key: bytes, use: bytes, purpose: str) -> bytes:
    info = b"sen 1\0" + use + b"\0" + purpose.encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(master_key)
