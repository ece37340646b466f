"""Findings about files that could not be opened, or are too large."""

from signing.verify.findings import Finding
from signing.verify.words import mark

SYSTEM_SAYS = (
    mark("No such file or directory"),
    mark("Permission denied"),
    mark("Operation not permitted"),
    mark("Is a directory"),
    mark("Not a directory"),
    mark("File name too long"),
    mark("Too many levels of symbolic links"),
    mark("Input/output error"),
    mark("Too many open files"),
)
"""Why a file can't be opened, in words of the operating system that are known in every language."""


def too_large(most: int, detail: str = "") -> Finding:
    """A file has more than so many bytes."""
    return Finding(
        "file_too_large", "the file is larger than {mib} MiB", detail, values={"mib": most // 1024 // 1024}
    )


def unopened(code: str, text: str, error: Exception) -> Finding:
    """What could not be opened, with the system's word in the place `why`."""
    return Finding(code, text, values={"why": getattr(error, "strerror", None) or str(error)})
