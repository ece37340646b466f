"""A go through a folder: whether its process still has it is asked and changed by turns."""

import asyncio
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from workflow import signing_run, signing_runs
from workflow.signing_run import Going, OfBrowser
from workflow.signing_state import SigningRun

RUN = SigningRun("run", "P001", "going", 0, None, 1, 1, ())


class Rows:
    """The row of one go; whoever asks after it is answered late, once it has been changed if it can be."""

    def __init__(self) -> None:
        self.at = 1
        self.asked, self.turned = Event(), Event()

    def hold(self, _number: str, turn: int) -> bool:
        self.asked.set()
        self.turned.wait(0.2)
        return turn == self.at

    def turn(self, _number: str, seen: int, *_stage: str, **_how: Any) -> int | None:
        assert seen == self.at
        self.at += 1
        self.turned.set()
        return self.at


def test_a_turn_made_while_it_is_said_that_it_is_held_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_run, "_BEATS", signing_runs.HELD.total_seconds() * 100)
    rows = Rows()
    going = Going(cast(Any, SimpleNamespace(signing_runs=rows)), RUN, 1, OfBrowser("session", "en", "", ""))

    async def go() -> None:
        async with going._beating():
            await asyncio.to_thread(rows.asked.wait)
            await going._turn("asking")
            rows.asked.clear()
            await asyncio.to_thread(rows.asked.wait)  # the next time it is said

    asyncio.run(go())
    assert going.turn == rows.at == 2
