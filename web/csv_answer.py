"""Lists as CSV, sent as they are read: what a spreadsheet would take for a formula, it shows as text."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Final

from starlette.responses import StreamingResponse

from signing.verify.output import csv_line
from web.rates import Rate
from web.request_documents import disposition

LISTS: Final = Rate("lists", 12, 600.0)
"""One may be of everything."""
Cell = str | int | datetime | None
_MARK = "\ufeff"
"""By which spreadsheets know UTF-8."""


def csv_answer(name: str, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> StreamingResponse:
    """The rows under their head, to be kept as a file of this name. What is refused is raised here."""
    more = iter(rows)
    first = list(islice(more, 1))
    return StreamingResponse(
        _lines(head, chain(first, more)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": disposition(name), "Cache-Control": "private, no-store"},
    )


def _lines(head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    yield (_MARK + csv_line([_text(cell) for cell in head])).encode()
    for row in rows:
        yield csv_line([_text(cell) for cell in row], numbers=True).encode()


def _text(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    return "" if cell is None else str(cell)
