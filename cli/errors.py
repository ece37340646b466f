"""What can go wrong at the command line itself."""

import errno
from typing import ClassVar

from problem import Problem

_OF_A_DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}
)


class CommandError(Problem):
    """Base of the errors of this package."""

    code: ClassVar[str] = "command"
    status: ClassVar[int] = 1
    """What the command ends with."""


class NoOffice(CommandError):
    """The data folder holds no office yet."""

    code: ClassVar[str] = "command-no-office"


class InputUnreadable(CommandError):
    """A file given on the command line can't be read, or isn't what it should be."""

    code: ClassVar[str] = "command-input"


class EvidenceUnreadable(InputUnreadable):
    """A log can't be judged: a file given with it, or itself, can't be read, or isn't what it should be."""

    code: ClassVar[str] = "command-evidence"
    status: ClassVar[int] = 2


class RegisterUnasked(CommandError):
    """The data folder holds an office, and its register of what was issued can't be asked."""

    code: ClassVar[str] = "command-register"
    status: ClassVar[int] = 2


class OutputRefused(CommandError):
    """A file can't be written, or is there already."""

    code: ClassVar[str] = "command-output"


class DiskRefused(CommandError):
    """The system does not let a file be read or written: no room, no rights, or a disk that fails."""

    code: ClassVar[str] = "command-disk"

    @classmethod
    def of(cls, error: OSError) -> "DiskRefused":
        """What the system said, and of which file, as far as it says."""
        why = error.strerror or type(error).__name__
        told = why if error.filename is None else f"{error.filename}: {why}"
        room = error.filename is not None or error.errno in _OF_A_DISK
        hint = "See that there is room, and who may write there." if room else "See what it can't reach."
        return cls(f"The system refuses it: {told}.", hint=hint)


class ChoiceNeeded(CommandError):
    """Something has to be said that can't be guessed."""

    code: ClassVar[str] = "command-choice"
