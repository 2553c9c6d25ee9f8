"""A software authenticator and its browser, in one actor: honest by default, and able to misbehave in every way."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from tests.support.authenticator_maker import AuthenticatorMaker

ES256 = -7


def base64url(value: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(slots=True)
class StoredKey:
    """One passkey inside the authenticator."""

    credential_id: bytes
    private_key: ec.EllipticCurvePrivateKey
    rp_id: str
    user_handle: bytes
    counter: int = 0


@dataclass(slots=True)
class SoftwareAuthenticator:
    """Answers the options of a registration or a login as a browser's `toJSON()` would, with ES256 keys.

    What it should do wrongly is set on it, before or between ceremonies:
    `user_present`, `user_verified`, `backup_eligible`, `backed_up` are the flags;
    `counts` False keeps the counter at 0; a key's `counter` may be set back;
    `client_data` replaces members of clientDataJSON (a value of None removes one), `raw_client_data` all of it;
    `signed_rp_id`, `user_handle` (b"" removes it) and `credential_id` replace what honest ones would be;
    `maker` attests (format packed), else the format is none; `key_algorithm` is what the COSE key claims.
    """

    user_present: bool = True
    user_verified: bool = True
    backup_eligible: bool = False
    backed_up: bool = False
    counts: bool = True
    credential_id_length: int = 32
    transports: tuple[str, ...] = ("internal",)
    maker: AuthenticatorMaker | None = None
    self_attests: bool = False
    aaguid: uuid.UUID = field(default_factory=lambda: uuid.UUID(int=0))
    key_algorithm: int = ES256
    curve: ec.EllipticCurve = field(default_factory=ec.SECP256R1)
    extensions: dict[str, Any] | None = None
    client_data: dict[str, Any] = field(default_factory=dict)
    raw_client_data: bytes | None = None
    signed_rp_id: str | None = None
    user_handle: bytes | None = None
    keys: dict[bytes, StoredKey] = field(default_factory=dict)

    def register(self, options: dict[str, Any], *, origin: str) -> dict[str, Any]:
        """Make a passkey and return the PublicKeyCredential as JSON, ready for `json.dumps`."""
        key = StoredKey(
            credential_id=secrets.token_bytes(self.credential_id_length),
            private_key=ec.generate_private_key(self.curve),
            rp_id=options["rp"]["id"],
            user_handle=from_base64url(options["user"]["id"]),
        )
        self.keys[key.credential_id] = key
        client_data = self._client_data("webauthn.create", options["challenge"], origin)
        authenticator_data = self._authenticator_data(key, new=True)
        response = {
            "clientDataJSON": base64url(client_data),
            "attestationObject": base64url(self._attestation_object(key, authenticator_data, client_data)),
            "authenticatorData": base64url(authenticator_data),
            "transports": list(self.transports),
            "publicKeyAlgorithm": self.key_algorithm,
            "publicKey": base64url(
                key.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            ),
        }
        return self._credential(key.credential_id, response, {"credProps": {"rk": True}})

    def sign_in(self, options: dict[str, Any], *, origin: str) -> dict[str, Any]:
        """Sign with the first fitting passkey and return the PublicKeyCredential as JSON.

        Raises LookupError where no passkey fits, as a browser would offer none.
        """
        offered = [from_base64url(item["id"]) for item in options.get("allowCredentials", [])]
        fitting = [
            key
            for key in self.keys.values()
            if key.rp_id == options["rpId"] and (not offered or key.credential_id in offered)
        ]
        if not fitting:
            raise LookupError("no passkey for this site")
        return self.sign_with(fitting[0], options, origin=origin)

    def sign_with(self, key: StoredKey, options: dict[str, Any], *, origin: str) -> dict[str, Any]:
        """Sign with this passkey, whether or not it was offered."""
        key.counter += 1 if self.counts else 0
        client_data = self._client_data("webauthn.get", options["challenge"], origin)
        authenticator_data = self._authenticator_data(key, new=False)
        message = authenticator_data + hashlib.sha256(client_data).digest()
        response = {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(authenticator_data),
            "signature": base64url(key.private_key.sign(message, ec.ECDSA(hashes.SHA256()))),
        }
        user_handle = key.user_handle if self.user_handle is None else self.user_handle
        if user_handle:
            response["userHandle"] = base64url(user_handle)
        return self._credential(key.credential_id, response, {})

    def _credential(self, credential_id: bytes, response: dict[str, Any], extensions: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": base64url(credential_id),
            "rawId": base64url(credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": extensions,
            "response": response,
        }

    def _client_data(self, kind: str, challenge: str, origin: str) -> bytes:
        if self.raw_client_data is not None:
            return self.raw_client_data
        honest = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
        told = {name: value for name, value in {**honest, **self.client_data}.items() if value is not None}
        return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()

    def _authenticator_data(self, key: StoredKey, *, new: bool) -> bytes:
        flags = (
            self.user_present << 0
            | self.user_verified << 2
            | self.backup_eligible << 3
            | self.backed_up << 4
            | new << 6
            | (self.extensions is not None) << 7
        )
        rp_id = key.rp_id if self.signed_rp_id is None else self.signed_rp_id
        data = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + key.counter.to_bytes(4, "big")
        if new:
            aaguid = self.aaguid if self.maker is None else self.maker.aaguid
            length = len(key.credential_id).to_bytes(2, "big")
            data += aaguid.bytes + length + key.credential_id + self._cose_key(key)
        if self.extensions is not None:
            data += cbor2.dumps(self.extensions, canonical=True)
        return data

    def _cose_key(self, key: StoredKey) -> bytes:
        numbers = key.private_key.public_key().public_numbers()
        size = (key.private_key.key_size + 7) // 8
        curve = {"secp256r1": 1, "secp384r1": 2, "secp521r1": 3}[key.private_key.curve.name]
        x, y = (number.to_bytes(size, "big") for number in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: self.key_algorithm, -1: curve, -2: x, -3: y}, canonical=True)

    def _attestation_object(self, key: StoredKey, authenticator_data: bytes, client_data: bytes) -> bytes:
        message = authenticator_data + hashlib.sha256(client_data).digest()
        statement: dict[str, Any] = {}
        if self.maker is not None:
            statement = self.maker.attest(message)
        elif self.self_attests:
            signature = key.private_key.sign(message, ec.ECDSA(hashes.SHA256()))
            statement = {"alg": ES256, "sig": signature}
        found = {
            "fmt": "packed" if statement else "none",
            "attStmt": statement,
            "authData": authenticator_data,
        }
        return cbor2.dumps(found, canonical=True)
