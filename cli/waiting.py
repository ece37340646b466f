"""Say for what a worker waits that ends when no step is left: a day's limit may have it stand for hours."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final

from cli.beside import beside
from cli.printing import counted, minute, printable
from problem import Problem
from workflow.jobs import Retry
from workflow.office import Office
from workflow.words import process_words

LONG: Final = timedelta(minutes=1)
"""What is tried again sooner is not told."""
LOOKED_EACH_S: Final = 2.0


def waiting_told(office: Office, say: Callable[[str], None]) -> AbstractAsyncContextManager[None]:
    """Say it beside what the block does: once for each reason, and again when its time is over."""
    return beside(_look(office, say))


async def _look(office: Office, say: Callable[[str], None]) -> None:
    told: dict[str, datetime] = {}
    while True:
        now, waiting = await asyncio.to_thread(_waiting, office)
        for code, steps in waiting.items():
            until = min(one.next_at for one in steps)
            if until - now >= LONG and now > told.get(code, now - LONG):
                told[code] = until
                why, what_to_do = process_words("en").trouble(code)
                wait = "waits" if len(steps) == 1 else "wait"
                head = f"{counted(len(steps), 'step')} {wait} until {minute(until)} UTC ({code})"
                say(printable(f"{head}: {why} {what_to_do}".strip()))
        await asyncio.sleep(LOOKED_EACH_S)


def _waiting(office: Office) -> tuple[datetime, dict[str, list[Retry]]]:
    """The time, and what waits to be tried again, by its reason; nothing while the database is away."""
    found: dict[str, list[Retry]] = {}
    try:
        with office.store.read() as session:
            for one in office.jobs.retries(session):
                found.setdefault(one.code, []).append(one)
    except Problem:
        found = {}
    return office.clock(), found
