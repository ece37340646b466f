"""A signature at a gate: all its permits at once, a full authority passed over, a word when to come back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

import aiohttp
import pytest

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from signing.authorities import TimestampAuthority
from signing.chains import PinnedChains
from signing.errors import TimestampLimitError
from signing.permits import Permits
from signing.timestamps import Timestamper
from watching.meters import Meters

DIGEST = sha256(b"a signature value").digest()


@dataclass
class Gate:
    """Notes who asks, and sends those away who are to wait."""

    wait_s: Mapping[str, float] = field(default_factory=dict)
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    async def take(self, authority: str, *, turn: str, count: int) -> float:
        self.asked.append((authority, turn, count))
        return self.wait_s.get(authority, 0.0)


def test_what_a_signature_needs_is_taken_at_once() -> None:
    gate = Gate()

    async def sign() -> None:
        permits = Permits(gate, turn="7:3", count=2)
        for _ in range(2):
            await permits.use("tsa")
            permits.served()

    asyncio.run(sign())
    assert gate.asked == [("tsa", "7:3", 2)]


def test_what_failed_is_asked_for_again_and_what_was_served_is_not() -> None:
    gate = Gate()

    async def sign() -> None:
        permits = Permits(gate, turn="7:3", count=2)
        await permits.use("first")
        permits.served()
        await permits.use("first")  # no answer this time
        await permits.use("second")
        permits.served()

    asyncio.run(sign())
    assert gate.asked == [("first", "7:3", 2), ("second", "7:3", 1)]


def test_who_has_to_wait_is_told_how_long() -> None:
    with pytest.raises(TimestampLimitError) as caught:
        asyncio.run(Permits(Gate({"tsa": 12.5})).use("tsa"))
    assert caught.value.after_s == 12.5


async def stamped(server: AuthorityServer, gate: Gate, meters: Meters, *, dead: str = "") -> None:
    urls = {name: "http://127.0.0.1:9/" if name == dead else server.tsa_url for name in ("first", "second")}
    async with aiohttp.ClientSession() as http:
        timestamper = Timestamper(
            [TimestampAuthority(name, url) for name, url in urls.items()],
            http=http,
            chains=PinnedChains(server.authority.trust),
            clock=lambda: datetime.now(UTC),
            gate=gate,
            meters=meters,
        )
        await timestamper.timestamp(DIGEST, "sha256", permits=Permits(gate, turn="7:3"))


def value(meters: Meters, name: str, authority: str) -> float | None:
    return meters.registry.get_sample_value(f"paraaf_timestamp_authority_{name}", {"authority": authority})


def test_a_full_authority_is_passed_over(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    gate, meters = Gate({"first": 600.0}), Meters()
    asyncio.run(stamped(authority_server, gate, meters))
    assert [each[0] for each in gate.asked] == ["first", "second"]
    assert value(meters, "limited_total", "first") == 1
    assert value(meters, "up", "second") == 1
    assert value(meters, "failures_total", "first") is None, "a limit is no failure of the authority"


@pytest.mark.parametrize(
    ("waits", "dead", "after_s"),
    [({"first": 600.0, "second": 60.0}, "", 60.0), ({"second": 60.0}, "first", 60.0)],
)
def test_when_none_is_left_it_is_said_when_to_come_back(
    authority_server: AuthorityServer, waits: dict[str, float], dead: str, after_s: float
) -> None:
    with pytest.raises(TimestampLimitError) as caught:
        asyncio.run(stamped(authority_server, Gate(waits), Meters(), dead=dead))
    assert caught.value.after_s == after_s
