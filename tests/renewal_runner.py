"""Renews what is due, in processes that are killed: `python -m tests.renewal_runner FOLDER URL POINT …`.

Each point is one at which a process is killed, all on the same office, one after the other; the modules are
imported once for all. Prints the number of the signal that ended each.
"""

import os
import sys
from pathlib import Path

from workflow.faults import VARIABLE
from workflow.office import Office
from workflow.store import VARIABLE as DATABASE


def main() -> None:
    """Run once for each point."""
    for point in sys.argv[3:]:
        process = os.fork()
        if process == 0:
            os.environ[VARIABLE] = point
            office = Office.open(Path(sys.argv[1]), environ={DATABASE: sys.argv[2]})
            office.renewals.run()
            os._exit(0)
        _, status = os.waitpid(process, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)


if __name__ == "__main__":
    main()
