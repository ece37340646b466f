"""What is kept of many requests and of their tasks, as columns: no object is made of each, were it a million.

Times are microseconds since 1970 (UTC), exact in a float, and NaN where there is none; lengths are seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Column, Select, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from throughput.scope import Scope
from throughput.spans import Wait
from workflow.tables import TimingCase, TimingTask

Numbers = NDArray[np.float64]
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]
TIMES: Final = ("opened", "requested", "approved", "signed", "delivered", "ended")
ALL_KINDS: Final = tuple(Wait)
AT_ONCE: Final = 20_000
"""Rows in memory as Python's own values."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Words:
    """A column of words, of which there are few different ones: `codes` are places in `names`."""

    names: tuple[str | None, ...]
    codes: Codes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, chosen: Any) -> "Words":
        return Words(self.names, self.codes[chosen])

    def are(self, name: str | None) -> Flags:
        """Where this word stands."""
        return np.asarray(self.codes == (self.names.index(name) if name in self.names else -1))


@dataclass(frozen=True)
class Cases:
    """The requests of a scope, by their numbers, which rise.

    `spent` and `working` are of tasks that are over: by the wall clock, and of it in the office's hours (NaN
    where the calendar does not tell); of the kinds that were asked for.
    """

    request: NDArray[np.int64]
    key: Words
    variant: Words
    unit: Words
    definition: Words
    state: Words
    outcome: Words
    providers: Words  # names in their order, a line each
    opened: Numbers
    requested: Numbers
    approved: Numbers
    signed: Numbers
    delivered: Numbers
    ended: Numbers
    returns: Codes
    contacts: Codes  # tasks that people did
    signatures: Codes
    by_program: Flags
    spent: Mapping[Wait, Numbers]
    working: Mapping[Wait, Numbers]
    system_s: Numbers
    provider_s: Numbers

    def __len__(self) -> int:
        return len(self.request)

    def __getitem__(self, chosen: Any) -> "Cases":
        """Some of them: by flags, or by their places in rising order."""
        return replace(self, **_chosen(self, chosen))

    @property
    def is_open(self) -> Flags:
        """Which have not ended: neither delivered, nor otherwise."""
        return np.isnan(self.delivered) & self.outcome.are(None)

    def lead_s(self, start: str, end: str) -> Numbers:
        """Seconds between two milestones; NaN where one of them is not reached."""
        return np.asarray((getattr(self, end) - getattr(self, start)) / 1e6)


@dataclass(frozen=True)
class Tasks:
    """The tasks of people in such requests: `case` is the place of a task's request among the cases.

    `spent` and `working` hold all but the stretch of an open task that is still running: `running` says what
    that is and `since` when. `so_far` adds it, where all kinds were asked for.
    """

    case: Codes
    state: Words
    offered: Numbers
    ended: Numbers  # NaN while it is open
    since: Numbers
    running: Words
    person: Flags  # a person did it, not a program; of open ones: not yet known to be a program's
    returned: Flags
    spent: Mapping[Wait, Numbers]
    working: Mapping[Wait, Numbers]

    def __len__(self) -> int:
        return len(self.case)

    def __getitem__(self, chosen: Any) -> "Tasks":
        """Some of them, of the same cases."""
        return replace(self, **_chosen(self, chosen))

    @property
    def is_open(self) -> Flags:
        """Which wait for somebody, or are with one."""
        return np.isnan(self.ended)

    def so_far(self, now: datetime) -> Mapping[Wait, Numbers]:
        """Seconds by kind, with what open ones have spent in theirs until now."""
        until_now = np.where(self.is_open, np.maximum(0.0, (microseconds(now) - self.since) / 1e6), 0.0)
        return {kind: spent + until_now * self.running.are(kind.value) for kind, spent in self.spent.items()}


def read_cases(
    session: Session, scope: Scope | None = None, *, kinds: Sequence[Wait] = ALL_KINDS, working: bool = False
) -> Cases:
    """The requests of a scope, or all; of these kinds of time, and `working` time where it is asked for."""
    table = TimingCase.table()
    words = ("key", "variant", "unit", "definition_sha256", "state", "outcome", "providers")
    numbers = ("request_id", "returns", "contacts", "signatures", "by_program")
    query = select(
        *(table.c[name] for name in (*words, *numbers)),
        *(epoch_us(table.c[f"{name}_at"]) for name in TIMES),
        *_spent(table.c, kinds, working=working),
        *(table.c.system_us, table.c.provider_us),
    )
    query = query.where(*(scope or Scope()).conditions).order_by(table.c.request_id)
    lengths = len(kinds) * (2 if working else 1) + 2
    types = [*[str] * len(words), np.int64, *[np.int32] * 3, np.bool_, *[np.float64] * (len(TIMES) + lengths)]
    columns = iter(_columns(session, query, types))
    named = dict(zip((*words, *numbers, *TIMES), columns, strict=False))
    named["definition"], named["request"] = named.pop("definition_sha256"), named.pop("request_id")
    named["spent"] = _by_kind(columns, kinds)
    named["working"] = _by_kind(columns, kinds) if working else {}
    system_s, provider_s = (_seconds(column) for column in columns)
    return Cases(**named, system_s=system_s, provider_s=provider_s)


