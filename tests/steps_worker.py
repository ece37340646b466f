"""A worker for crash tests: `python -m tests.steps_worker FOLDER`; impatient, ends when nothing is left."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.steps_office import QUICK, STOP_VARIABLE
from workflow import faults, step_sign
from workflow.office import Office


def stop_at(name: str) -> None:
    """Have this process stop, as by SIGSTOP from outside, when it first passes a point of signing."""
    left = [name]

    def point(passed: str) -> None:
        faults.point(passed)
        if passed in left:
            left.remove(passed)
            os.kill(os.getpid(), signal.SIGSTOP)

    step_sign.point = point  # type: ignore[attr-defined]


def main() -> None:
    stop_at(os.environ.get(STOP_VARIABLE, ""))
    office = Office.open(Path(sys.argv[1]), patience=QUICK)
    try:
        asyncio.run(office.work(until_idle=True))
    finally:
        office.close()


if __name__ == "__main__":
    main()
