"""Columns say of every request and task what the log says, in however many steps it was read."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kept_log import kept_of, require_columns
from throughput.figures import microseconds, read_cases, read_tasks
from throughput.scope import Scope
from throughput.spans import cases_of
from throughput.working import work_clock

START = datetime(2026, 3, 26, 7, 0, tzinfo=UTC)  # a Thursday before the clocks change
NOW = START + timedelta(days=60)
KINDS = (
    *("task_claimed", "task_released", "task_started", "request_suspended", "request_resumed"),
    *("request_advanced", "request_returned", "document_signed", "document_delivered", "request_withdrawn"),
)
STATES = ("request", "manager", "review")
WITH_ENDS = {"document_delivered": "done", "request_withdrawn": "withdrawn"}

happenings = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from(KINDS),
        st.integers(0, 10**12),
        st.sampled_from(STATES),
        st.booleans(),
    ),
    max_size=25,
)


def log_of(happened: list[tuple[int, str, int, str, bool]]) -> list[dict[str, Any]]:
    """Records of some requests whose events come in any order that an office might think of."""
    records: list[dict[str, Any]] = []
    states: dict[int, str] = {}
    at = START
    for request, kind, waited_us, to, by_program in happened:
        at += timedelta(microseconds=waited_us)
        record: dict[str, Any] = {"request": request, "type": kind, "channel": "person"}
        if request not in states:
            record |= {"type": "request_submitted", "to": to, "mark": "requested", "task": 1}
        elif kind in WITH_ENDS:
            record |= {"from": states[request], "to": "end", "trigger": "go", "outcome": WITH_ENDS[kind]}
        elif kind in ("request_advanced", "request_returned"):
            record |= {"from": states[request], "to": to, "trigger": "go", "task": 1}
            record["mark"] = "approved" if to == "review" else None
        elif kind == "document_signed":
            record |= {"mark": "signed", "provider": "trial", "provider_us": {"sign": waited_us % 10**6}}
            record |= {"durations_us": {"embed": waited_us % 10**5, "validate": 7}}
        if kind == "document_delivered":
            record["mark"] = "delivered"
        if by_program:
            record["channel"] = "program"
        states[request] = record.get("to", states.get(request, to))
        variant, unit = f"A{request % 2}", None if request == 3 else f"unit {request}"
        head = {"seq": len(records) + 1, "at": at.isoformat(), "key": "declaration", "variant": variant}
        records.append(head | {"unit": unit, "definition": "d1"} | record)
    return records


@settings(max_examples=40)
@given(happenings, st.data())
def test_columns_say_what_the_log_says(
    happened: list[tuple[int, str, int, str, bool]], data: st.DataObject
) -> None:
    records = log_of(happened)
    cuts = data.draw(st.lists(st.integers(0, len(records)), max_size=5))
    clock = work_clock("office-nl")
    with kept_of(records, cuts=cuts, clock_of=lambda _: clock) as session:
        require_columns(session, cases_of(records, lambda _: clock), now=NOW)


def test_a_moment_just_before_a_second_stays_before_it() -> None:
    records = log_of([(1, "task_claimed", 999_999, "manager", False)])
    with kept_of(records) as session:
        assert read_cases(session).opened.tolist() == [microseconds(START) + 999_999]


def test_a_scope_narrows_cases_and_tasks_alike() -> None:
    records = log_of([(n, "task_claimed", 10**9, "manager", False) for n in (1, 2, 3, 1)])
    with kept_of(records) as session:
        cases = read_cases(session, Scope(variant="A1"))
        tasks = read_tasks(session, cases, Scope(variant="A1"))
        assert len(read_cases(session, Scope(key="none"))) == 0
    assert (cases.request.tolist(), tasks.case.tolist()) == ([1, 3], [0, 1])
    assert cases[cases.unit.are("unit 1")].request.tolist() == [1]
