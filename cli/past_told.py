"""How commands tell people that a past is invented."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.printing import minute

if TYPE_CHECKING:
    from workflow.invented import Invented  # with the database, which help and wrong calls need not wait for


def invented_said(past: "Invented | None") -> Iterator[str]:
    """A sentence, for a sample office that has such a past."""
    if past is not None:
        yield (
            f"Sample data: what happened before {minute(past.until)} UTC was invented by a program, and"
            " tells of nobody's work."
        )


def warn_of_invented(past: "Invented | None") -> None:
    """The same on standard error: for what another program reads, line by line."""
    for said in invented_said(past):
        print(f"paraaf: {said}", file=sys.stderr)
