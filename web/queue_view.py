"""A view of a queue, as it stands in the address: what is looked for, in which order, which page of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import parse_qs, urlencode

from workflow.queue_filter import SORTS, QueueFilter, turned

SIZES: Final = (50, 200, 500)


@dataclass(frozen=True)
class QueueView:
    """`before` is where the page after it begins: for who goes back. `size`: how many a page has."""

    wanted: QueueFilter
    before: str | None = None
    size: int = SIZES[0]

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> Self:
        """Read it from the query of an address. Raises Refused with every field that can't be read."""
        wanted = QueueFilter.from_query(query)
        before = next((one for one in query.get("before", ()) if one), None)
        if before is not None:
            wanted = replace(wanted, after=None)
            QueueFilter.from_query({"after": [before]})  # is a line of text
        size = next(iter(query.get("size", ())), "")
        return cls(wanted, before, int(size) if size in map(str, SIZES) else SIZES[0])

    @classmethod
    def from_text(cls, query: str) -> Self:
        """Read it from the query of an address, as text. Raises Refused."""
        return cls.from_query(parse_qs(query[:4_000]))

    def as_query(self, **more: str) -> str:
        """The query of its address, and more."""
        own = {} if self.before is None else {"before": self.before}
        size = {} if self.size == SIZES[0] else {"size": str(self.size)}
        return urlencode({**self.wanted.as_fields(), **own, **size, **more})

    def address(self, *, path: str = "/queue", **more: str) -> str:
        """Its address, and more."""
        query = self.as_query(**more)
        return f"{path}?{query}" if query else path

    def first(self) -> Self:
        """Its first page."""
        return replace(self, wanted=replace(self.wanted, after=None), before=None)

    def following(self, after: str) -> Self:
        """The page that begins after a place."""
        return replace(self, wanted=replace(self.wanted, after=after), before=None)

    def preceding(self, before: str) -> Self:
        """The page that ends before a place."""
        return replace(self, wanted=replace(self.wanted, after=None), before=before)

    def sorted(self, order: str) -> Self:
        """Its first page in this order; the other way round, where it has this order."""
        other = turned(self.wanted.sort) if self.wanted.order == order else order
        sort = next(one for one in SORTS if one == other)
        return replace(self.first(), wanted=replace(self.wanted, sort=sort, after=None))

    @property
    def asked(self) -> QueueFilter:
        """What the office is asked: for who goes back, in the other direction."""
        if self.before is None:
            return self.wanted
        return replace(self.wanted, sort=turned(self.wanted.sort), after=self.before)