def read_tasks(
    session: Session,
    cases: Cases,
    scope: Scope | None = None,
    *,
    kinds: Sequence[Wait] = ALL_KINDS,
    working: bool = False,
) -> Tasks:
    """The tasks of cases that were read of the same scope in the same transaction; as there, of these kinds,
    and `working`."""
    table, conditions = TimingTask.table(), (scope or Scope()).conditions
    query = select(
        *(table.c.request_id, table.c.state),
        *(epoch_us(table.c[name]) for name in ("offered_at", "ended_at", "since")),
        *(table.c.kind, table.c.suspended, table.c.channel, table.c.returned),
        *_spent(table.c, kinds, working=working),
    )
    if conditions:
        of = TimingCase.table()
        query = query.join_from(table, of, of.c.request_id == table.c.request_id).where(*conditions)
    types = [
        np.int64,
        str,
        *[np.float64] * 3,
        str,
        np.bool_,
        str,
        np.bool_,
        *[np.float64] * (len(kinds) * (2 if working else 1)),
    ]
    columns = iter(_columns(session, query, types))
    request, state, offered, ended, since, kind, suspended, channel, returned = (
        next(columns) for _ in range(9)
    )
    return Tasks(
        case=np.searchsorted(cases.request, request).astype(np.int32),
        state=state,
        offered=offered,
        ended=ended,
        since=since,
        running=_with(kind, suspended, Wait.SUSPENDED.value),
        person=channel.are("person"),
        returned=returned,
        spent=_by_kind(columns, kinds),
        working=_by_kind(columns, kinds) if working else {},
    )


def until_delivered(cases: Cases, tasks: Tasks) -> tuple[Cases, Tasks]:
    """Without what people did once a request was delivered: a plan runs for a year then."""
    after = tasks.offered >= cases.delivered[tasks.case]
    if not after.any():
        return cases, tasks
    kept = tasks[~after]
    over = ~kept.is_open
    spent: dict[Wait, Numbers] = {
        kind: np.bincount(kept.case[over], length[over], len(cases)).astype(np.float64)
        for kind, length in kept.spent.items()
    }
    return replace(cases, spent=spent), kept


def microseconds(moment: datetime) -> int:
    """A moment as times are in columns."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(us: float) -> datetime:
    """The moment that a time in a column is."""
    return _EPOCH + us * _MICROSECOND


class epoch_us(GenericFunction[int]):  # noqa: N801 (it is called like one of SQL's)
    """Microseconds since 1970 of a time, reckoned by the database: no Python object is made for it."""

    type = BigInteger()
    inherit_cache = True


@compiles(epoch_us, "postgresql")
def _on_a_server(element: epoch_us, compiler: SQLCompiler, **kw: Any) -> str:
    inner = compiler.process(element.clauses, **kw)
    return f"CAST(extract(epoch FROM {inner}) * 1000000 AS BIGINT)"


@compiles(epoch_us, "sqlite")
def _in_a_file(element: epoch_us, compiler: SQLCompiler, **kw: Any) -> str:
    inner = compiler.process(element.clauses, **kw)  # its own parts of a second would be rounded
    whole, part = f"strftime('%s', substr({inner}, 1, 19))", f"substr({inner}, 21, 6)"
    return f"CAST({whole} AS INTEGER) * 1000000 + CAST({part} AS INTEGER)"


def _spent(columns: Any, kinds: Sequence[Wait], *, working: bool) -> Iterator[Column[Any]]:
    units = ("_us", "_working_us") if working else ("_us",)
    return (columns[f"{kind.value}{unit}"] for unit in units for kind in kinds)


def _by_kind(columns: Iterator[Any], kinds: Sequence[Wait]) -> dict[Wait, Numbers]:
    return {kind: _seconds(next(columns)) for kind in kinds}


def _seconds(us: Numbers) -> Numbers:
    us /= 1e6  # in its place: a million requests have many columns
    return us


def _columns(session: Session, query: Select[Any], types: Sequence[Any]) -> list[Any]:
    """What a query finds, column by column: arrays of these types, words where it says str.

    They are made once, as long as the rows are many: who reads sees one moment.
    """
    counted = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    size = session.scalar(counted) or 0
    books: list[dict[str | None, int]] = [{} for _ in types]
    whole = [np.zeros(size, np.int32 if kind is str else kind) for kind in types]
    done = 0
    for rows in session.execute(query.execution_options(yield_per=AT_ONCE)).partitions():
        for column, array, book, kind in zip(zip(*rows, strict=True), whole, books, types, strict=True):
            values = (book.setdefault(word, len(book)) for word in column) if kind is str else column
            array[done : done + len(rows)] = np.array(list(values), dtype=array.dtype)
        done += len(rows)
    return [
        Words(tuple(book), array) if kind is str else array
        for kind, book, array in zip(types, books, whole, strict=True)
    ]


def _with(words: Words, where: Flags, name: str) -> Words:
    """Words with another in the place of some."""
    names = words.names if name in words.names else (*words.names, name)
    return Words(names, np.where(where, names.index(name), words.codes).astype(np.int32))


def _chosen(columns: Cases | Tasks, chosen: Any) -> dict[str, Any]:
    """The same columns of some rows only."""
    picked: dict[str, Any] = {}
    for one in fields(columns):
        column = getattr(columns, one.name)
        if isinstance(column, Mapping):
            picked[one.name] = {name: values[chosen] for name, values in column.items()}
        else:
            picked[one.name] = column[chosen]
    return picked
