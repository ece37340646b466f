"""A desk on loopback, served from a thread, for tests that go through its pages."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
from starlette.types import ASGIApp

from watching.endpoint import listening, serving, url_of
from web.app import Desk
from workflow.office import Office


@contextmanager
def served(office: Office, *, proxies: Sequence[str] = ()) -> Iterator[str]:
    """The address of an office's desk."""
    with served_app(Desk(office).app(), proxies=proxies) as url:
        yield url


@contextmanager
def served_app(app: ASGIApp, *, proxies: Sequence[str] = ()) -> Iterator[str]:
    """The address of an application, served by a loop in a thread."""
    listener, loop, stop = listening("127.0.0.1", 0), asyncio.new_event_loop(), asyncio.Event()
    started = threading.Event()

    async def serve() -> None:
        async with serving(listener, app, proxies=proxies):
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    try:
        yield url_of(listener)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


@contextmanager
def browsing(url: str) -> Iterator[httpx.Client]:
    """A client that follows where it is led, and asks nobody else."""
    with httpx.Client(base_url=url, follow_redirects=True, trust_env=False, timeout=60) as client:
        yield client
