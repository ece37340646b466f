"""Fetch from addresses that a stranger wrote into a certificate, without being led astray.

Only hosts and ports that the caller allowed are asked. An address is taken apart by one strict rule, and put
together anew, so that nobody down the line can read it otherwise; the host is resolved once; every address
that it has must be a global unicast one; the connection goes to the address that was looked at. No
redirects, no proxies, no cookies, no compressed answers, at most 2 MiB, few requests, short time-outs.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from certs.evidence import UnusableAnswer
from certs.hosts import AllowedHosts, Target, is_public, literal_address, split_url
from certs.revocation import LARGEST_ANSWER, read_limited

REQUESTS_A_FILE: Final = 8
SECONDS_A_REQUEST: Final = 5.0
SECONDS_A_FILE: Final = 15.0


class Resolver(Protocol):
    """Gives the addresses of a host."""

    def __call__(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        """Addresses in text; raises OSError or TimeoutError."""


class Transport(Protocol):
    """Sends one request to one address."""

    async def __call__(self, target: "Target", body: bytes | None, headers: dict[str, str]) -> bytes:
        """The body of an answer with status 200; raises UnusableAnswer."""


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
        there = pinned(target, self._allowed, resolve=self._resolve, seconds=seconds)
        try:
            return await asyncio.wait_for(self._transport(there, data, headers), seconds)
        except TimeoutError as error:
            raise UnusableAnswer("it took too long") from error


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


def pinned(target: Target, allowed: AllowedHosts, *, resolve: Resolver, seconds: float) -> Target:
    """The same with the address to connect to, when all that its host has may be connected to.

    Raises UnusableAnswer.
    """
    literal = literal_address(target.host.strip("[]"))
    try:
        texts = [str(literal)] if literal else resolve(target.host, target.port, seconds)
        addresses = [ip_address(text) for text in texts]
    except (OSError, ValueError) as error:  # TimeoutError is one
        raise UnusableAnswer("its host cannot be looked up") from error
    own = allowed.loopback(target.host, target.port)
    if not addresses or not all(is_public(each) or (own and each.is_loopback) for each in addresses):
        raise UnusableAnswer("its host is not on the public internet")
    return replace(target, address=str(addresses[0]))


def connection(target: Target) -> aiohttp.ClientSession:
    """A connection of its own to the pinned address, and to nothing else."""
    connector = aiohttp.TCPConnector(resolver=_Pinned(target), use_dns_cache=False, force_close=True, limit=1)
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
    )


async def send(target: Target, body: bytes | None, headers: dict[str, str]) -> bytes:
    """One request over a connection of its own to the pinned address."""
    headers = {**headers, "Accept-Encoding": "identity"}
    try:
        async with (
            connection(target) as session,
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
