"""A filter is what the query of an address says, and the other way round; when a task is due."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.definition import load_folder
from workflow.due import NEAR, DueTimes, due_times, put_off
from workflow.errors import Refused
from workflow.names import known_names
from workflow.queue_filter import ASSIGNEES, DUES, HOURS_MOST, SORTS, QueueFilter, against

LINE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200).filter(
    lambda text: text.isprintable() and text == text.strip()
)
FILTERS = st.builds(
    QueueFilter,
    **{name: st.none() | LINE for name in ("kind", "variant", "state", "unit", "holder", "text", "after")},
    **{name: st.none() | st.dates() for name in ("offered_after", "offered_before")},
    assignee=st.none() | st.sampled_from(ASSIGNEES),
    due=st.none() | st.sampled_from(DUES),
    due_within=st.none() | st.integers(1, HOURS_MOST),
    suspended=st.none() | st.booleans(),
    sort=st.sampled_from(SORTS),
)
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # nine in the morning in Amsterdam
DEFINITION = load_folder(known_names()).get("employer-declaration", "A3")


@given(FILTERS)
def test_a_filter_comes_back_from_its_address(wanted: QueueFilter) -> None:
    assert QueueFilter.from_query(parse_qs(wanted.as_query())) == wanted


def test_nothing_asked_is_no_query() -> None:
    assert QueueFilter().as_query() == ""
    assert QueueFilter.from_query({"kind": [" "], "page": ["7"]}) == QueueFilter()
    assert QueueFilter(sort="-age").is_open
    assert not QueueFilter(suspended=False).is_open


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("sort", ["name"]),
        ("assignee", ["everybody"]),
        ("due", ["soon"]),
        ("due_within", ["0"]),
        ("due_within", ["1001"]),
        ("due_within", ["-4"]),
        ("due_within", ["٣"]),
        ("due_within", ["9" * 5_000]),
        ("suspended", ["perhaps"]),
        ("offered_after", ["20-11-2026"]),
        ("offered_before", ["2026-02-30"]),
        ("kind", ["a" * 201]),
        ("text", ["a\x00b"]),
        ("state", ["sign", "review"]),
        ("after", ["x" * 1_001]),
    ],
)
def test_what_a_field_can_not_be_is_refused_by_its_name(field: str, values: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        QueueFilter.from_query({field: values})
    assert [reason.field for reason in refused.value.reasons] == [field]


def test_every_wrong_field_is_named_at_once() -> None:
    wrong = {"sort": ["x"], "due": ["x"], "offered_after": ["x"]}
    with pytest.raises(Refused) as refused:
        QueueFilter.from_query(wrong)
    assert {reason.field for reason in refused.value.reasons} == set(wrong)


def test_values_of_other_types_are_refused_too() -> None:
    made = QueueFilter(kind=3, offered_after=MONDAY, due_within=True, suspended="no", sort=None)  # type: ignore[arg-type]
    found = {reason.field for reason in against(made)}
    assert found == {"kind", "offered_after", "due_within", "suspended", "sort"}


def test_near_is_the_last_quarter_of_the_working_time() -> None:
    times = due_times(DEFINITION, "review", MONDAY)  # 16 hours of office time: two days
    assert times == DueTimes(MONDAY + timedelta(days=1, hours=8), MONDAY + timedelta(days=1, hours=4))
    assert NEAR == 4
    assert due_times(DEFINITION, "request", MONDAY) == DueTimes()


@given(
    st.integers(0, 60 * 24 * 20),
    st.lists(st.tuples(st.integers(1, 60 * 24 * 5), st.integers(0, 60 * 24 * 5)), max_size=4),
)
def test_put_off_pause_by_pause_it_is_due_as_by_all_of_them(begin: int, gaps: list[tuple[int, int]]) -> None:
    """The command puts off what the log, played again, works out from the beginning."""
    offered = moment = MONDAY + timedelta(minutes=begin)
    pauses, times = [], due_times(DEFINITION, "review", offered)
    for worked, paused in gaps:
        since = moment + timedelta(minutes=worked)
        moment = since + timedelta(minutes=paused)
        pauses.append((since, moment))
        times = put_off(DEFINITION, times, pauses[-1])
    assert times == due_times(DEFINITION, "review", offered, pauses)


@pytest.mark.parametrize("day", [date(2028, 12, 28), date(2029, 3, 1)])
def test_beyond_the_calendar_nothing_is_due(day: date) -> None:
    offered = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    assert due_times(DEFINITION, "review", offered).due_at is None
    late = due_times(DEFINITION, "review", MONDAY)
    assert put_off(DEFINITION, late, (MONDAY, datetime(2029, 2, 1, tzinfo=UTC))) == DueTimes()
