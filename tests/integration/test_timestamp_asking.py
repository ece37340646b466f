"""How timestamp authorities are asked: as whom, what a password never gets into, and who is left alone."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from problem import Problem
from signing.authorities import TimestampAuthority
from signing.chains import PinnedChains
from signing.errors import TimestampError, TimestampLimitError, TimestampRestError
from signing.timestamps import Timestamper
from signing.tokens import Token
from tests.signing_samples import now

DIGEST = sha256(b"a signature value").digest()
PASSWORD = "geheim é : woord"


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """An address where whatever is posted is answered so."""
    app, url = web.Application(), free_base_url()
    app.router.add_post("/{which:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(url.rpartition(":")[2])).start()
    try:
        yield url
    finally:
        await runner.cleanup()


async def stamped(authority: DevelopmentAuthority, one: TimestampAuthority) -> Token:
    """A timestamp of an authority that stamps for "gemeente" alone."""
    right = base64.b64encode(f"gemeente:{PASSWORD}".encode()).decode()

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Basic {right}":
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        told = authority.timestamp(await request.read(), now())
        return web.Response(body=told, content_type="application/timestamp-reply")

    async with serving(answer) as url, aiohttp.ClientSession() as http:
        asked = replace(one, url=url)
        timestamper = Timestamper([asked], http=http, chains=PinnedChains(authority.trust), clock=now)
        return await timestamper.timestamp(DIGEST, "sha256")


def test_an_authority_is_told_user_and_password(authority: DevelopmentAuthority, tmp_path: Path) -> None:
    file = tmp_path / "tsa.pass"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    one = TimestampAuthority("tsa", "", user="gemeente", password_file=file)
    assert asyncio.run(stamped(authority, one)).token_der


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("another\n", "HTTP status 401"),
        ("\n", "not asked: .* holds no secret"),
        (None, "not asked: .* can't be read"),
    ],
)
def test_a_password_that_does_not_do_is_told_and_never_shown(
    authority: DevelopmentAuthority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    password: str | None,
    words: str,
) -> None:
    file = tmp_path / "tsa.pass"
    if password is not None:
        file.write_text(password, encoding="utf-8")
    one = TimestampAuthority("tsa", "", user="gemeente", password_file=file)
    with caplog.at_level("DEBUG"), pytest.raises(TimestampError, match=words) as failed:
        asyncio.run(stamped(authority, one))
    told = f"{failed.value!r} {failed.value.__cause__!r} {one!r} {caplog.text}"
    assert "another" not in told
    assert base64.b64encode(b"gemeente:another").decode() not in told


# --- who is left alone


@dataclass
class Health:
    """Has some authorities left alone, and notes what came of the others."""

    rests_s: Mapping[str, float] = field(default_factory=dict)
    told: list[tuple[str, float | None]] = field(default_factory=list)

    async def rest_s(self, authority: str) -> float:
        return self.rests_s.get(authority, 0.0)

    def answered(self, authority: str) -> None:
        self.told.append((authority, None))

    def failed(self, authority: str, trouble: Problem, *, took_s: float, asks_for_s: float = 0.0) -> None:
        assert trouble.code == "signing-timestamp"
        assert took_s >= 0
        self.told.append((authority, asks_for_s))


@dataclass
class Gate:
    """Full for some authorities."""

    waits_s: Mapping[str, float]

    async def take(self, authority: str, *, turn: str, count: int) -> float:
        return self.waits_s.get(authority, 0.0)


def asked(
    authority: DevelopmentAuthority,
    health: Health,
    *,
    dead: str = "",
    waits_s: Mapping[str, float] | None = None,
    busy: Mapping[str, str] | None = None,
) -> None:
    """Ask for a timestamp of "first", else "second"; who is dead answers 503, or as `busy` says."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == f"/{dead}":
            return web.Response(status=429 if busy else 503, headers=busy)
        told = authority.timestamp(await request.read(), now())
        return web.Response(body=told, content_type="application/timestamp-reply")

    async def story() -> None:
        async with serving(answer) as url, aiohttp.ClientSession() as http:
            await Timestamper(
                [TimestampAuthority(name, f"{url}/{name}") for name in ("first", "second")],
                http=http,
                chains=PinnedChains(authority.trust),
                clock=now,
                gate=Gate(waits_s or {}),
                health=health,
            ).timestamp(DIGEST, "sha256")

    asyncio.run(story())


def test_who_rests_is_passed_over_and_not_asked(authority: DevelopmentAuthority) -> None:
    health = Health({"first": 30.0})
    asked(authority, health)
    assert health.told == [("second", None)]


def test_who_fails_is_told_of_and_the_next_one_asked(authority: DevelopmentAuthority) -> None:
    health = Health()
    asked(authority, health, dead="first")
    assert health.told == [("first", 0.0), ("second", None)]


@pytest.mark.parametrize(
    ("rests_s", "waits_s", "after_s", "kind"),
    [
        ({"first": 30.0, "second": 20.0}, {}, 20.0, TimestampRestError),
        ({"first": 10.0}, {"second": 20.0}, 10.0, TimestampLimitError),
        ({"first": 30.0}, {"second": 20.0}, 20.0, TimestampLimitError),
    ],
)
def test_when_none_may_be_asked_it_is_said_when_to_come_back(
    authority: DevelopmentAuthority,
    rests_s: Mapping[str, float],
    waits_s: Mapping[str, float],
    after_s: float,
    kind: type[TimestampLimitError],
) -> None:
    health = Health(rests_s)
    with pytest.raises(TimestampLimitError) as caught:
        asked(authority, health, waits_s=waits_s)
    assert (caught.value.after_s, type(caught.value)) == (after_s, kind)
    assert health.told == []


def test_a_failure_counts_as_one_however_many_rest(authority: DevelopmentAuthority) -> None:
    """Else two authorities that are down would have a step wait for ever, in turn, without an incident."""
    with pytest.raises(TimestampError) as caught:
        asked(authority, Health({"first": 30.0}), dead="second")
    assert not isinstance(caught.value, TimestampLimitError)


@pytest.mark.parametrize(
    ("said", "least_s", "most_s"),
    [
        ("120", 120, 120),
        (timedelta(minutes=2), 60, 120),
        (-timedelta(minutes=2), 0, 0),
        ("soon", 0, 0),
        ("-1", 0, 0),
        ("", 0, 0),
    ],
)
def test_how_long_a_busy_authority_asks_for_is_heard(
    authority: DevelopmentAuthority, said: str | timedelta, least_s: float, most_s: float
) -> None:
    health = Health()
    if isinstance(said, timedelta):
        said = format_datetime(now() + said)
    asked(authority, health, dead="first", busy={"Retry-After": said})
    (_, asks_for_s), _ = health.told
    assert asks_for_s is not None
    assert least_s <= asks_for_s <= most_s
