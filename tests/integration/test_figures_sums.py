"""The sums of times by day and by month say what the whole log says, in whatever steps it was read."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from tests.databases import Database
from tests.steps_office import Sample
from tests.timed_office import FAST, SLOW, Past
from throughput.events import records_since
from throughput.figures import read_cases
from throughput.kept import Keeper
from throughput.kept_days import Figure, beginning_of, month_of, week_of
from throughput.lengths import bucket
from throughput.little_weeks import little_weeks
from throughput.overview import Overview
from throughput.scope import Scope
from throughput.spans import Case, Wait, cases_of
from throughput.steps import read_steps
from throughput.told import told
from throughput.whole import Given, read_panels
from workflow.calendar import ZONE
from workflow.tables import TimingGroup, TimingStep, TimingSum

KEY = "employer-declaration"


@pytest.fixture
def sample(tmp_path: Path, database: Database) -> Iterator[Sample]:
    made = Sample.open(tmp_path, database.environ)
    past = Past(made.office, "P022")
    past.happen(150)
    past.write()
    yield made
    made.office.close()


def read_in_steps(sample: Sample, at_once: int) -> Counter[tuple[object, ...]]:
    """Read the log so, and give all sums, their groups by what they are."""
    Keeper(sample.office.store, at_once=at_once).catch_up()
    table, groups = TimingSum.table(), TimingGroup.table()
    columns = (groups.c.variant, groups.c.unit, table.c.figure, table.c.day, table.c.state, table.c.bucket)
    query = select(*columns, table.c.n, table.c.sum_us).join(groups, groups.c.id == table.c.group_id)
    found: Counter[tuple[object, ...]] = Counter()
    with sample.office.store.read() as session:
        for *place, n, us in session.execute(query):
            found[(*place, "n")] += n
            found[(*place, "us")] += us
    return Counter({place: count for place, count in found.items() if count})


def of_log(sample: Sample) -> list[Case]:
    with sample.office.store.read() as session:
        return cases_of(records_since(session))


def test_they_are_the_same_in_any_steps(sample: Sample) -> None:
    whole = read_in_steps(sample, 100_000)
    with sample.office.store.write() as session:
        Keeper(sample.office.store)
        session.connection().exec_driver_sql("UPDATE timing_state SET rules = 0")
    assert read_in_steps(sample, 7) == whole


def test_an_overview_tells_what_the_log_tells(sample: Sample) -> None:
    read_in_steps(sample, 500)
    cases, now = of_log(sample), sample.office.clock()
    with sample.office.store.read() as session:
        overview = Overview(session, Scope(key=KEY), now)
        groups = {one.label: one for one in overview.compared("variant")}
        flow, load, spent = overview.flow(), overview.load(), overview.spent()
        months = overview.compared("month")
        in_hand = overview.in_hand
    assert set(groups) == {SLOW, FAST}
    for variant, group in groups.items():
        own = [case for case in cases if case.variant == variant]
        assert group.came == len(own)
        assert group.ended == Counter(case.outcome for case in own if case.outcome)
        assert group.open == sum(case.outcome is None for case in own)
        leads = [lead for case in own if (lead := case.lead_s("requested", "delivered")) is not None]
        assert group.lead_ended == Counter(bucket(round(lead * 1e6)) for lead in leads)
        assert len(group.lead) == len(own)
        assert group.returned == sum(case.returns > 0 for case in own if case.outcome == "done")
        hands = [sum(s.seconds for s in case.spans if s.kind is Wait.TOUCH) for case in own]
        assert group.touch.taken.sum() == pytest.approx(
            sum(s for s, case in zip(hands, own, strict=True) if case.outcome == "done"), rel=0.01
        )
    assert sum(map(sum, load)) == len(cases)
    first = min(case.opened_at for case in cases).astimezone(ZONE)
    assert load[first.weekday()][first.hour]
    assert sum(one.came for one in months) == len(cases)
    assert {state: counts[-1] for state, counts in flow.states.items() if counts[-1]} == Counter(
        one.state for one in in_hand
    )
    assert flow.ended[-1] == sum(case.outcome is not None for case in cases)
    assert flow.days[-1] == now.astimezone(ZONE).date()
    for one in spent:
        spans = [s for case in cases for s in case.spans if s.state == one.state]
        for kind, mean in one.seconds.items():
            assert mean * one.n == pytest.approx(sum(s.seconds for s in spans if s.kind is kind), abs=1)


def test_each_day_of_the_flow_is_what_the_log_says_of_it(sample: Sample) -> None:
    read_in_steps(sample, 500)
    with sample.office.store.read() as session:
        flow = Overview(session, Scope(key=KEY), sample.office.clock()).flow()
        records = list(records_since(session))
    for place in (0, len(flow.days) // 2, len(flow.days) - 1):
        day, states, ended = flow.days[place], dict[int, str](), 0
        for record in records:
            at = datetime.fromisoformat(record["at"]).astimezone(ZONE).date()
            if at <= day and "to" in record:
                states[record["request"]] = "" if record.get("outcome") else record["to"]
                ended += bool(record.get("outcome"))
        counts = Counter(state for state in states.values() if state)
        assert {name: rows[place] for name, rows in flow.states.items() if rows[place]} == counts
        assert flow.ended[place] == ended


def test_some_months_alone_can_be_told_of(sample: Sample) -> None:
    read_in_steps(sample, 500)
    cases = of_log(sample)
    opened = Counter(month_of(case.opened_at) for case in cases)
    first, *_, last = sorted(opened)[1:-1]
    for months in ((), (first,), (first, last)):
        scope = Scope(key=KEY, months=months)
        with sample.office.store.read() as session:
            overview = Overview(session, scope, sample.office.clock())
            found = {one.label: len(one.lead) for one in overview.compared("month")}
            read = len(read_cases(session, scope))
        assert found == {f"{month:%Y-%m}": opened[month] for month in months}
        assert read == sum(found.values())


@pytest.mark.parametrize("months", [2, None])
def test_what_should_be_in_hand_is_reckoned_by_the_weeks(sample: Sample, months: int | None) -> None:
    """Up to the last whole week, of all that was in hand then, whenever it was asked for.

    Without a period from when the first requests of all had time to leave.
    """
    read_in_steps(sample, 500)
    cases, now = of_log(sample), sample.office.clock()
    since, before = None, None
    if months is not None:
        since = beginning_of((month_of(now) - timedelta(days=30 * months)).replace(day=1)).astimezone(ZONE)
        before = beginning_of(month_of(now)).astimezone(ZONE)
    with sample.office.store.read() as session:
        overview = Overview(session, Scope(key=KEY, since=since, before=before), now)
        found = {one.variant: one for one in little_weeks(overview, "variant")}
        [whole] = little_weeks(overview, "month")
    last = week_of(before or now)
    end = beginning_of(last)
    for variant, one in {**found, "": whole}.items():
        own = [case for case in cases if variant in ("", case.variant)]
        begin = beginning_of(last - timedelta(days=round(one.days)))
        if since is not None:
            assert begin == beginning_of((since + timedelta(days=-since.weekday() % 7)).date())
        ends = [(case, case.milestones.get("delivered") or case.ended_at or now) for case in own]
        assert any(left < begin for _, left in ends)
        there = sum(
            max(0.0, (min(left, end) - max(case.opened_at, begin)).total_seconds()) for case, left in ends
        )
        took = [(left - case.opened_at).total_seconds() for case, left in ends if begin <= left < end]
        length = (end - begin).total_seconds()
        assert one.days == length / 86_400
        assert one.ended == len(took)
        assert one.arrived == sum(begin <= case.opened_at < end for case in own)
        assert one.in_hand == pytest.approx(there / length)
        assert one.rate_times_lead == pytest.approx(sum(took) / length, rel=0.01)
    assert set(found) == {SLOW, FAST}


def test_reports_check_the_log_by_the_same_weeks_as_pages(sample: Sample) -> None:
    """Else one says that the log can't be right, and the other that it can."""
    read_in_steps(sample, 500)
    with sample.office.store.read() as session:
        overview = Overview(session, Scope(key=KEY), sample.office.clock())
        by_sums = little_weeks(overview, "variant")
        by_each = read_panels(session, Scope(key=KEY), Given(), now=sample.office.clock()).little
    for one, other in zip(by_sums, sorted(by_each, key=lambda one: one.variant), strict=True):
        assert one.told
        for figure in ("variant", "days", "arrived", "ended", "causes", "overdue"):
            assert getattr(one, figure) == getattr(other, figure)
        for figure in ("in_hand", "rate_times_lead", "tolerance"):
            assert getattr(one, figure) == pytest.approx(getattr(other, figure), rel=0.02)


