"""Sums by day and by month of what was read of the log, so that no page reads every request there ever was.

They are brought up in the same step as what is kept of each request (throughput.kept), and say nothing that
the log does not. Days are those of the offices' time zone.

A request leaves when it is delivered, or ends without: what is done later for a plan that runs is no handling
of it, and no part of its way.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from throughput.lengths import bucket, wide_class
from throughput.spans import Case, TaskTime, Wait
from workflow.calendar import ZONE
from workflow.definition_model import DELIVERED
from workflow.tables import TimingGroup, TimingSum

ENDED: Final = ""
"""The state of all that have ended, however that was."""
BACKWARDS: Final = -1
"""The class of what left before it was opened, by its clocks."""
HOURS: Final = 24
PAIRS: Final = (
    ("requested", "approved"),
    ("approved", "signed"),
    ("signed", "delivered"),
    ("requested", "delivered"),
)
_MICROSECOND = timedelta(microseconds=1)


class Figure(StrEnum):
    """What is summed. By month: of the requests that were opened in it."""

    CAME = "came"  # by month: opened
    HOUR = "hour"  # by month: opened in the hour of the bucket, of the week from Monday on
    MOVED = "moved"  # by day: by how many there were more in the state at its end than at its beginning
    ENDED = "ended"  # by month: ended with the outcome in `state`, in the bucket of `Way`
    # by month: left (below), and a program had a part in it; in none of those that follow. The bucket is the
    # wide class of its way
    PROGRAM = "program"
    LEAD = "lead"  # by month: from milestone to milestone, "requested-delivered" in `state`
    GIVEN_UP = "given-up"  # by month: the same, of those that left without reaching the second
    TOUCH = "touch"  # by month: people's hands on a delivered request, the wide class of its way in `state`
    WEEK = "week"  # by week of delivery: from requested to delivered
    IN = "in"  # by week: opened; the microseconds are those since the week began
    OUT = "out"  # by week: left, after having been in hand for so long; the microseconds as above
    QUEUE_SPENT = "queue-spent"  # by month: a person's tasks in the state; a bucket is of no use in these
    DESK_SPENT = "desk-spent"
    TOUCH_SPENT = "touch-spent"
    SUSPENDED_SPENT = "suspended-spent"


SPENT: Final[Mapping[Wait, Figure]] = {
    Wait.QUEUE: Figure.QUEUE_SPENT,
    Wait.DESK: Figure.DESK_SPENT,
    Wait.TOUCH: Figure.TOUCH_SPENT,
    Wait.SUSPENDED: Figure.SUSPENDED_SPENT,
}


class Way(NamedTuple):
    """The wide class of how long a request took from its opening until it left, and whether it went back."""

    length: int
    returned: bool

    @classmethod
    def of(cls, opened: datetime, left: datetime, returns: int) -> "Way":
        """Of a request."""
        return cls(wide_class(_between(opened, left)), returns > 0)

    @classmethod
    def of_bucket(cls, place: int) -> "Way":
        """As it was kept."""
        return cls(place // 2, place % 2 == 1)

    @property
    def bucket(self) -> int:
        """As it is kept."""
        return 2 * self.length + self.returned


class SumGroup(NamedTuple):
    """Requests that are summed together."""

    key: str
    variant: str
    unit: str | None
    definition: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "SumGroup":
        """The group of a request, by its row."""
        return cls(row["key"], row["variant"], row["unit"], row["definition_sha256"])


class _Place(NamedTuple):
    figure: Figure
    day: date
    group: SumGroup
    state: str
    bucket: int


def month_of(moment: datetime) -> date:
    """The first day of the month that it is in the office."""
    return moment.astimezone(ZONE).date().replace(day=1)


def week_of(moment: datetime) -> date:
    """The Monday of the week that it is in the office."""
    day = moment.astimezone(ZONE).date()
    return day - timedelta(days=day.weekday())


def beginning_of(day: date) -> datetime:
    """The first moment of a day in the office."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


