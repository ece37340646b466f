"""Records of a log as the columns that are kept of them, without a database."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from throughput.figures import TIMES, Cases, Tasks, Words, microseconds
from throughput.flows import Flow, flows_of
from throughput.spans import Case, TaskTime, Wait, cases_of


def groups(records: Iterable[dict[str, Any]], *, now: datetime) -> list[Flow]:
    """Read the log and put it side by side."""
    cases = cases_of(records)
    tasks = [(place, task) for place, case in enumerate(cases) for task in case.tasks]
    return flows_of(_cases(cases), _tasks(tasks), now=now)


def _cases(cases: Sequence[Case]) -> Cases:
    moments = {"opened": [case.opened_at for case in cases], "ended": [case.ended_at for case in cases]}
    moments |= {name: [case.milestones.get(name) for case in cases] for name in TIMES[1:-1]}
    return Cases(
        request=np.array([case.request for case in cases]),
        key=_words(case.key for case in cases),
        variant=_words(case.variant for case in cases),
        unit=_words(case.unit for case in cases),
        definition=_words(case.definition for case in cases),
        state=_words("" for _ in cases),
        outcome=_words(case.outcome for case in cases),
        providers=_words("" for _ in cases),
        **{name: _times(values) for name, values in moments.items()},
        returns=np.array([case.returns for case in cases], np.int32),
        contacts=np.array([len(case.tasks) for case in cases], np.int32),
        signatures=np.array([case.documents_signed for case in cases], np.int32),
        by_program=np.array(["program" in case.channels for case in cases]),
        spent={},
        working={},
        system_s=np.zeros(len(cases)),
        provider_s=np.zeros(len(cases)),
    )


def _tasks(held: Sequence[tuple[int, TaskTime]]) -> Tasks:
    tasks = [task for _, task in held]
    return Tasks(
        case=np.array([place for place, _ in held], np.int32),
        state=_words(task.state for task in tasks),
        offered=_times([task.offered_at for task in tasks]),
        ended=_times([task.ended_at for task in tasks]),
        since=_times([task.since for task in tasks]),
        running=_words("suspended" if task.suspended else task.kind.value for task in tasks),
        person=np.array([task.channel == "person" for task in tasks], bool),
        returned=np.array([task.returned for task in tasks], bool),
        spent={kind: np.array([task.spent_us.get(kind, 0) / 1e6 for task in tasks]) for kind in Wait},
        working={},
    )


def _words(found: Iterable[str | None]) -> Words:
    book: dict[str | None, int] = {}
    codes = np.array([book.setdefault(word, len(book)) for word in found], np.int32)
    return Words(tuple(book), codes)


def _times(moments: Sequence[datetime | None]) -> Any:
    return np.array([np.nan if at is None else float(microseconds(at)) for at in moments])
