"""Named points at which a crash test kills the process, to show that nothing is lost or done twice.

PARAAF_KILL_POINT=name kills the process (SIGKILL: no handler, no clean-up) when it passes the point for the
first time, PARAAF_KILL_POINT=name:3 at the third pass. Without the variable a point does nothing.
"""

import os
import signal
from typing import ClassVar

from workflow.errors import WorkflowError

VARIABLE = "PARAAF_KILL_POINT"

POINTS = frozenset(
    {
        "job.taken",  # a job is ours, nothing of it is done
        "job.run",  # its steps are recorded, the job is still there
        "render.begun",
        "render.drawn",  # the bytes exist in memory
        "render.stored",  # the blob is on disk, no row knows it
        "render.recorded",
        "sign.begun",
        "sign.prepared",  # the intent is in memory
        "sign.intended",  # the intent is committed, the key not yet used
        "sign.key-used",  # the value exists in memory
        "sign.value-kept",  # the value is committed
        "sign.finished",  # timestamped and validated, in memory
        "sign.stored",  # the blob is on disk, no row knows it
        "sign.recorded",
        "deliver.begun",
        "deliver.recorded",
    }
)
DESTRUCTION = frozenset(
    {
        "destroy.begun",
        "destroy.written",  # the transaction is not committed
        "destroy.recorded",  # the rows are gone, the blobs are listed and there
        "destroy.blob-removed",  # one blob is gone, and still listed
        "destroy.blobs-removed",
        "destroy.cleaned",  # the database's files are clean, and not said to be
    }
)
"""Passed when requests are destroyed, and not in a step."""
RENEWAL = frozenset(
    {
        "renew.begun",
        "renew.stamped",  # the new file exists in memory
        "renew.stored",  # the blob is on disk, no row knows it
        "renew.written",  # the transaction is not committed
        "renew.recorded",
    }
)
"""Passed when an archive timestamp is renewed, and not in a step."""
REPORT = frozenset(
    {
        "report.begun",  # it is taken, nothing of it is done
        "report.sealed",  # the file exists in memory
        "report.kept",
    }
)
"""Passed when a monthly report is made, and not in a step."""
AUTHORISATION = frozenset(
    {
        "authorise.prepared",  # in memory, or of an earlier try
        "authorise.about-to-sign",  # it is noted that the key is used next
        "authorise.signed",  # the provider has signed, the values are in memory
        "authorise.kept",  # the values are committed
        "authorise.gone-on",  # the command is recorded
    }
)
"""Passed when a person authorises signatures at a provider, and not in a step."""
FOLDER = frozenset({"folder.released"})  # some are released, and the go does not tell so yet
"""Passed when a person signs from their folder, and not in a step."""
EXCHANGE = frozenset(
    {
        "exchange.judged",  # what came back is accepted, or the copy is sealed: in memory
        "exchange.stored",  # the blob is on disk, no row knows it
        "exchange.written",  # the transaction is not committed
        "exchange.recorded",  # nobody has been told yet
    }
)
"""Passed when a file is given out or comes back, and not in a step; the first three when it comes back."""
RESTORATION = frozenset(
    {
        "restore.loaded",  # a server's tables are committed, the office is not begun anew
        "restore.begun-anew",  # it has its new name, which its files and its folder do not have yet
        "restore.named",  # all is done, and not said to be
    }
)
"""Passed when an office is restored into a server's database, and not in a step."""
BEFORE_THE_TABLES = "restore.placed"
"""Passed by such a restore when the files are in their place, and the database holds nothing."""
_ALL = (
    POINTS
    | AUTHORISATION
    | DESTRUCTION
    | EXCHANGE
    | FOLDER
    | RENEWAL
    | REPORT
    | RESTORATION
    | {BEFORE_THE_TABLES}
)


class UnknownKillPoint(WorkflowError):
    """A kill point that is in no list: a test that would test nothing."""

    code: ClassVar[str] = "workflow-kill-point"


class _Fuse:
    """Counts the passes of the armed point."""

    def __init__(self, setting: str) -> None:
        self.name, _, count = setting.partition(":")
        if self.name:
            _known(self.name)
        if count and not (count.isdecimal() and int(count) > 0):
            raise UnknownKillPoint(
                f"{VARIABLE}={setting} has no count that can be reached.", hint="Write name or name:3."
            )
        self.left = int(count or 1)

    def passed(self, name: str) -> bool:
        if name != self.name:
            return False
        self.left -= 1
        return self.left == 0


_fuses: list[_Fuse] = []


def point(name: str) -> None:
    """Pass a named point; the process ends here when the environment says so. Raises UnknownKillPoint."""
    _known(name)
    if not _fuses:
        _fuses.append(_Fuse(os.environ.get(VARIABLE, "")))
    if _fuses[0].passed(name):
        os.kill(os.getpid(), signal.SIGKILL)


def _known(name: str) -> None:
    if name not in _ALL:
        raise UnknownKillPoint(
            f"There is no kill point {name!r}.",
            hint=f"The points are: {', '.join(sorted(_ALL))}.",
        )
