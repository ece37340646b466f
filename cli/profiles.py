"""Say at the start of a worker under which signing profiles nobody can sign, and why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from cli.printing import printable
from problem import Problem
from workflow import preflight
from workflow.office import Office


@asynccontextmanager
async def profiles_looked_at(office: Office) -> AsyncIterator[None]:
    """Look at all profiles beside what the block does; what is wrong is printed."""
    looking = asyncio.create_task(_look(office))
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


async def _look(office: Office) -> None:
    try:
        unfit = await asyncio.to_thread(preflight.run_at_start, office)
    except Problem as problem:  # a database that is away, say: the worker waits for it, and looks later
        print(f"The signing profiles could not be looked at yet: {printable(str(problem))}", flush=True)
        return
    for one in unfit:
        then = "it is looked at again every ten minutes" if one.passing else "no request can begin with it"
        lines = (printable(f"{each.message} {each.hint}") for each in one.findings if each.state != "ok")
        print(f"Profile {one.profile.name}: nobody can sign; {then}.", *lines, sep="\n    ", flush=True)
