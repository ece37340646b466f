"""What is told of delivered requests, while the slow ones of those that came last are open still."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from scipy.stats import bootstrap

from tests.kept_log import kept_of
from tests.known_truth import Law, office, truth
from tests.unit.test_throughput_compare import in_order
from tests.unit.test_throughput_spans import START, Log, move
from throughput.capacity import capacity
from throughput.compare import Comparison
from throughput.contrasts import contrasts
from throughput.difference import difference
from throughput.estimates import mean, quantile, quotient, share, weighed_share
from throughput.figures import read_cases, read_tasks
from throughput.flows import Flow, flows_of
from throughput.overview import Overview
from throughput.panels import handling, leads
from throughput.rework import rework
from throughput.scope import Scope
from throughput.seen import FLOOR, weights
from throughput.survival import Durations, Survival

DAY = 24 * 60
NOW = START + timedelta(days=20)
LOG = ((1, 10, False), (4, 20, True), (8, 40, False), (-2, 5, False), (-6, 5, True))
"""Days until it was delivered, or (negative) that it is open; minutes of work; whether it went back."""

SHORT = Law(weeks=6, queue_h=(60, 90, 30), suspended_h=200)


def five_requests(variant: str = "A3") -> list[dict[str, Any]]:
    return in_order(*(_request(number, *one, variant) for number, one in enumerate(LOG, start=1)))


def _request(number: int, days: int, work: int, back: bool, variant: str) -> list[dict[str, Any]]:
    log, begun = Log(), (20 + days if days < 0 else 0) * DAY

    def add(minute: float, type_: str, **facts: Any) -> None:
        log.add(begun + minute, type_, number, **facts, variant=variant)

    add(0, "request_submitted", **move("draft", "review", mark="requested", task="review"))
    add(60, "task_started")
    if back:
        add(60 + work / 2, "request_returned", **move("review", "draft", task="draft"))
        add(200, "request_advanced", **move("draft", "review", task="review"))
        add(300, "task_started")
        add(300 + work / 2, "request_advanced", **move("review", "post", mark="approved"))
    else:
        add(60 + work, "request_advanced", **move("review", "post", mark="approved"))
    if days > 0:
        add(days * DAY, "document_delivered", **move("post", "end", mark="delivered", outcome="done"))
    return log.records


def flow_of(records: list[dict[str, Any]]) -> Flow:
    with kept_of(records) as session:
        cases = read_cases(session)
        (group,) = flows_of(cases, read_tasks(session, cases), now=NOW)
    return group


def test_of_three_delivered_and_two_open_the_slow_ones_count_for_those_that_are_open() -> None:
    """Of four that took two days or longer three were seen to, of two that took six or longer one."""
    assert weights([1, 4, 8, 2, 6], [True] * 3 + [False] * 2)[:3] == pytest.approx([1, 4 / 3, 8 / 3])
    group = flow_of(five_requests())
    hands, back, whole = handling(group), rework(group), leads(group)
    assert (hands.touch_s.n, hands.touch_mean_s.n, back.first_time_right.n) == (3, 3, 3)
    handled = (10 * 1 + 20 * 4 / 3 + 40 * 8 / 3) / 5
    assert hands.touch_mean_s.value == pytest.approx(60 * handled)
    assert hands.touch_s.median.value == pytest.approx(60 * 40)  # 7/3 of five took 20 or less: under half
    assert capacity(group, per_week=60).hours_per_week.value == pytest.approx(handled)
    assert back.first_time_right.value == pytest.approx(1 - 4 / 15)
    assert back.loops.value == pytest.approx(4 / 15)
    assert back.of_touch.value == pytest.approx(10 * 4 / 3 / (5 * handled))
    taken = (1 * 1 + 4 * 4 / 3 + 8 * 8 / 3) * DAY
    assert whole.efficiency.value == pytest.approx(5 * handled / taken)
    assert whole.efficiency_median.value == pytest.approx(40 / (8 * DAY))


def test_the_comparison_and_the_page_tell_the_same_as_the_panels() -> None:
    two = five_requests(), [one | {"request": one["request"] + 5} for one in five_requests("A1")]
    with kept_of(in_order(*two)) as session:
        told = Comparison.of(session, now=NOW)
        cases = read_cases(session)
        groups = flows_of(cases, read_tasks(session, cases), now=NOW)
        pages = Overview(session, Scope(), NOW).compared("variant")
    for row, group, page in zip(told.rows, groups, pages, strict=True):
        hands = handling(group).touch_s
        assert page.touch.mean == pytest.approx(handling(group).touch_mean_s.value, rel=0.01)
        assert quantile(page.touch).value == pytest.approx(hands.median.value, rel=0.01)
        assert page.right_first_time == pytest.approx(rework(group).first_time_right.value)
        assert row.touch_total_s is not None
        assert (row.touch_total_s.n, row.touch_total_s.median) == (3, hands.median.value)
        assert row.touch_total_s.p90 == hands.p90.value
        assert row.first_time_right == rework(group).first_time_right.value
    (one,) = (one for one in contrasts(cases, now=NOW) if one.figure == "handling")
    assert (one.n_a, one.open_a, one.found.a) == (3, 0, 2400)


def test_a_short_period_of_long_ways_does_not_flatter() -> None:
    """A third is open when the log ends: counting alike, 3 % too low, 5 and 12 % too high, 20 % too low."""
    true, found = truth(SHORT), []
    for seed in range(100):
        group = office(SHORT, seed)
        back = rework(group)
        figures = (
            handling(group).touch_mean_s,
            back.first_time_right,
            leads(group).efficiency,
            back.of_touch,
        )
        found.append([one.value for one in figures])
    names = ("handling.mean", "first_time_right", "efficiency", "rework")
    off = np.mean(found, axis=0) / [true[name] for name in names] - 1
    assert np.abs(off) == pytest.approx(0, abs=0.05)
    assert np.abs(off[:2]) == pytest.approx(0, abs=0.015)


def test_where_nothing_is_open_each_counts_for_one() -> None:
    taken = np.random.default_rng(1).lognormal(3, 1, 400)
    same = weights(taken, np.ones(400, bool))
    assert set(same.tolist()) == {1.0}
    plain, weighed = Durations.of(taken), Durations.of(taken, weight=same)
    assert quantile(plain, 0.9) == quantile(weighed, 0.9)
    assert mean(taken) == mean(taken, same)
    assert weighed_share(taken > 20, same) == share(int((taken > 20).sum()), 400)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=40))
def test_lifelines_agrees_on_weights_and_on_weighed_curves(cases: list[tuple[bool, int]]) -> None:
    taken, left = np.arange(1.0, len(cases) + 1), np.array([gone for gone, _ in cases])
    cut = KaplanMeierFitter().fit(taken, ~left)
    theirs = [1 / max(FLOOR, float(cut.predict(time - 0.5))) for time in taken]
    assert weights(taken, left) == pytest.approx(theirs)
    counts = [count for _, count in cases]
    ours = Survival.of(Durations.of(taken, left, counts))
    other = KaplanMeierFitter().fit(taken, left, weights=counts)
    assert [ours.after(time) for time in taken] == pytest.approx([float(other.predict(t)) for t in taken])


def test_scipys_bootstrap_of_weighed_figures_agrees() -> None:
    rng = np.random.default_rng(2)
    values, weight = rng.lognormal(3, 0.6, 400), rng.uniform(1, 4, 400)

    def middle(x: Any, w: Any, axis: int = -1) -> Any:
        return (x * w).sum(axis=axis) / w.sum(axis=axis)

    theirs = bootstrap((values, weight), middle, paired=True, method="percentile", rng=rng)
    found = mean(values, weight)
    assert (found.low, found.high) == pytest.approx(theirs.confidence_interval, rel=0.01)
    assert found == quotient(values, np.ones(400), weight)
    right = values < 20
    shares = bootstrap((right * 1.0, weight), middle, paired=True, method="percentile", rng=rng)
    told = weighed_share(right, weight)
    assert (told.low, told.high) == pytest.approx(shares.confidence_interval, abs=0.01)


@pytest.mark.parametrize("size", [400, 1500])
def test_a_difference_of_weighed_groups_is_drawn_as_each_counts(size: int) -> None:
    """Up to 500 are drawn again, of more the curve is moved. The median alone has the same interval."""
    rng = np.random.default_rng(3)
    values = rng.lognormal(3, 0.6, size)
    group, none = Durations.of(values, weight=np.where(values > 20, 4, 1)), Durations.of([0.0])
    drawn, alone = difference(group, none, rng=rng).interval, quantile(group)
    assert alone.low is not None
    assert alone.high is not None
    assert (drawn.low, drawn.high) == pytest.approx((alone.low, alone.high), abs=(alone.high - alone.low) / 5)


def test_no_request_counts_for_more_than_ten() -> None:
    told = weights([1, *range(2, 60), 60], [True] + [False] * 58 + [True])
    assert told[-1] == pytest.approx(1 / FLOOR)
