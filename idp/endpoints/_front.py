"""What the front says about a connection: the client's certificate and address, believed from our own front alone.

TLS ends before the workers. A front proves itself by the unix socket that only it can reach, or, where a secret is
configured, by that secret; whoever else sends the same headers is not heard, and counted.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from hmac import compare_digest
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from idp.errors import InvalidRequest
from idp.metrics import CERTIFICATES_REFUSED
from keys.certificates import CertificateRefused, read_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idp.metrics import Metrics
    from idp.settings import Settings

CLIENT_CERT = "HTTP_CLIENT_CERT"
ESCAPED_PEM = "HTTP_X_SSL_CLIENT_CERT"
SECRET = "HTTP_SEN_FRONT"  # noqa: S105  the name of a header
LONGEST_HEADER = 24 * 1024

BYTE_SEQUENCE = re.compile(r":(?P<base64>[A-Za-z0-9+/]+={0,2}):")
PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----\n(?P<base64>(?:[A-Za-z0-9+/]{1,76}={0,2}\n)+)-----END CERTIFICATE-----\n?"
)


def _bytes_of(text: str | bytes) -> bytes:
    """Decode base64 that is written in the one way there is (RFC 4648 section 3.5)."""
    plain = text.encode() if isinstance(text, str) else text
    decoded = b64decode(plain, validate=True)
    if b64encode(decoded) != plain:
        raise ValueError("base64 with bits to spare")
    return decoded


def read_client_cert(header: str) -> bytes:
    """Return the DER of a `Client-Cert` header: one byte sequence and nothing beside it.

    Raises:
        ValueError: it is anything else.

    Source: RFC 9440 section 2.2, RFC 8941 section 3.3.5.
    """
    found = BYTE_SEQUENCE.fullmatch(header)
    if found is None:
        raise ValueError("no byte sequence")
    return _bytes_of(found["base64"])


def read_escaped_pem(header: str) -> bytes:
    """Return the DER of one certificate in PEM, percent-encoded as nginx's `$ssl_client_escaped_cert`.

    Raises:
        ValueError: it is anything else.

    Source: RFC 7468 section 5.1, RFC 3986 section 2.1.
    """
    found = PEM.fullmatch(unquote_to_bytes(header))
    if found is None:
        raise ValueError("no certificate in PEM")
    return _bytes_of(found["base64"].replace(b"\n", b""))


FORMS: Mapping[str, Callable[[str], bytes]] = {CLIENT_CERT: read_client_cert, ESCAPED_PEM: read_escaped_pem}
"""The headers that may carry a certificate, and how each is read."""

SAID = frozenset({*FORMS, "HTTP_X_FORWARDED_FOR"})
"""What only a front or a proxy has to say."""


class Front:
    """The configured front of this deployment, or that there is none."""

    def __init__(self, settings: Settings, *, metrics: Metrics) -> None:
        """Keep by what the front is known."""
        self._over_socket = bool(settings.front.socket)
        self._secret = settings.front.secret.encode()
        self._proxies = frozenset(settings.server.trusted_proxies)
        self._metrics = metrics

    def hears(self, environ: dict[str, Any]) -> None:
        """Put who calls into `REMOTE_ADDR`, and into `sen.from_front` whether the front itself says so.

        X-Forwarded-For is believed from the front or a configured proxy only; a certificate from the front only.
        """
        address, from_front = str(environ.get("REMOTE_ADDR", "")), self._brings(environ)
        environ["sen.from_front"] = from_front
        if "HTTP_X_FORWARDED_FOR" in environ and (from_front or address in self._proxies):
            environ["REMOTE_ADDR"] = str(environ["HTTP_X_FORWARDED_FOR"]).rpartition(",")[2].strip()
        if not from_front and not FORMS.keys().isdisjoint(environ):
            self._metrics.count(CERTIFICATES_REFUSED, "not from the front")

    def _brings(self, environ: Mapping[str, Any]) -> bool:
        """Tell whether a request comes from the front.

        A secret that is configured must be there in any case. Without one the socket suffices: the server names no
        address for what comes over it, and nobody can write that into a header.
        """
        if self._secret:
            return compare_digest(str(environ.get(SECRET, "")).encode("latin-1", "replace"), self._secret)
        return self._over_socket and not environ.get("REMOTE_ADDR")

    def certificate(self, environ: Mapping[str, Any]) -> bytes | None:
        """Return the client's certificate in DER, or None where the front says nothing, or somebody else says it.

        Raises:
            InvalidRequest: the front itself says it twice, or says something that is no certificate.

        Source: RFC 9440 sections 2.4 and 4.
        """
        sent = [(name, str(environ[name])) for name in FORMS if environ.get(name)]
        if not sent or not environ.get("sen.from_front"):
            return None
        try:
            ((name, header),) = sent
            if len(header) > LONGEST_HEADER:
                raise ValueError("a header too long")  # noqa: TRY301  one place says what becomes of it
            der = FORMS[name](header)
            read_certificate(der)
        except (ValueError, binascii.Error, CertificateRefused) as error:
            self._metrics.count(CERTIFICATES_REFUSED, "malformed")
            raise InvalidRequest("The client certificate cannot be read.", detail=str(error)) from error
        return der
