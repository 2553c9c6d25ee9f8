"""DPoP: a signed proof that whoever sends this request holds a key, for one method and address, and once."""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from idp.errors import InvalidDpopProof, InvalidRequest, UseDpopNonce
from idp.protocol.client_auth.proof import Mark
from idp.protocol.records import SenderKey
from idp.protocol.sender import mtls
from idp.relying_parties.profiles import FAPI_ALGORITHMS, FULLY_SPECIFIED
from keys import ALGORITHMS as SIGNATURES
from keys import JoseRefused, JwtRules, VerificationKey, WeakKey, parse_jwk, peek_unverified, verify_jwt

if TYPE_CHECKING:
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.client import RelyingParty

ALGORITHMS: Final = FAPI_ALGORITHMS | FULLY_SPECIFIED
LIFE_SECONDS: Final = 60
LEEWAY_SECONDS: Final = 10
NONCE_SECONDS: Final = 120
"""A nonce is given out for this long, and good for as long again."""

NONCE_PURPOSE: Final = "dpop nonce"
LONGEST_JTI: Final = 128
LONGEST_HTU: Final = 2048
NOT_GOOD: Final = "The DPoP proof is not good for this request:"
USED: Final = f"{NOT_GOOD} it was used before, or cannot be told from one that was."
DEFAULT_PORTS: Final = {"http": "80", "https": "443"}

MTLS_ONLY: Final = frozenset({"mtls"})

RULES: Final = JwtRules(
    algorithms=ALGORITHMS,
    typ=frozenset({"dpop+jwt"}),
    expected_issuer=None,
    expected_audience=None,
    required=("jti", "htm", "htu", "iat"),
    longest_lifetime=3600,  # of an `exp`, where there is one; how old a proof may be, says LIFE_SECONDS
    leeway=LEEWAY_SECONDS,
)

JKT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""A thumbprint of a key, as `dpop_jkt` and `cnf` carry it (RFC 7638)."""

ADDRESS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>/(?:(?![?#\\])[!-~])*)?(?:[?#][!-~]*)?",
    re.IGNORECASE,
)
ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A proof that held: the thumbprint of its key, and the mark that must still be claimed so that it is used once."""

    jkt: str
    mark: Mark


def verify(
    *,
    unverified_proof: str,
    method: str,
    path: str,
    provider: Provider,
    now: datetime,
    access_token: str | None = None,
) -> VerifiedProof:
    """Verify the value of a DPoP header for a request of `method` to `path` here.

    1. there is one header, and it is a well-formed JWT; 2. the key in it is public and strong; 3. typ, alg, required
    claims, signature by that key; 4. htm and htu are this request's, and iat is of now; 5. ath is the hash of the
    access token, where one comes along; 6. the nonce, where one is demanded or sent, is ours; 7. its jti becomes the
    mark that is claimed once.

    Raises:
        InvalidDpopProof: one of these does not hold; the text says which, and no value. UseDpopNonce: it is the nonce.

    Source: RFC 9449 section 4.3.
    """
    try:
        unverified = peek_unverified(unverified_proof)  # 1: two headers arrive with a comma between them
        key = _key_of(orjson.dumps(unverified.header.get("jwk")), str(unverified.header.get("alg")))  # 2
        claims = verify_jwt(unverified, rules=RULES, keys=(key,), now=now).claims  # 3
    except (JoseRefused, WeakKey, TypeError) as error:
        raise InvalidDpopProof(f"{NOT_GOOD} {error}.", detail=str(error)) from error
    settings = provider.settings
    written, normal = _addresses(path, settings.server.issuer, settings.front.mtls_base)
    broken = (  # 4
        "htm" if claims["htm"] != method
        else "htu" if claims["htu"] not in written and normalised(claims["htu"]) not in normal
        else "iat" if claims["iat"] <= now.timestamp() - LIFE_SECONDS
        else "jti" if len(claims["jti"].encode()) > LONGEST_JTI
        else "ath" if access_token is not None and claims.get("ath") != _ath(access_token)  # 5
        else None
    )  # fmt: skip
    if broken is not None:
        raise InvalidDpopProof(f"{NOT_GOOD} {broken}.", detail=broken)
    if "nonce" in claims or settings.tokens.dpop_nonce:
        _check_nonce(claims.get("nonce", ""), provider=provider, now=now)  # 6
    mark = hashlib.sha256(f"{key.thumbprint}\x00{claims['jti']}".encode()).hexdigest()  # 7
    seconds = LIFE_SECONDS + LEEWAY_SECONDS
    return VerifiedProof(key.thumbprint, Mark(f"dpop:{mark}", seconds, claims["iat"], InvalidDpopProof, USED))


