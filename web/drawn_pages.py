"""Pictures of documents' pages: drawn in a fenced child, a few at once, and the last ones kept in memory."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from typing import Final

from starlette.exceptions import HTTPException

from signing.page_images import PageImage, draw_page

AT_ONCE: Final = 2
PATIENCE_S: Final = 20.0
KEPT: Final = 64
PAGES_MOST: Final = 50
"""So many of a document are shown; who wants more downloads it."""


@dataclass
class DrawnPages:
    """The pictures that were asked for of late, by the digest of their file."""

    _kept: OrderedDict[tuple[str, int], PageImage] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _places: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE))

    def kept(self, sha256: str, number: int) -> PageImage | None:
        """A picture that was drawn before."""
        with self._lock:
            image = self._kept.get((sha256, number))
            if image is not None:
                self._kept.move_to_end((sha256, number))
            return image

    def draw(
        self, sha256: str, number: int, pdf: Callable[[], bytes], *, patience_s: float = PATIENCE_S
    ) -> PageImage:
        """A picture, drawn now where it has to be.

        Raises PageNotDrawnError, what `pdf` raises, and HTTPException 503 when too much is drawn already.
        """
        image = self.kept(sha256, number)
        if image is not None:
            return image
        if not self._places.acquire(timeout=patience_s):
            raise HTTPException(503, headers={"Retry-After": "10"})
        try:
            image = self.kept(sha256, number) or draw_page(pdf(), number)
        finally:
            self._places.release()
        with self._lock:
            self._kept[sha256, number] = image
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return image
