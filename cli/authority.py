"""The development authority, served for as long as a process that needs it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from certs.errors import AuthorityServerError
from certs.serve_authority import AuthorityServer
from cli.printing import printable

CHECK_S = 2.0


@asynccontextmanager
async def authority_kept(server: AuthorityServer) -> AsyncIterator[None]:
    """Have the authority served again when nobody serves it any more, for as long as the block runs.

    Whoever served it may have been another process: it ends with that one.
    """
    keeping = asyncio.ensure_future(_keep(server))
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _keep(server: AuthorityServer) -> None:
    """In threads: the event loop shows a worker's life meanwhile. What stands in the way is told once."""
    said = ""
    while True:
        await asyncio.sleep(CHECK_S)
        if await asyncio.to_thread(lambda: server.answers):
            continue
        try:
            await asyncio.to_thread(_again, server)
        except AuthorityServerError as problem:
            if str(problem) != said:
                print(printable(str(problem)), flush=True)
            said = str(problem)
        else:
            print("The development authority ended; it is started again.", flush=True)
            said = ""


def _again(server: AuthorityServer) -> None:
    server.stop()
    server.start()
