"""What is kept of the timings is what the whole log says, however it was read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.databases import Database
from tests.integration.engine_office import Office
from tests.kept_log import require_columns
from throughput.compare import Comparison
from throughput.errors import TimingsOfNewer
from throughput.events import records_since
from throughput.grouped import WAYS
from throughput.kept import MILESTONES, RULES, Keeper, behind, chore
from throughput.scope import Scope
from throughput.spans import Case, Wait, cases_of
from throughput.working import work_clock
from workflow.tables import TimingCase, TimingState, TimingStep, TimingTask

FAR = 10**6


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    made = Office.open(tmp_path, database.environ)
    yield made
    made.store.close()


def kept(office: Office) -> dict[str, list[dict[str, Any]]]:
    """All rows, in the order of their keys."""
    with office.store.read() as session:
        return {
            row.__tablename__: [
                dict(found)
                for found in session.execute(
                    select(row.table()).order_by(*row.table().primary_key.columns)
                ).mappings()
            ]
            for row in (TimingCase, TimingTask, TimingStep)
        }


def said(office: Office) -> list[Case]:
    with office.store.read() as session:
        return cases_of(records_since(session), lambda _: work_clock("office-nl"))


def require_same(office: Office) -> None:
    """The rows say what the whole log says when it is read in one go."""
    rows, cases = kept(office), said(office)
    by_request = {row["request_id"]: row for row in rows["timing_cases"]}
    assert sorted(by_request) == sorted(case.request for case in cases)
    for case in cases:
        row = by_request[case.request]
        assert (row["key"], row["variant"], row["unit"]) == (case.key, case.variant, case.unit)
        assert {name: row[f"{name}_at"] for name in MILESTONES if row[f"{name}_at"]} == case.milestones
        assert (row["returns"], row["outcome"], row["ended_at"]) == (
            case.returns,
            case.outcome,
            case.ended_at,
        )
        assert row["contacts"] == sum(task.ended_at is not None for task in case.tasks)
        assert row["system_us"] == sum(map(sum, case.system_us.values()))
        for kind in Wait:
            spans = [span for span in case.spans if span.kind is kind]
            assert row[f"{kind}_us"] == pytest.approx(sum(span.seconds for span in spans) * 1e6, abs=1)
            worked = sum(span.working_s or 0 for span in spans)
            assert row[f"{kind}_working_us"] == pytest.approx(worked * 1e6, abs=1)
    tasks = {task.number: (case, task) for case in cases for task in case.tasks}
    assert sorted(tasks) == [row["number"] for row in rows["timing_tasks"]]
    for row in rows["timing_tasks"]:
        case, task = tasks[row["number"]]
        assert (row["request_id"], row["state"], row["ended_at"]) == (case.request, task.state, task.ended_at)
        assert (row["since"], row["kind"], row["suspended"]) == (task.since, task.kind, task.suspended)
        assert {kind: row[f"{kind}_us"] for kind in Wait if row[f"{kind}_us"]} == {
            kind: spent for kind, spent in task.spent_us.items() if spent
        }
    with office.store.read() as session:
        require_columns(session, cases, now=office.now)
    steps = sum(len(lengths) for case in cases for lengths in case.system_us.values())
    assert sum(row["n"] for row in rows["timing_steps"] if row["part"] == "system") == steps


def work(office: Office) -> Iterator[None]:
    """A declaration that goes back once, is suspended over a weekend, and ends; another stays open."""
    number = office.submit()
    yield
    office.later(hours=2)
    office.do("claim", "manager", number)
    yield
    office.later(minutes=20)
    office.do("start", "manager", number)
    office.later(minutes=5)
    office.do("suspend", "manager", number, remark="Waits for the employee.")
    yield
    office.later(days=3)
    office.do("resume", "manager", number)
    office.later(minutes=7)
    office.fire("return", "manager", number, remark="The salary is missing.")
    yield
    office.later(hours=1)
    office.fire("submit", "employee", number)
    yield
    office.later(minutes=10)
    office.fire("approve", "manager", number)
    office.submit("A1")
    yield
    office.later(minutes=30)
    office.fire("approve", "clerk", number)
    office.run_steps()
    yield


def test_kept_up_step_by_step_it_is_what_the_whole_log_says(office: Office) -> None:
    keeper = Keeper(office.store, at_once=2)
    for _ in work(office):
        keeper.catch_up()
        require_same(office)
    assert keeper.catch_up() == 0
    suspended = max(row["suspended_us"] for row in kept(office)["timing_cases"])
    assert suspended == 3 * 86_400 * FAR


def test_what_other_rules_kept_is_made_anew(office: Office) -> None:
    keeper = Keeper(office.store)
    for _ in work(office):
        pass
    keeper.catch_up()
    before = kept(office)
    with office.store.write() as session:
        session.execute(update(TimingState).values(rules=0))
        session.execute(update(TimingCase).values(returns=99))
    keeper.catch_up()
    assert kept(office) == before


def test_other_rules_make_way_a_few_rows_at_a_time(office: Office) -> None:
    for _ in work(office):
        pass
    Keeper(office.store).catch_up()
    before = kept(office)
    with office.store.write() as session:
        session.execute(update(TimingState).values(rules=0))
    Keeper(office.store, at_once=1).catch_up()
    assert kept(office) == before


def test_while_rows_are_made_anew_nothing_of_them_is_up_to_date(office: Office) -> None:
    """An upgrade has emptied some: what is left is no figure of anything, and pages say so."""
    for _ in work(office):
        pass
    Keeper(office.store).catch_up()
    with office.store.read() as session:
        assert behind(session) == 0
    with office.store.write() as session:
        session.execute(update(TimingState).values(rules=0))
    with office.store.read() as session:
        assert behind(session) == Keeper(office.store).backlog() > 0


def test_what_a_newer_release_keeps_is_left_alone(office: Office) -> None:
    for _ in work(office):
        pass
    Keeper(office.store).catch_up()
    before = kept(office)
    with office.store.write() as session:
        session.execute(update(TimingState).values(rules=RULES + 1))
    with pytest.raises(TimingsOfNewer, match="rules"):
        Keeper(office.store).catch_up()
    assert kept(office) == before


def test_a_comparison_is_told_on_either_database(office: Office) -> None:
    for _ in work(office):
        pass
    Keeper(office.store).catch_up()
    with office.store.read() as session:
        told = {by: Comparison.of(session, now=office.now, by=by) for by in WAYS}
        none = Comparison.of(session, Scope(unit="nobody's"), now=office.now)
    assert [row.variant for row in told["variant"].rows] == ["A1", "A3"]
    assert [row.returned for row in told["variant"].rows] == [0, 1]
    assert (len(told["month"].rows), told["month"].rows[0].n) == (1, 2)
    assert all(told[by].count(told[by].rows[0], "started") is None for by in ("month", "unit"))
    assert none.rows == []


def test_a_worker_keeps_it_up(office: Office) -> None:
    for _ in work(office):
        pass
    one = chore(office.store)
    assert (one.name, one.run()) == ("timings", len(office.records(1)) + len(office.records(2)))
    require_same(office)
