"""Which addresses are public: everything else is never called, whatever a name says."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = IPv4Address | IPv6Address

PUBLIC_IPV6 = IPv6Network("2000::/3")
"""What IANA gave to the internet; mapped, translated (NAT64), unique local, link-local and multicast lie outside."""

NOT_PUBLIC: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("0.0.0.0/8"),  # this network (RFC 791 section 3.2)
    IPv4Network("10.0.0.0/8"),  # private (RFC 1918)
    IPv4Network("100.64.0.0/10"),  # shared by carriers (RFC 6598)
    IPv4Network("127.0.0.0/8"),  # loopback (RFC 1122 section 3.2.1.3)
    IPv4Network("169.254.0.0/16"),  # link-local, and the metadata of clouds (RFC 3927)
    IPv4Network("172.16.0.0/12"),  # private (RFC 1918)
    IPv4Network("192.0.0.0/24"),  # protocol assignments (RFC 6890 section 2.1)
    IPv4Network("192.0.2.0/24"),  # documentation (RFC 5737)
    IPv4Network("192.31.196.0/24"),  # AS112 (RFC 7535)
    IPv4Network("192.52.193.0/24"),  # multicast tunnels (RFC 7450)
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, deprecated (RFC 7526)
    IPv4Network("192.168.0.0/16"),  # private (RFC 1918)
    IPv4Network("192.175.48.0/24"),  # AS112 (RFC 7534)
    IPv4Network("198.18.0.0/15"),  # benchmarks (RFC 2544)
    IPv4Network("198.51.100.0/24"),  # documentation (RFC 5737)
    IPv4Network("203.0.113.0/24"),  # documentation (RFC 5737)
    IPv4Network("224.0.0.0/4"),  # multicast (RFC 5771)
    IPv4Network("240.0.0.0/4"),  # reserved, and broadcast (RFC 1112 section 4)
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them (RFC 2928, RFC 4380)
    IPv6Network("2001:db8::/32"),  # documentation (RFC 3849)
    IPv6Network("2002::/16"),  # 6to4: an IPv4 address inside (RFC 3056)
    IPv6Network("2620:4f:8000::/48"),  # AS112 (RFC 7534)
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)


def addresses_of(host: str) -> Sequence[str]:
    """Return the addresses of a name, as the system resolves it; none when there is no such name."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet (IANA special-purpose registries, RFC 6890)."""
    if address.version == 6 and address not in PUBLIC_IPV6:  # noqa: PLR2004  RFC 4291
        return False
    return not any(address.version == network.version and address in network for network in NOT_PUBLIC)
