"""A worker for crash tests: `python -m tests.steps_worker FOLDER`; impatient, ends when nothing is left."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from tests.steps_office import FOREVER_VARIABLE, QUICK, STOP_VARIABLE
from workflow import faults, step_sign
from workflow.office import Office
from workflow.store import FILE, VARIABLE


def stop_at(name: str) -> None:
    """Have this process stop, as by SIGSTOP from outside, when it first passes a point of signing."""
    left = [name]

    def point(passed: str) -> None:
        faults.point(passed)
        if passed in left:
            left.remove(passed)
            _wait_for_own_threads()
            os.kill(os.getpid(), signal.SIGSTOP)

    step_sign.point = point  # type: ignore[attr-defined]


def _wait_for_own_threads() -> None:
    """Stop while no other thread here writes: SQLite has no server to take the lock from who is stopped."""
    file = Path(sys.argv[1]) / FILE
    if file.exists():
        with closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")


def main() -> None:
    stop_at(os.environ.get(STOP_VARIABLE, ""))
    office = Office.open(Path(sys.argv[1]), patience=QUICK)
    try:
        asyncio.run(office.work(until_idle=FOREVER_VARIABLE not in os.environ))
    finally:
        office.close()


class _Counting:
    """A fuse that counts passages over several processes, and blows at some of them."""

    def __init__(self, passed: "Synchronized[int]", kills: Sequence[int]) -> None:
        self._passed = passed
        self._kills = kills

    def passed(self, _name: str) -> bool:
        with self._passed.get_lock():
            self._passed.value += 1
            return self._passed.value in self._kills


def work_with_fuse(folder: Path, url: str, passed: "Synchronized[int]", kills: Sequence[int]) -> None:
    """Be a worker until idle, or killed at one of these passages, counted over all that share `passed`."""
    faults._fuses[:] = [_Counting(passed, kills)]  # type: ignore[list-item]
    _work_until_idle(folder, url)


def work_to_point(folder: Path, url: str, kill_point: str) -> None:
    """Be a worker until idle, or killed at a point, written as in PARAAF_KILL_POINT."""
    faults._fuses[:] = [faults._Fuse(kill_point)]
    _work_until_idle(folder, url)


def _work_until_idle(folder: Path, url: str) -> None:
    office = Office.open(folder, environ={VARIABLE: url}, patience=QUICK)
    try:
        asyncio.run(office.work(until_idle=True))
    finally:
        office.close()


if __name__ == "__main__":
    main()
