"""A remote signing provider on loopback, in the test's own event loop; every word is held to the schema.

Whatever is asked and answered over HTTP while a test runs is checked against `csc_schema.json`, which was
written from the specification: the client's requests always, the provider's answers unless a fault is wanted.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import aiohttp
from aiohttp import web
from jsonschema import Draft202012Validator

from certs.authority import DevelopmentAuthority
from certs.csc_http import LONGEST_LINE, CscAnswers, CscPace, provider_app
from certs.csc_people import CscApplication, CscCredential, CscPerson
from certs.csc_provider import PATH, CscRules, DevelopmentProvider
from certs.faulty_csc import UnsafeFaultyCsc, UnsafeFaultyProvider
from certs.keystore import Credential
from signing.csc import CscClient, CscService, Secret

SCHEMA = json.loads((Path(__file__).parent / "csc_schema.json").read_text(encoding="utf-8"))
CLIENT_ID, CLIENT_SECRET = "paraaf", "a-client's-secret/+ä"
REDIRECT = "http://127.0.0.1:9/back"
PERSON, PASSWORD, PIN = "e-9", "a-person's-password", "482915"
# What no message, log line or repr may hold.
SECRETS = (CLIENT_SECRET, PASSWORD, PIN)


@dataclass
class Clock:
    """The present, which a test may move."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Exchanged:
    """One request and its answer, as JSON; `answer` is None when there was none to read."""

    method: str
    asked: Mapping[str, Any]
    status: int = 0
    answer: Mapping[str, Any] | None = None


@dataclass
class Office:
    """The provider, a client of it, and everything that went between them."""

    client: CscClient
    provider: DevelopmentProvider
    url: str
    clock: Clock
    answers: CscAnswers
    exchanged: list[Exchanged] = field(default_factory=list)
    slept_s: list[float] = field(default_factory=list)

    def set_fault(self, fault: str) -> None:
        """Let a faulty provider be wrong in another way from now on; "" lets it be right."""
        self.answers._fault = self.provider._fault = fault  # type: ignore[attr-defined]
        self.answers._times = 0  # type: ignore[attr-defined]

    def calls(self, method: str) -> list[Exchanged]:
        return [one for one in self.exchanged if one.method == method]

    def secrets(self) -> set[str]:
        """Everything secret that went over the wire, and what was secret before."""
        found = set(SECRETS)
        for one in self.exchanged:
            for name in ("SAD", "PIN", "OTP", "access_token", "refresh_token", "code", "code_verifier"):
                found |= {str(part[name]) for part in (one.asked, one.answer or {}) if name in part}
        return found


@cache
def validator(part: str) -> Draft202012Validator:
    schema = {**SCHEMA, "$ref": f"#/$defs/{part.replace('/', '~1')}"}  # as a JSON pointer has it
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def breaches(part: str, said: object) -> list[str]:
    """What is not as the specification has it: where and which rule, without the values."""
    return [
        f"{part}: {'/'.join(map(str, error.absolute_path))} {error.validator}"
        for error in validator(part).iter_errors(said)
    ]


def a_hash(number: int = 0) -> bytes:
    return sha256(f"attributes {number}".encode()).digest()


def hashes(count: int) -> list[bytes]:
    return [a_hash(number) for number in range(count)]


def credentials(authority: DevelopmentAuthority, **changes: Any) -> list[CscCredential]:
    """A key of each kind: by PIN, by PIN and code, on the provider's page, and by a device of the owner's."""
    ec_key = authority.person(PERSON, "Bram Voorbeeld", now=datetime.now(UTC))
    rsa_key = authority.person(PERSON, "Bram Voorbeeld", key_type="RSA-2048", now=datetime.now(UTC))
    return [
        CscCredential("pin", PERSON, ec_key, **{"pin": PIN, **changes}),
        CscCredential("rsa", PERSON, rsa_key, **{"pin": PIN, "bound": False, **changes}),
        CscCredential("code", PERSON, ec_key, **{"pin": PIN, "otp": True, **changes}),
        CscCredential("page", PERSON, ec_key, **{"mode": "oauth2code", **changes}),
        CscCredential("device", PERSON, ec_key, **{"mode": "implicit", **changes}),
    ]


def a_provider(
    authority: DevelopmentAuthority,
    clock: Callable[[], datetime],
    *,
    fault: str = "",
    rules: CscRules | None = None,
    **changes: Any,
) -> DevelopmentProvider:
    known: dict[str, Any] = {
        "applications": [CscApplication(CLIENT_ID, CLIENT_SECRET, (REDIRECT,))],
        "people": [CscPerson(PERSON, PASSWORD), CscPerson("e-10", "another-password")],
        "credentials": credentials(authority, **changes),
        "clock": clock,
        "rules": rules,
    }
    if not fault:
        return DevelopmentProvider(**known)
    other = authority.person("e-10", "Zoë Anders", now=datetime.now(UTC))
    return UnsafeFaultyProvider(fault=fault, other=other, **known)


