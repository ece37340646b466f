"""Whether an office's past is invented, as its pages and files tell."""

from dataclasses import dataclass, field

from workflow.errors import StoreUnavailable
from workflow.invented import Beginning, Invented, beginning
from workflow.store import Store

SAMPLE = "sample-"


@dataclass
class Past:
    """Asks until the log has begun; from then on it knows."""

    store: Store
    _found: Beginning | None = field(default=None, init=False)

    def __call__(self) -> Invented | None:
        """The invented past, if it is one; None, too, while nobody can be asked."""
        if self._found is None:
            try:
                with self.store.read() as session:
                    self._found = beginning(session)
            except StoreUnavailable:
                return None
        return None if self._found is None else self._found.invented

    def named(self, name: str) -> str:
        """A file's name, which says so where what it tells is invented."""
        return name if self() is None else f"{SAMPLE}{name}"
