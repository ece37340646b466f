"""The development authority's server in a thread of this process, by a clock that this process sets."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from aiohttp import web

from certs.authority import DevelopmentAuthority
from certs.authority_http import Answers, authority_app
from certs.errors import AuthorityServerError
from certs.loopback import split_base_url


@contextmanager
def answering(folder: Path, clock: Callable[[], datetime]) -> Iterator[None]:
    """Serve the folder's authority at the address in its certificates for as long as the block runs.

    Raises AuthorityServerError when that address is taken.
    """
    authority = DevelopmentAuthority.open(folder)
    up: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        at = split_base_url(authority.base_url)
        runner = web.AppRunner(authority_app(Answers(authority, clock=clock)), shutdown_timeout=0.01)
        await runner.setup()
        try:
            await web.TCPSite(runner, at.hostname, at.port).start()
            enough = asyncio.Event()
            up.set_result((asyncio.get_running_loop(), enough))
            await enough.wait()
        except OSError as error:
            up.set_exception(_taken(authority, error))
        finally:
            await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="authority", daemon=True)
    thread.start()
    loop, enough = up.result()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(enough.set)
        thread.join()


def _taken(authority: DevelopmentAuthority, error: OSError) -> AuthorityServerError:
    return AuthorityServerError(
        f"The development authority cannot listen on {authority.base_url}: {error.strerror or error}.",
        hint="The address stands in its certificates: end the program that holds the port, and start again.",
    )
