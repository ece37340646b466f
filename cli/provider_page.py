"""Ask the owner of a key on the provider's own page, and wait on this machine for the answer."""

import asyncio
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from cli.errors import ChoiceNeeded
from workflow.asking import OnPage

_DONE = "Thank you. Go back to the terminal: it tells what came of it."


async def answer_from_page(asked: OnPage, *, redirect: str, patience_s: float) -> Mapping[str, str]:
    """Print the page's address, and wait for the browser to come back: the query that it brings.

    Raises ChoiceNeeded for an address that is not of this machine, or when nobody came.
    """
    parts = urlsplit(redirect)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "::1") or not parts.port:
        raise ChoiceNeeded(
            "--redirect is no address of this machine.",
            hint="Write it like http://127.0.0.1:8421/authorised.",
        )
    question = asked.question
    answered: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()

    async def take(request: web.Request) -> web.Response:
        if not question.is_answered_by(request.query):  # any page in any browser here can send one
            raise web.HTTPNotFound
        if not answered.done():
            answered.set_result(dict(request.query))
        return web.Response(text=_DONE, headers={"Cache-Control": "no-store"})

    app = web.Application()
    app.router.add_get(parts.path or "/", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, parts.hostname, parts.port).start()
        print(
            f"Open this page, and authorise {len(question.hashes)} there:\n{asked.url}",
            file=sys.stderr,
            flush=True,
        )
        try:
            return await asyncio.wait_for(answered, patience_s)
        except TimeoutError:
            raise ChoiceNeeded(
                f"Nobody came back from the provider's page within {patience_s:g} s.", hint="Begin again."
            ) from None
    except OSError as error:
        raise ChoiceNeeded(
            f"{redirect} can't be listened at: {error.strerror}.", hint="Name another port with --redirect."
        ) from error
    finally:
        await runner.cleanup()
