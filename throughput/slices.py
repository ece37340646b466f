"""Work slices as CSV: a line for each piece of an activity, with its start and its end."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from throughput.mining import Trace

COLUMNS = (
    *("case_id", "activity", "instance", "kind", "start", "end", "seconds", "working_seconds"),
    *("resource", "channel", "key", "variant", "unit"),
)
_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def slices(found: Iterable[Trace]) -> Iterator[bytes]:
    """The heads, then the lines of a request at a time."""
    yield _lines([COLUMNS])
    for trace in found:
        yield _lines(_rows(trace))


def _rows(trace: Trace) -> Iterator[tuple[str, ...]]:
    case = trace.case
    for one in sorted(trace.slices, key=lambda piece: piece.begun):
        yield (
            *(str(case.request), _plain(one.activity), str(one.instance), one.kind),
            *(_time(one.begun), _time(one.ended), f"{(one.ended - one.begun).total_seconds():.6f}"),
            "" if one.working_s is None else f"{one.working_s:.6f}",
            *(
                one.resource or "",
                one.channel,
                _plain(case.key),
                _plain(case.variant),
                _plain(case.unit or ""),
            ),
        )


def _lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _plain(text: str) -> str:
    """Text that no spreadsheet reckons with: a quote goes before what would begin a formula."""
    return f"'{text}" if text.startswith(_RISKY) else text


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
