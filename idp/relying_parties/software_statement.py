"""Software statements: what somebody whom we believe says about a program, before it registers itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from idp.errors import SettingsError
from idp.relying_parties.refusals import InvalidSoftwareStatement, UnapprovedSoftwareStatement
from keys import JoseRefused, JwtRules, KeysError, VerificationKey, parse_jwks, peek_unverified, verify_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ALGORITHMS = frozenset({"ES256", "PS256", "EdDSA"})
TYPES = frozenset({None, "jwt", "software-statement+jwt"})
LONGEST_SECONDS = 366 * 86400
LEEWAY_SECONDS = 60
ABOUT_ITSELF = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
"""Claims that a statement makes about itself; the others are metadata."""


class StatementIssuers:
    """Whose software statements are believed, and with which keys."""

    def __init__(self, keys: Mapping[str, tuple[VerificationKey, ...]]) -> None:
        """Keep the keys of each issuer."""
        self._keys = keys

    @classmethod
    def load(cls, file: str) -> Self:
        """Read a JSON file: issuer -> its key set (RFC 7517 section 5); without a file nobody is believed.

        Raises:
            SettingsError: the file cannot be read, or a key in it is not good.
        """
        if not file:
            return cls({})
        try:
            issuers = orjson.loads(Path(file).read_bytes())
            return cls({issuer: parse_jwks(document) for issuer, document in issuers.items()})
        except (OSError, ValueError, AttributeError, KeysError) as error:
            raise SettingsError((f"[registration] software_statements: {file}: {error}",)) from error

    def read(self, statement: str, *, held: str | None = None, now: datetime) -> dict[str, Any]:
        """Return the metadata that a statement says, which goes before whatever the relying party says itself.

        1. it can be read; 2. `held` is the one that was taken before, if any: its issuer vouched for it then, and
        neither the end of its time nor a key that was taken away unsays it; 3. its issuer is one whom we believe;
        4. times, algorithm and signature hold.

        Raises:
            UnapprovedSoftwareStatement: its issuer is nobody whom we believe.
            InvalidSoftwareStatement: anything else.

        Source: RFC 7591 sections 2.3 and 3.1.1, RFC 7592 section 2.2.
        """
        try:
            unverified = peek_unverified(statement)  # 1
        except JoseRefused as error:
            raise InvalidSoftwareStatement(
                "software_statement: it cannot be read as a signed JWT", detail=str(error)
            ) from error
        if statement == held:  # 2
            return _metadata(unverified.claims)
        issuer = unverified.claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._keys:  # 3
            raise UnapprovedSoftwareStatement("software_statement: its issuer is not one whose statements count here")
        rules = JwtRules(
            algorithms=ALGORITHMS,
            typ=TYPES,
            expected_issuer=issuer,
            expected_audience=None,
            required=("iss",),
            longest_lifetime=LONGEST_SECONDS,
            leeway=LEEWAY_SECONDS,
            audience_may_be_array=True,
        )
        try:
            claims = verify_jwt(unverified, rules=rules, keys=self._keys[issuer], now=now).claims  # 4
        except JoseRefused as error:
            raise InvalidSoftwareStatement(
                "software_statement: its signature or its times do not hold", detail=str(error)
            ) from error
        return _metadata(claims)


def _metadata(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in ABOUT_ITSELF}
