"""How often one address may ask: so many at once, refilled with time; kept in memory, of the last askers."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.requests import Request

KEPT = 20_000


@dataclass(frozen=True)
class Rate:
    """`count` at once, and as many again in `seconds`."""

    name: str
    count: int
    seconds: float


@dataclass(frozen=True)
class Left:
    """What is left after one was taken, or (`wait_s` is not 0) none could be; and in how long all are."""

    left: int
    wait_s: int
    full_in_s: int


@dataclass
class Rates:
    """Who asked how often of late."""

    now: Callable[[], float] = monotonic
    _left: OrderedDict[tuple[str, str], tuple[float, float]] = field(default_factory=OrderedDict)

    def require(self, request: Request, rate: Rate) -> None:
        """Take one. Raises HTTPException 429, with Retry-After, where none is left."""
        wait_s = self.take(_asker(request), rate).wait_s
        if wait_s:
            raise HTTPException(429, headers={"Retry-After": str(wait_s)})

    def take(self, asker: str, rate: Rate) -> Left:
        """Take one of an asker's, if there is one."""
        key, now = (rate.name, asker), self.now()
        left, at = self._left.pop(key, (float(rate.count), now))
        left = min(float(rate.count), left + (now - at) * rate.count / rate.seconds)
        taken = left >= 1
        left = left - 1 if taken else left
        self._left[key] = (left, now)
        while len(self._left) > KEPT:
            self._left.popitem(last=False)
        each_s = rate.seconds / rate.count
        wait_s = 0 if taken else int((1 - left) * each_s) + 1
        return Left(int(left), wait_s, ceil((rate.count - left) * each_s))


def _asker(request: Request) -> str:
    """Who asks: an IPv4 address, or the network that an IPv6 address is of: whoever has one has them all."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