@asynccontextmanager
async def an_office(
    authority: DevelopmentAuthority,
    *,
    fault: str = "",
    at: str = "signatures/signHash",
    pace: CscPace | None = None,
    rules: CscRules | None = None,
    timeout_s: float = 5.0,
    hashes_a_call: int = 100,
    secret: str = CLIENT_SECRET,
    longest_url: int = 8000,
    **changes: Any,
) -> AsyncIterator[Office]:
    """A provider, wrong as `fault` says at one method, and a client; `changes` are of all its keys."""
    clock = Clock()
    provider = a_provider(authority, clock, fault=fault, rules=rules, **changes)
    answers = (
        UnsafeFaultyCsc(provider, fault=fault, at=at, pace=pace) if fault else CscAnswers(provider, pace=pace)
    )
    exchanged: list[Exchanged] = []
    breached: list[str] = []
    app = provider_app(answers)
    app.middlewares.append(_held(exchanged, breached, answers_too=not fault))
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with _served(app) as url, aiohttp.ClientSession(connector=connector) as http:
        service = CscService(
            "provider",
            url + PATH,
            CLIENT_ID,
            Secret(secret),
            hashes_a_call=hashes_a_call,
            longest_url=longest_url,
        )
        slept_s: list[float] = []

        async def sleep(seconds: float) -> None:
            slept_s.append(seconds)
            await asyncio.sleep(0)

        client = CscClient(
            service, http=http, clock=clock, timeout_s=timeout_s, confirm_s=timeout_s, sleep=sleep
        )
        yield Office(client, provider, url, clock, answers, exchanged, slept_s)
    assert not breached


@contextmanager
def provider_beside(authority: DevelopmentAuthority, keys: Mapping[str, Credential]) -> Iterator[CscService]:
    """A provider with these keys by their ids, in a thread of its own: for tests whose loops come and go."""
    kept = [CscCredential(name, PERSON, key, pin=PIN) for name, key in keys.items()]
    provider = DevelopmentProvider(
        applications=[CscApplication(CLIENT_ID, CLIENT_SECRET)],
        people=[CscPerson(PERSON, PASSWORD)],
        credentials=kept,
        clock=Clock(),
    )
    breached: list[str] = []
    app = provider_app(CscAnswers(provider))
    app.middlewares.append(_held([], breached, answers_too=True))
    with _loop_beside() as loop:
        serving = _served(app)
        url = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(30)
        try:
            yield CscService("provider", url + PATH, CLIENT_ID, Secret(CLIENT_SECRET))
        finally:
            asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(30)
    assert breached == []


@contextmanager
def _loop_beside() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, max_line_size=LONGEST_LINE)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _held(exchanged: list[Exchanged], breached: list[str], *, answers_too: bool) -> Any:
    @web.middleware
    async def held(request: web.Request, handler: Handler) -> web.StreamResponse:
        method = request.path.removeprefix(PATH).removeprefix("/")
        if method.startswith("telephone") or (method == "oauth2/authorize" and request.method == "POST"):
            return await handler(request)
        asked = await _asked(request)
        breached.extend(breaches(f"{method}-request", asked))
        one = Exchanged(method, asked)
        exchanged.append(one)
        response = await handler(request)
        one.status = response.status
        if isinstance(response, web.Response) and response.content_type == "application/json" and answers_too:
            one.answer = json.loads(response.text or "")
            part = "error" if response.status >= 400 else f"{method}-response"
            breached.extend(breaches(part, one.answer))
        return response

    return held


async def _asked(request: web.Request) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.query)
    if request.content_type == "application/x-www-form-urlencoded":
        return {key: str(value) for key, value in (await request.post()).items()}
    return dict(json.loads(await request.read()))


async def say_on_page(url: str, decision: str = "yes", *, password: str = PASSWORD) -> dict[str, str]:
    """Look at the provider's page as a person does, answer, and give the query that comes back."""
    async with aiohttp.ClientSession(max_line_size=LONGEST_LINE) as browser:
        async with browser.get(url) as page:
            assert page.status == 200, await page.text()
        form = {"user_id": PERSON, "password": password, "decision": decision}
        async with browser.post(url, data=form, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return dict(aiohttp.client.URL(answer.headers["Location"]).query)


async def authorised(office: Office, wanted: Sequence[bytes], credential_id: str = "pin") -> Any:
    return await office.client.authorise(credential_id, wanted, pin=PIN)