def test_what_came_as_the_office_s_week_began_is_no_wrong_clock(sample: Sample) -> None:
    """On a Monday soon after midnight in the office it is Sunday still by UTC."""
    read_in_steps(sample, 500)
    table, monday = TimingSum.table(), week_of(sample.office.clock() + timedelta(weeks=1))
    now = beginning_of(monday) + timedelta(minutes=30)
    assert now.date() < monday
    with sample.office.store.write() as session:
        came = {"figure": Figure.IN, "day": monday, "state": "", "bucket": 0, "n": 1, "sum_us": 600_000_000}
        session.execute(
            insert(table).values(group_id=select(func.min(table.c.group_id)).scalar_subquery(), **came)
        )
    with sample.office.store.read() as session:
        for at, wrong in ((now, 0), (now - timedelta(hours=1), 1)):
            [whole] = little_weeks(Overview(session, Scope(key=KEY), at), "month")
            assert whole.wrong_clocks == wrong


def test_page_and_command_reckon_with_the_same_weeks(sample: Sample) -> None:
    """Those of the period, or since the first request of all; one way of signing may have come later."""
    late = Past(sample.office, "P022", seed=8)
    late.happen(20, days=20, variants=("A4",))
    late.write()
    read_in_steps(sample, 500)
    now = sample.office.clock()
    month = now.astimezone(ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = (month - timedelta(days=40)).replace(day=1)
    for scope in (
        Scope(key=KEY),
        Scope(key=KEY, since=before),
        Scope(key=KEY, since=before, before=month),
        Scope(key=KEY, since=before - timedelta(days=1000)),
    ):
        page = told(sample.office.store, scope, "variant", now)
        with sample.office.store.read() as session:
            command = read_panels(session, scope, Given(), now=now)
        assert command is not None
        said = {one.variant: one.per_week for one in command.capacity}
        assert said == pytest.approx({one.label: one.came / page.weeks_of(one) for one in page.groups})
        assert len(said) > 1


def test_the_machine_s_medians_are_those_of_the_comparison(sample: Sample) -> None:
    read_in_steps(sample, 500)
    for variant in (SLOW, FAST):
        scope = Scope(key=KEY, variant=variant)
        with sample.office.store.read() as session:
            steps = {
                (one.part, one.step): one for one in Overview(session, scope, sample.office.clock()).machine()
            }
            compared = read_steps(session, scope)[KEY, variant]
        assert {step: (one.n, one.median_ms) for step, one in steps.items()} == {
            step: (one.n, one.median) for step, one in compared.items()
        }


def test_of_two_lengths_the_median_is_between_them(sample: Sample) -> None:
    place = {
        "day": sample.office.clock().date(),
        "key": "k",
        "variant": SLOW,
        "part": "system",
        "step": "seal",
    }
    with sample.office.store.write() as session:
        session.execute(
            insert(TimingStep.table()),
            [{**place, "bucket": bucket(us), "n": 1, "sum_us": us} for us in (1_000, 3_000)],
        )
    with sample.office.store.read() as session:
        [step] = Overview(session, Scope(key="k"), sample.office.clock()).machine()
    assert step.median_ms == pytest.approx(2, rel=0.01)
