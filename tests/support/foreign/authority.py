"""A certificate authority of nobody, for servers of others that speak TLS on this machine."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from idp import clock
from keys.certificates.development import DevelopmentAuthority

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class TestAuthority:
    """One root; `ca_file` is what [outbound] extra_ca takes."""

    __test__ = False

    root: DevelopmentAuthority
    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Make a root and write it down."""
        root = DevelopmentAuthority.make(name="Test root", now=clock.now())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ca.pem").write_bytes(root.pair.certificate_pem)
        return cls(root, folder)

    @property
    def ca_file(self) -> str:
        """Where the root's certificate is, in PEM."""
        return str(self.folder / "ca.pem")

    def serves(self, host: str) -> ssl.SSLContext:
        """Return a server's TLS for one host name."""
        pair = self.root.issue_server(hosts=[host], now=clock.now())
        file = self.folder / f"{host}.pem"
        file.write_bytes(pair.key_pem + pair.certificate_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context
