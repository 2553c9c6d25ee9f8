"""A path from a certificate to a pinned anchor, for attestation statements and signed metadata only.

Such certificates follow no web profile (no names of hosts, odd extensions), and the path comes in order, so nothing has
to be searched for. Certificates that citizens log in with are judged elsewhere, by stricter rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from idp.login.passkey_refusal import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_LONGEST: Final = 6
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def check_chain(
    unverified: Sequence[x509.Certificate], *, expected_anchors: Sequence[x509.Certificate], now: datetime
) -> None:
    """Check that `unverified` (leaf first, each issued by the next) ends at one of `expected_anchors`.

    1. every certificate is valid now, 2. every issuer is a certification authority and may have that many below it,
    3. every signature and issuer name fits, 4. one is an anchor, or is issued by an anchor.

    Raises:
        CheckFailed: with the step that failed.
    Source: RFC 5280 section 6.1; an anchor may be the attestation certificate itself, FIDO Metadata Statements 3.1.
    """
    if not 1 <= len(unverified) <= _LONGEST:
        raise CheckFailed(f"a chain of {len(unverified)} certificates")
    for depth, certificate in enumerate(unverified):
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:  # 1
            raise CheckFailed(f"certificate {depth} of the chain is not valid now")
        if certificate in expected_anchors:  # 4
            return
        if depth + 1 < len(unverified):
            _check_issued(certificate, by=unverified[depth + 1], below=depth, pinned=False)
    _check_issued_by_one(unverified[-1], anchors=expected_anchors, below=len(unverified) - 1)  # 4


def _check_issued_by_one(certificate: x509.Certificate, *, anchors: Sequence[x509.Certificate], below: int) -> None:
    reason = CheckFailed("the chain ends at no anchor")
    for anchor in anchors:
        if anchor.subject != certificate.issuer:
            continue
        try:
            return _check_issued(certificate, by=anchor, below=below, pinned=True)
        except CheckFailed as failed:  # a renewed anchor keeps its name: another may fit
            reason = failed
    raise reason


def _check_issued(certificate: x509.Certificate, *, by: x509.Certificate, below: int, pinned: bool) -> None:
    """Check that `by` may issue, and did issue, `certificate`; `below` counts the authorities under it.

    A pinned anchor that says nothing is an authority because it is pinned: so are many in the published metadata, the
    Vietnamese makers' among them. One that says that it is none may only be the leaf itself.
    """
    constraints = _extension(by, x509.BasicConstraints)
    if constraints is None and not pinned:  # 2
        raise CheckFailed("an issuer in the chain does not say that it is a certification authority")
    if constraints is not None and not constraints.ca:  # 2
        raise CheckFailed("an issuer in the chain is no certification authority")
    if constraints is not None and constraints.path_length is not None and below > constraints.path_length:  # 2
        raise CheckFailed("the chain is longer than an issuer allows")
    usage = _extension(by, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:  # 2
        raise CheckFailed("an issuer in the chain may not sign certificates")
    try:
        certificate.verify_directly_issued_by(by)  # 3
    except (InvalidSignature, ValueError, TypeError) as failed:
        raise CheckFailed("a signature in the chain does not fit") from failed


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
