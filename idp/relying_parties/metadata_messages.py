"""The part of registered metadata that says how messages are signed, encrypted and bound, and where they go."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from idp.relying_parties.client import BackchannelDelivery, Encryption, LogoutAddresses, Messages, TlsName
from idp.relying_parties.metadata_reader import origin_of
from idp.relying_parties.profiles import CIBA, FULLY_SPECIFIED
from keys import DEFAULT_ENCODING, ENCODINGS, ENCRYPTIONS
from keys.certificates import NAME_KINDS, CertificateRefused, certificate_thumbprint, check_expected

if TYPE_CHECKING:
    from idp.relying_parties.metadata_reader import Reader

MEMBERS = NAME_KINDS.keys() | frozenset(
    {
        "request_object_signing_alg", "require_signed_request_object", "authorization_signed_response_alg",
        "authorization_encrypted_response_alg", "authorization_encrypted_response_enc",
        "id_token_signed_response_alg", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
        "userinfo_signed_response_alg", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
        "introspection_signed_response_alg", "introspection_encrypted_response_alg",
        "introspection_encrypted_response_enc", "backchannel_logout_uri", "backchannel_logout_session_required",
        "frontchannel_logout_uri", "frontchannel_logout_session_required",
        "tls_client_certificate_bound_access_tokens", "dpop_bound_access_tokens", "backchannel_token_delivery_mode",
        "backchannel_client_notification_endpoint", "backchannel_authentication_request_signing_alg",
        "backchannel_user_code_parameter",
    }
)  # fmt: skip
DELIVERY_MODES = frozenset({"poll", "ping"})


def read_messages(read: Reader) -> Messages:
    """Read how messages are signed and encrypted; problems are kept by the reader."""
    profile, signing = read.profile, read.signing
    received = profile.algorithms | FULLY_SPECIFIED
    introspection = read.one_of("introspection_signed_response_alg", signing)
    return Messages(
        request_object_algorithm=read.one_of("request_object_signing_alg", received) or None,
        request_object_required=profile.signed_messages or read.flag("require_signed_request_object"),
        response_algorithm=read.one_of("authorization_signed_response_alg", signing, profile.default_algorithm),
        response_encryption=_encryption(read, "authorization_encrypted_response"),
        id_token_encryption=_encryption(read, "id_token_encrypted_response"),
        userinfo_algorithm=read.one_of("userinfo_signed_response_alg", signing) or None,
        userinfo_encryption=_encryption(read, "userinfo_encrypted_response"),
        introspection_algorithm=introspection or (profile.default_algorithm if profile.signed_messages else None),
        introspection_encryption=_encryption(read, "introspection_encrypted_response"),
    )


def _encryption(read: Reader, stem: str) -> Encryption | None:
    alg = read.one_of(f"{stem}_alg", frozenset(ENCRYPTIONS))
    enc = read.one_of(f"{stem}_enc", frozenset(ENCODINGS), DEFAULT_ENCODING)
    if not alg and f"{stem}_enc" in read.metadata:
        read.problems.append(f"{stem}_enc: stands only beside {stem}_alg")
    if alg and not {"jwks", "jwks_uri"} & set(read.metadata):
        read.problems.append(f"{stem}_alg: a public key for encryption is needed in jwks")
    return Encryption(alg, enc) if alg else None


def read_logout(read: Reader) -> LogoutAddresses:
    """Read where a logout is told; what opens in a frame of ours lies where the citizen has been sent before.

    Source: OpenID Connect Back-Channel Logout section 2.2, Front-Channel Logout section 2.
    """
    frontchannel_uri = read.address("frontchannel_logout_uri")
    redirects = read.metadata.get("redirect_uris")
    origins = {origin_of(uri) for uri in redirects if isinstance(uri, str)} if isinstance(redirects, list) else set()
    if frontchannel_uri is not None and origin_of(frontchannel_uri) not in origins - {None}:
        read.problems.append("frontchannel_logout_uri: scheme, host and port have to be those of a redirect_uri")
    read.flag("backchannel_logout_session_required")  # nothing to keep: every logout token names the session
    return LogoutAddresses(
        backchannel_uri=read.address("backchannel_logout_uri"),
        frontchannel_uri=frontchannel_uri,
        frontchannel_session_required=read.flag("frontchannel_logout_session_required"),
    )


def read_tls_name(read: Reader, *, method: str) -> TlsName | None:
    """Read what a certificate must name: exactly one member, where the method is tls_client_auth (RFC 8705 2.1.2)."""
    named = [name for name in NAME_KINDS if name in read.metadata]
    if (len(named) == 1) != (method == "tls_client_auth") or len(named) > 1:
        read.problems.append(f"tls_client_auth: exactly one of {', '.join(NAME_KINDS)}, and no other method beside it")
        return None
    if not named:
        return None
    kind, expected = named[0], read.text(named[0])
    try:
        check_expected(kind=kind, expected=expected)
    except CertificateRefused as error:
        read.problems.append(f"{kind}: {error}")
    return TlsName(kind, expected)


def read_certificates(read: Reader, *, method: str) -> frozenset[str]:
    """Return the thumbprints of the first certificates in `x5c` of the key set (RFC 8705 section 2.2)."""
    found = certificates_in(read.metadata.get("jwks"))
    if None in found:
        read.problems.append("jwks: x5c is a list of certificates in base64 (RFC 7517 section 4.7)")
    if not found and method == "self_signed_tls_client_auth" and "jwks_uri" not in read.metadata:
        read.problems.append("jwks: a certificate in x5c is needed for self_signed_tls_client_auth")
    return frozenset(filter(None, found))


def certificates_in(unverified_jwks: Any) -> frozenset[str | None]:
    """Return the thumbprint of the first certificate of each `x5c` in a key set; None stands for one that is none."""
    members = unverified_jwks.get("keys") if isinstance(unverified_jwks, dict) else None
    listed = members if isinstance(members, list) else ()
    return frozenset(_thumbprint(jwk["x5c"]) for jwk in listed if isinstance(jwk, dict) and "x5c" in jwk)


def _thumbprint(chain: Any) -> str | None:
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        return None
    try:
        return certificate_thumbprint(base64.b64decode(chain[0], validate=True))
    except ValueError:
        return None


def read_sender_constraint(read: Reader) -> frozenset[str]:
    """Return by what tokens must be bound: what is registered, else what the profile asks for."""
    asked = {
        kind
        for kind, name in (("dpop", "dpop_bound_access_tokens"), ("mtls", "tls_client_certificate_bound_access_tokens"))
        if read.flag(name)
    }
    allowed = read.profile.sender_constraint
    if allowed and asked - allowed:
        read.problems.append(f"sender constraint: the profile {read.profile.name} is bound by {', '.join(allowed)}")
    return frozenset(asked) or allowed


def read_backchannel(read: Reader, *, grants: frozenset[str]) -> BackchannelDelivery | None:
    """Read how the answer to a CIBA request is told (CIBA Core section 4)."""
    mode = read.one_of("backchannel_token_delivery_mode", DELIVERY_MODES)
    endpoint = read.address("backchannel_client_notification_endpoint")
    algorithms = read.profile.algorithms | FULLY_SPECIFIED
    algorithm = read.one_of("backchannel_authentication_request_signing_alg", algorithms) or None
    if read.flag("backchannel_user_code_parameter"):
        read.problems.append("backchannel_user_code_parameter: there are no user codes here")
    if bool(mode) != (CIBA in grants):
        read.problems.append(
            f"backchannel_token_delivery_mode: it and the grant {CIBA} are registered together, or neither"
        )
    if (mode == "ping") != (endpoint is not None):
        read.problems.append("backchannel_client_notification_endpoint: is needed for ping, and for ping only")
    return BackchannelDelivery(mode, endpoint, algorithm) if mode else None
