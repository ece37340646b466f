"""Say at the start of a worker under which signing profiles nobody can sign, and why."""

import asyncio
from contextlib import AbstractAsyncContextManager

from cli.beside import beside
from cli.printing import printable
from problem import Problem
from workflow import preflight
from workflow.office import Office


def profiles_looked_at(office: Office) -> AbstractAsyncContextManager[None]:
    """Look at all profiles beside what the block does; what is wrong is printed."""
    return beside(_look(office))


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
