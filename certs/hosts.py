"""Hosts that may be asked, and addresses taken apart so that nobody down the line can read them otherwise."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from certs.errors import TrustError
from certs.evidence import UnusableAnswer

Address = IPv4Address | IPv6Address
_LONGEST: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_URL: Final = re.compile(
    r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?"
    r"(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
# Not for the public, or a way round to what isn't. Sources: the IANA registries of special-purpose addresses.
_SPECIAL: Final = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20"),
    )
)
_GLOBAL_UNICAST: Final = ip_network("2000::/3")  # RFC 4291; also leaves out 64:ff9b::/96 and IPv4 in IPv6


def is_public(address: Address) -> bool:
    """Whether an address belongs to one machine on the public internet."""
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address not in _GLOBAL_UNICAST):
        return False
    special = any(address.version == each.version and address in each for each in _SPECIAL)
    return address.is_global and not address.is_multicast and not special


@dataclass(frozen=True)
class AllowedHosts:
    """Hosts and ports that may be asked."""

    places: frozenset[tuple[str, int]]

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "AllowedHosts":
        """Read entries such as `ocsp.example`, `crl.example:8080` or `127.0.0.1:20333`.

        Without a port 80 and 443 are meant. Raises TrustError for anything else.
        """
        return cls(frozenset(place for entry in entries for place in _places(entry)))

    def loopback(self, host: str, port: int) -> bool:
        """Whether this machine itself was allowed by name: only so can it be asked."""
        return (host, port) in self.places and (host == "localhost" or _is_loopback(host))


def _places(entry: str) -> Iterable[tuple[str, int]]:
    found = re.fullmatch(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", entry.strip().lower())
    host = found.group(1) if found else ""
    if not found or not _is_host(host) or (found.group(2) and not 0 < int(found.group(2)) < 65536):
        raise TrustError(
            f"“{entry}” names no host that may be asked.",
            hint="Write HOST or HOST:PORT, such as ocsp.example.",
        )
    return [(host, int(found.group(2)))] if found.group(2) else [(host, port) for port in _PORTS.values()]


def _is_host(host: str) -> bool:
    """A name in the form of DNS whose end is no number, or an IP address in its usual form."""
    if host.startswith("["):
        return literal_address(host[1:-1]) is not None
    if host.rsplit(".", 1)[-1].isdigit() or host.rsplit(".", 1)[-1].startswith("0x"):
        return literal_address(host) is not None  # 127.1 and 0x7f000001 are addresses to some programs
    return len(host) <= 253 and _NAME.fullmatch(host) is not None


def literal_address(text: str) -> Address | None:
    """The IP address that a host is, in its usual form; None for a name."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def _is_loopback(host: str) -> bool:
    address = literal_address(host.strip("[]"))
    return address is not None and address.is_loopback


@dataclass(frozen=True)
class Target:
    """An address taken apart, and the one IP address that it was looked up to."""

    scheme: str
    host: str
    port: int
    path: str
    address: str = ""

    @property
    def url(self) -> str:
        """Put together anew."""
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"


def split_url(url: str) -> Target:
    """Take an address apart; raises UnusableAnswer for any that two programs might read differently."""
    found = _URL.fullmatch(url) if len(url) <= _LONGEST else None
    if found is None:
        raise UnusableAnswer("the address is not written plainly")
    scheme, host, port, path, query = found.groups()
    if not _is_host(host.lower()):
        raise UnusableAnswer("the address is not written plainly")
    return Target(scheme, host.lower(), int(port or _PORTS[scheme]), (path or "/") + (query or ""))
