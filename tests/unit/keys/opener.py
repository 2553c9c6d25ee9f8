"""The other side of an encryption: opens a compact JWE, written from RFC 7516 and RFC 7518 on bare primitives."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

from keys import compact

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_KEY_BYTES = {"A128GCM": 16, "A256GCM": 32, "A128CBC-HS256": 32, "A256CBC-HS512": 64}
WRAP_KEY_BYTES = {"ECDH-ES+A128KW": 16, "ECDH-ES+A256KW": 32}
CBC_HASHES = {"A128CBC-HS256": hashlib.sha256, "A256CBC-HS512": hashlib.sha512}


class Altered(Exception):
    """The tag does not fit."""


def header_of(token: str) -> dict[str, Any]:
    """Return the protected header."""
    found: dict[str, Any] = json.loads(compact.decode(token.partition(".")[0].encode()))
    return found


def opened(token: str, *, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """Return what was encrypted (RFC 7516 section 5.2)."""
    head, wrapped, iv, text, tag = token.split(".")
    header = header_of(token)
    content_key = _content_key(header, compact.decode(wrapped.encode()), key)
    parts = (compact.decode(iv.encode()), compact.decode(text.encode()), compact.decode(tag.encode()))
    if header["enc"].endswith("GCM"):
        return AESGCM(content_key).decrypt(parts[0], parts[1] + parts[2], head.encode())
    return _cbc(content_key, *parts, head=head.encode(), enc=header["enc"])


def derived_key(
    private: ec.EllipticCurvePrivateKey,
    *,
    epk: Mapping[str, str],
    name: str,
    size: int,
    parties: tuple[bytes, bytes] = (b"", b""),
) -> bytes:
    """Agree on a key of `size` bytes for the algorithm `name` (RFC 7518 section 4.6.2)."""
    x, y = (compact.decode(epk[one].encode()) for one in ("x", "y"))
    ephemeral = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    shared = private.exchange(ec.ECDH(), ephemeral)
    said = b"".join(struct.pack(">I", len(one)) + one for one in (name.encode(), *parties))
    rounds = (
        hashlib.sha256(struct.pack(">I", number) + shared + said + struct.pack(">I", size * 8)).digest()
        for number in range(1, -(-size // 32) + 1)
    )
    return b"".join(rounds)[:size]


def _content_key(
    header: Mapping[str, Any], wrapped: bytes, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
) -> bytes:
    alg, enc = header["alg"], header["enc"]
    if isinstance(key, rsa.RSAPrivateKey):
        hashing = hashes.SHA256() if alg == "RSA-OAEP-256" else hashes.SHA1()  # noqa: S303  what RSA-OAEP is
        return key.decrypt(wrapped, OAEP(mgf=MGF1(hashing), algorithm=hashing, label=None))
    if alg == "ECDH-ES":
        assert wrapped == b""
        return derived_key(key, epk=header["epk"], name=enc, size=CONTENT_KEY_BYTES[enc])
    wrapping = derived_key(key, epk=header["epk"], name=alg, size=WRAP_KEY_BYTES[alg])
    return aes_key_unwrap(wrapping, wrapped)


def _cbc(key: bytes, iv: bytes, text: bytes, tag: bytes, *, head: bytes, enc: str) -> bytes:
    half = len(key) // 2
    mac = hmac.new(key[:half], head + iv + text + struct.pack(">Q", len(head) * 8), CBC_HASHES[enc]).digest()
    if not hmac.compare_digest(mac[:half], tag):
        raise Altered
    plain = Cipher(algorithms.AES(key[half:]), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(plain.update(text) + plain.finalize()) + unpadder.finalize()
