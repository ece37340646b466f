"""Work slices as CSV: a line for each piece of an activity, with its start and its end."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from signing.verify.output import csv_line, csv_lines
from throughput.mining import Trace
from throughput.origins import COLUMN

COLUMNS = (
    *("case_id", "activity", "instance", "kind", "start", "end", "seconds", "working_seconds"),
    *("resource", "channel", "key", "variant", "unit", COLUMN),
)


def slices(found: Iterable[Trace]) -> Iterator[bytes]:
    """The heads, then the lines of a request at a time."""
    yield csv_line(COLUMNS).encode()
    for trace in found:
        yield csv_lines(_rows(trace)).encode()


def _rows(trace: Trace) -> Iterator[tuple[str, ...]]:
    case = trace.case
    for one in sorted(trace.slices, key=lambda piece: piece.begun):
        yield (
            *(str(case.request), one.activity, str(one.instance), one.kind),
            *(_time(one.begun), _time(one.ended), f"{(one.ended - one.begun).total_seconds():.6f}"),
            "" if one.working_s is None else f"{one.working_s:.6f}",
            *(
                one.resource or "",
                one.channel,
                case.key,
                case.variant,
                case.unit or "",
                one.origin,
            ),
        )


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
