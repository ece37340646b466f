"""A desk on loopback, served from a thread, for tests that go through its pages."""

import asyncio
import re
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from html import unescape

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select
from starlette.types import ASGIApp

from signing.secret import Secret
from watching.endpoint import listening, serving, url_of
from web.app import Desk
from web.rates import Rate
from workflow.office import Office
from workflow.tables import SessionRow


@contextmanager
def served(office: Office, *, proxies: Sequence[str] = (), port: int = 0) -> Iterator[str]:
    """The address of an office's desk."""
    with served_app(Desk(office).app(), proxies=proxies, port=port) as url:
        yield url


@contextmanager
def served_to_many(office: Office) -> Iterator[str]:
    """The same, where one address may sign in as often as many people do."""
    with pytest.MonkeyPatch.context() as patch, served(office) as url:
        patch.setattr("web.signing_in.TRIES", Rate("sign-in", 1_000, 600.0))
        yield url


@contextmanager
def served_app(app: ASGIApp, *, proxies: Sequence[str] = (), port: int = 0) -> Iterator[str]:
    """The address of an application, served by a loop in a thread."""
    listener, loop, stop = listening("127.0.0.1", port), asyncio.new_event_loop(), asyncio.Event()
    started = threading.Event()

    async def serve() -> None:
        async with serving(listener, app, proxies=proxies):
            started.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:  # which cancels what is left
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(180)
    try:
        yield url_of(listener)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)


PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of what is served here, which is nowhere encrypted: to read the roots that they would trust
takes longer than most of what they ask."""


@contextmanager
def browsing(url: str) -> Iterator[httpx.Client]:
    """A client that follows where it is led, and asks nobody else."""
    with httpx.Client(
        base_url=url, follow_redirects=True, trust_env=False, timeout=60, verify=PLAIN
    ) as client:
        yield client


PASSWORD = "plainly a sample password"
_HIDDEN = re.compile(r'name="csrf" value="([^"]+)"')


def with_password(office: Office, person: str) -> None:
    """Have somebody have the sample password."""
    if not office.passwords.has_one(person):
        office.passwords.set(person, Secret(PASSWORD), by=person)


def words_of(page: httpx.Response) -> str:
    """What a page that was shown says, without its tags."""
    assert page.status_code == 200, page.text[:500]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def csrf_of(page: httpx.Response) -> str:
    """The token that a page's forms carry."""
    found = _HIDDEN.search(page.text)
    assert found is not None, page.text[:2000]
    return found[1]


def signed_in(client: httpx.Client, office: Office, person: str) -> httpx.Response:
    """Sign in as the person would; the page to which that leads."""
    with_password(office, person)
    token = csrf_of(client.get("/sign-in"))
    answer = client.post("/sign-in", data={"csrf": token, "person": person, "password": PASSWORD})
    assert "/sign-in" not in answer.url.path, answer.text
    return answer


def long_ago(office: Office) -> None:
    """Have everybody who has signed in have done so longer ago than counts for showing that it is they."""
    with office.store.write() as session:
        for row in session.scalars(select(SessionRow)):
            row.opened_at -= timedelta(minutes=11)


def browser_signed_in(context: BrowserContext, office: Office, person: str) -> Page:
    """A page of somebody who has signed in, in a browser."""
    with_password(office, person)
    page = context.new_page()
    page.goto("/sign-in?lang=en")
    page.locator("#person").fill(person)
    page.locator("#password").fill(PASSWORD)
    page.locator("#password").press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page