@dataclass
class Sums:
    """What a step of reading adds to the sums."""

    n: Counter[_Place] = field(default_factory=Counter)
    us: Counter[_Place] = field(default_factory=Counter)
    ended: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)

    def moved(self, row: Mapping[str, Any], record: Mapping[str, Any]) -> None:
        """Note where an event takes a request; `row` says where it was before: nowhere at first."""
        here, group = datetime.fromisoformat(record["at"]).astimezone(ZONE), SumGroup.of(row)
        if not row["state"]:
            hour = HOURS * here.weekday() + here.hour
            month = here.date().replace(day=1)
            self._add(_Place(Figure.CAME, month, group, "", 0))
            self._add(_Place(Figure.HOUR, month, group, "", hour))
            self._passes(Figure.IN, group, here)
        if record.get("outcome") and row.get("outcome") is None:
            self.ended.add(row["request_id"])
            self._move(here.date(), group, row["state"], ENDED)
        elif record.get("to") not in (None, row["state"]) and row.get("outcome") is None:
            self._move(here.date(), group, row["state"], record["to"])

    def _move(self, day: date, group: SumGroup, before: str, to: str) -> None:
        self.n[_Place(Figure.MOVED, day, group, to, 0)] += 1
        if before:
            self.n[_Place(Figure.MOVED, day, group, before, 0)] -= 1

    def leaves(self, row: Mapping[str, Any], case: Case) -> None:
        """Note a request that an event had delivered, or end without; `row` is as it was before this step."""
        delivered = case.milestones.get(DELIVERED)
        left = delivered or case.ended_at
        if left is None or row.get("delivered_at") or row.get("ended_at") or case.request in self.left:
            return
        self.left.add(case.request)
        group, month = SumGroup.of(row), month_of(case.opened_at)
        if left < case.opened_at:
            self._passes(Figure.OUT, group, case.opened_at, BACKWARDS)
        else:
            self._passes(Figure.OUT, group, left, bucket(_between(case.opened_at, left)))
        length = wide_class(_between(case.opened_at, left))
        if "program" in case.channels:
            self._add(_Place(Figure.PROGRAM, month, group, "", length))
            return
        for start, end in PAIRS:
            if (begun := case.milestones.get(start)) is not None:
                reached = case.milestones.get(end)
                figure = Figure.GIVEN_UP if reached is None else Figure.LEAD
                self._length(
                    _Place(figure, month, group, f"{start}-{end}", 0), _between(begun, reached or left)
                )
        if delivered is None:
            return
        if touched := row["touch_us"] + _touched(case, delivered):
            self._length(_Place(Figure.TOUCH, month, group, str(length), 0), touched)
        if (requested := case.milestones.get("requested")) is not None:
            self._length(
                _Place(Figure.WEEK, week_of(delivered), group, "", 0), _between(requested, delivered)
            )

    def read(self, row: Mapping[str, Any], tasks: Iterable[TaskTime]) -> None:
        """Note a request as its row is now, with those tasks of it that ended in this step."""
        group, month, delivered = SumGroup.of(row), month_of(row["opened_at"]), row["delivered_at"]
        for task in tasks:
            if task.channel == "person" and (delivered is None or task.offered_at < delivered):
                for kind, figure in SPENT.items():
                    place = _Place(figure, month, group, task.state, 0)
                    self._add(place, task.spent_us.get(kind, 0))
        if row["request_id"] in self.ended:
            way = Way.of(row["opened_at"], delivered or row["ended_at"], row["returns"])
            self._add(_Place(Figure.ENDED, month, group, row["outcome"], way.bucket))

    def _passes(self, figure: Figure, group: SumGroup, moment: datetime, length: int = 0) -> None:
        """Note when in its week something came or left."""
        week = week_of(moment)
        self._add(_Place(figure, week, group, "", length), _between(beginning_of(week), moment))

    def _length(self, place: _Place, us: int) -> None:
        self._add(place._replace(bucket=bucket(us)), us)

    def _add(self, place: _Place, us: int = 0) -> None:
        self.n[place] += 1
        self.us[place] += us

    def write(self, session: Session) -> None:
        """Add it to what is kept. One step at a time does so: it holds the row of the state."""
        if not self.n:
            return
        groups = _numbers(session, {place.group for place in self.n})
        rows = [
            {
                "figure": place.figure.value,
                "day": place.day,
                "group_id": groups[place.group],
                "state": place.state,
                "bucket": place.bucket,
                "n": n,
                "sum_us": self.us[place],
            }
            for place, n in self.n.items()
        ]
        add_up(session, TimingSum.table(), rows, ("n", "sum_us"))


def add_up(session: Session, table: Table, rows: Sequence[Mapping[str, Any]], sums: Sequence[str]) -> None:
    """Insert rows, or add these columns of them to what a row with the same key holds."""
    if rows:
        upsert = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        adding = upsert.insert(table)
        more = {name: table.c[name] + adding.excluded[name] for name in sums}
        session.execute(adding.on_conflict_do_update(index_elements=list(table.primary_key), set_=more), rows)


def _between(start: datetime, end: datetime) -> int:
    return max(0, (end - start) // _MICROSECOND)


def _touched(case: Case, delivered: datetime) -> int:
    """What hands took of it in this step; a task that was offered once it was delivered is none of it."""
    return sum(
        task.spent_us.get(Wait.TOUCH, 0)
        for task in case.tasks
        if task.ended_at is not None and task.offered_at < delivered
    )


def _numbers(session: Session, wanted: set[SumGroup]) -> dict[SumGroup, int]:
    """The numbers of groups; those that there are not yet are made."""
    table = TimingGroup.table()
    columns = (table.c.id, table.c.key, table.c.variant, table.c.unit, table.c.definition_sha256)
    known = {SumGroup(*rest): number for number, *rest in session.execute(select(*columns))}
    first = max(known.values(), default=0) + 1
    new = {group: first + n for n, group in enumerate(sorted(wanted - known.keys(), key=repr))}
    if new:
        session.execute(
            insert(table),
            [
                {
                    "id": number,
                    "key": group.key,
                    "variant": group.variant,
                    "unit": group.unit,
                    "definition_sha256": group.definition,
                }
                for group, number in new.items()
            ],
        )
    return known | new
