"""Destroys what is due, in processes that are killed: `python -m tests.retention_runner DAYS FOLDER URL …`.

A folder's name is the point at which the process that works on it, and on the database of the URL, is killed.
Its clock is so many days ahead, and believed. Prints the number of the signal that ended each.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

from workflow.faults import VARIABLE
from workflow.office import Office, utc_now
from workflow.store import VARIABLE as DATABASE


def main() -> None:
    """Run once in each folder; the modules are imported once for all."""
    ahead = timedelta(days=int(sys.argv[1]))
    for folder, url in zip(map(Path, sys.argv[2::2]), sys.argv[3::2], strict=True):
        process = os.fork()
        if process == 0:
            os.environ[VARIABLE] = folder.name
            office = Office.open(folder, clock=lambda: utc_now() + ahead, environ={DATABASE: url})
            office.retention.run(clock_is_right=True)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)


if __name__ == "__main__":
    main()
