"""Fetch from addresses that a stranger wrote into a certificate, without being led astray.

Only hosts and ports that the caller allowed are asked. An address is taken apart by one strict rule, and put
together anew, so that nobody down the line can read it otherwise; the host is resolved once; every address
that it has must be a global unicast one; the connection goes to the address that was looked at. No
redirects, no proxies, no cookies, no compressed answers, at most 2 MiB, few requests, short time-outs.
"""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from certs.errors import TrustError
from certs.evidence import UnusableAnswer
from certs.revocation import LARGEST_ANSWER, read_limited

Address = IPv4Address | IPv6Address
REQUESTS_A_FILE: Final = 8
SECONDS_A_REQUEST: Final = 5.0
SECONDS_A_FILE: Final = 15.0
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


class Resolver(Protocol):
    """Gives the addresses of a host."""

    def __call__(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        """Addresses in text; raises OSError or TimeoutError."""


class Transport(Protocol):
    """Sends one request to one address."""

    async def __call__(self, target: "Target", body: bytes | None, headers: dict[str, str]) -> bytes:
        """The body of an answer with status 200; raises UnusableAnswer."""


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
        return _address(host[1:-1]) is not None
    if host.rsplit(".", 1)[-1].isdigit() or host.rsplit(".", 1)[-1].startswith("0x"):
        return _address(host) is not None  # 127.1 and 0x7f000001 are addresses to some programs
    return len(host) <= 253 and _NAME.fullmatch(host) is not None


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def _is_loopback(host: str) -> bool:
    address = _address(host.strip("[]"))
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


class FencedFetcher:
    """Fetches on behalf of one file after the other; `begin` starts the count for the next."""

    def __init__(
        self,
        allowed: AllowedHosts,
        *,
        resolve: Resolver | None = None,
        transport: Transport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve or look_up
        self._transport = transport or send
        self._monotonic = monotonic
        self.begin()

    def begin(self) -> None:
        """Start with another file."""
        self._left = REQUESTS_A_FILE
        self._until = self._monotonic() + SECONDS_A_FILE

    async def __call__(self, url: str, *, data: bytes | None, headers: dict[str, str]) -> bytes:
        """Fetch; raises UnusableAnswer, with the reason, where nothing may be or could be had."""
        target = split_url(url)
        if (target.host, target.port) not in self._allowed.places:
            raise UnusableAnswer(f"{target.host}:{target.port} is not among the hosts that may be asked")
        seconds = min(SECONDS_A_REQUEST, self._until - self._monotonic())
        if self._left <= 0 or seconds <= 0:
            raise UnusableAnswer("enough has been asked for this file")
        self._left -= 1
        pinned = Target(target.scheme, target.host, target.port, target.path, self._pin(target, seconds))
        try:
            return await asyncio.wait_for(self._transport(pinned, data, headers), seconds)
        except TimeoutError as error:
            raise UnusableAnswer("it took too long") from error

    def _pin(self, target: Target, seconds: float) -> str:
        """The address to connect to, when all that the host has may be connected to."""
        literal = _address(target.host.strip("[]"))
        try:
            texts = [str(literal)] if literal else self._resolve(target.host, target.port, seconds)
            addresses = [ip_address(text) for text in texts]
        except (OSError, ValueError) as error:  # TimeoutError is one
            raise UnusableAnswer("its host cannot be looked up") from error
        own = self._allowed.loopback(target.host, target.port)
        if not addresses or not all(is_public(each) or (own and each.is_loopback) for each in addresses):
            raise UnusableAnswer("its host is not on the public internet")
        return str(addresses[0])


def look_up(host: str, port: int, timeout_s: float) -> Sequence[str]:
    """Resolve a name by the system, which has no time-out of its own."""
    found: list[str] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            return
        found.extend(str(answer[4][0]) for answer in answers)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout_s)
    if asking.is_alive():
        raise TimeoutError
    if not found:
        raise OSError
    return list(found)


class _Pinned(AbstractResolver):
    """Knows one host, and the one address that was looked at."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 (aiohttp's word; the address decides)
    ) -> list[ResolveResult]:
        """Give the pinned address. Raises OSError for another host."""
        if host != self._target.host:
            raise OSError
        version = ip_address(self._target.address).version
        return [
            ResolveResult(
                hostname=host,
                host=self._target.address,
                port=port,
                family=socket.AF_INET if version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def send(target: Target, body: bytes | None, headers: dict[str, str]) -> bytes:
    """One request over a connection of its own to the pinned address."""
    connector = aiohttp.TCPConnector(resolver=_Pinned(target), use_dns_cache=False, force_close=True, limit=1)
    session = aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
    )
    headers = {**headers, "Accept-Encoding": "identity"}
    try:
        async with (
            session,
            session.request(
                "GET" if body is None else "POST",
                URL(target.url, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as response,
        ):
            if response.status != 200:
                raise UnusableAnswer(f"it answered with HTTP status {response.status}")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise UnusableAnswer("it answered with compressed data")
            if (response.content_length or 0) > LARGEST_ANSWER:
                raise UnusableAnswer(f"its answer is larger than {LARGEST_ANSWER} bytes")
            return await read_limited(response.content)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise UnusableAnswer(f"it cannot be reached ({type(error).__name__})") from error