def prove_sender(
    *,
    unverified_proof: str | None,
    certificate: bytes | None,
    path: str,
    client: RelyingParty,
    provider: Provider,
    now: datetime,
) -> tuple[tuple[Mark, ...], SenderKey]:
    """Return the key that a request for tokens proves to hold, and the marks that must still be claimed.

    A DPoP proof binds; else the certificate of the connection does. Where nothing but a certificate counts, both do:
    who authenticates with a certificate and sends a proof wants tokens that are used without mutual TLS.

    Raises:
        InvalidDpopProof: a proof that is not good. UseDpopNonce: it lacks our nonce.
        InvalidRequest: no key that this relying party's tokens may be bound to.

    Source: RFC 9449 section 5, RFC 8705 section 3, FAPI 2.0 Security Profile section 5.3.2.1.
    """
    expected, held = client.sender_constraint, None
    if unverified_proof is not None:
        held = verify(unverified_proof=unverified_proof, method="POST", path=path, provider=provider, now=now)
    jkt, x5t = None if held is None else held.jkt, None
    if certificate is not None and (jkt is None or expected == MTLS_ONLY):
        x5t = mtls.thumbprint(certificate)
    if expected and not (jkt and "dpop" in expected) and not (x5t and "mtls" in expected):
        ways = " or ".join(sorted(expected))
        raise InvalidRequest(f"The tokens of this relying party are bound to a key: prove one by {ways}.")
    return () if held is None else (held.mark,), SenderKey(jkt=jkt, x5t=x5t)


def bound(
    asked: AuthorizationRequest, *, unverified_proof: str | None, path: str, provider: Provider, now: datetime
) -> tuple[AuthorizationRequest, tuple[Mark, ...]]:
    """Return a request for a citizen's answer, bound to the key that it proves to hold, and what must be claimed.

    Without a proof it stays as it is, bound to the key that it names, if it names one.

    Raises:
        InvalidDpopProof, UseDpopNonce: as `verify`. InvalidRequest: it names another key.

    Source: RFC 9449 section 10.1.
    """
    if unverified_proof is None:
        return asked, ()
    held = verify(unverified_proof=unverified_proof, method="POST", path=path, provider=provider, now=now)
    if asked.dpop_jkt not in {None, held.jkt}:
        raise InvalidRequest("dpop_jkt names another key than the one that the DPoP proof is made with.")
    return replace(asked, dpop_jkt=held.jkt), (held.mark,)


@functools.lru_cache(maxsize=1024)
def _key_of(jwk: bytes, alg: str) -> VerificationKey:
    """Return the key of a header, found public and strong; one that was seen before is not looked at again.

    Raises:
        JoseRefused, WeakKey: it is neither.
    """
    found: Any = orjson.loads(jwk)
    if type(found) is not dict:
        raise JoseRefused("header: no jwk")
    fitting = [key for key in parse_jwk(found) if alg in ALGORITHMS and key.alg == SIGNATURES[alg].key_alg]
    if not fitting:
        raise JoseRefused("header: the jwk is for another algorithm")
    key = fitting[0]
    return VerificationKey(
        kid=None, alg=key.alg, public_key=key.public_key, public=key.public, thumbprint=key.thumbprint
    )


@functools.lru_cache(maxsize=64)
def _addresses(path: str, *bases: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return by which addresses a path of ours is called, as we write them and normalised.

    `bases` are the issuer and, where there is one, the address at which certificates are asked for. What cannot be
    normalised, as a path that somebody made up below /grants/, equals nothing but itself: not whatever else cannot be.
    """
    written = frozenset(base + path for base in bases if base)
    return written, frozenset(normalised(address) for address in written) - {""}


def normalised(address: str) -> str:
    """Return an http address without query and fragment, in the one spelling that equal ones share; "" for others.

    Source: RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3.
    """
    found = ADDRESS.fullmatch(address) if len(address) <= LONGEST_HTU else None
    if found is None:
        return ""
    scheme, port = found["scheme"].lower(), found["port"] or ""
    shown_port = f":{port}" if port and port != DEFAULT_PORTS[scheme] else ""
    path = ESCAPED.sub(_unescaped, found["path"] or "/")
    return f"{scheme}://{found['host'].lower()}{shown_port}{_without_dots(path)}"


def _unescaped(escape: re.Match[str]) -> str:
    letter = chr(int(escape[1], 16))
    return letter if UNRESERVED.fullmatch(letter) else escape[0].upper()


def _without_dots(path: str) -> str:
    """Remove dot segments (RFC 3986 section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _ath(access_token: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()


def nonce(provider: Provider, *, now: datetime) -> str:
    """Return the nonce of this time: every worker makes the same, nobody else can, and nothing is remembered.

    Source: RFC 9449 section 8.
    """
    return _nonce_of(int(now.timestamp()) // NONCE_SECONDS, provider)


def answer_headers(provider: Provider, *, now: datetime) -> tuple[tuple[str, str], ...]:
    """Return what goes with an answer to a proof: the nonce for the next one, where nonces are demanded."""
    return (("DPoP-Nonce", nonce(provider, now=now)),) if provider.settings.tokens.dpop_nonce else ()


def _nonce_of(slot: int, provider: Provider) -> str:
    digest = provider.sealer.keyed_hash(purpose=NONCE_PURPOSE, message=str(slot).encode())
    return urlsafe_b64encode(digest[:24]).decode()


def _check_nonce(unverified_nonce: str, *, provider: Provider, now: datetime) -> None:
    """Compare with the nonce that is given out now, and with the one before it."""
    slot = int(now.timestamp()) // NONCE_SECONDS
    good = (_nonce_of(slot, provider), _nonce_of(slot - 1, provider))
    if not any(hmac.compare_digest(unverified_nonce.encode(), one.encode()) for one in good):
        raise UseDpopNonce("Use the nonce of the DPoP-Nonce header in the proof.", nonce=good[0])
