"""How many pages somebody follows at once: each holds a connection, and asks the database again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 5
"""Of one person in one process. Browsers open six connections to an office without HTTP/2: one is left."""


@dataclass(eq=False)
class Followed:
    """One page that is followed; `crowded_out` where the same person has begun to follow too many since."""

    crowded_out: bool = False


@dataclass
class Streams:
    """What is followed from this process; used in its loop alone."""

    _open: dict[str, list[Followed]] = field(default_factory=dict)

    @contextmanager
    def following(self, person: str) -> Iterator[Followed]:
        """Follow one more; the oldest is ended where there are too many."""
        mine, theirs = Followed(), self._open.setdefault(person, [])
        theirs.append(mine)
        for one in theirs[:-MOST]:
            one.crowded_out = True
        try:
            yield mine
        finally:
            theirs.remove(mine)
            if not theirs:
                self._open.pop(person, None)
