"""What is told of delivered requests, while the slow ones of those that came last are open still."""

from dataclasses import replace
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
from throughput.contrasts import contrast, contrasts
from throughput.costs import Prices, Sum, VariantPrices
from throughput.difference import difference
from throughput.estimates import mean, quantile, quotient, share, weighed_share
from throughput.figures import read_cases, read_tasks
from throughput.flows import Flow, flows_of
from throughput.kept_days import Way
from throughput.lengths import seconds_of_wide
from throughput.overview import Overview
from throughput.overview_rows import Compared
from throughput.panels import handling, leads
from throughput.rework import rework
from throughput.scope import Scope
from throughput.seen import FLOOR, of_requests, weights
from throughput.survival import Durations, Survival
from throughput.whole import Given, panels
from web.figures_parts import quantile as quantile_of_page

DAY = 24 * 60
NOW = START + timedelta(days=20)
LOG = ((1, 10, False), (4, 20, True), (8, 24, False), (-2, 5, False), (-6, 5, True))
"""Days until it was delivered, or (negative) that it is open; minutes of work; whether it went back."""

SHORT = Law(weeks=6, queue_h=(60, 90, 30), suspended_h=200)


def five_requests(variant: str = "A3") -> list[dict[str, Any]]:
    return in_order(*(_request(number, *one, variant) for number, one in enumerate(LOG, start=1)))


def withdrawn(number: int, days: int, variant: str) -> list[dict[str, Any]]:
    log = Log()
    log.add(0, "request_submitted", number, **move("draft", "review", mark="requested"), variant=variant)
    gone = move("review", "withdrawn", outcome="withdrawn")
    log.add(days * DAY, "request_withdrawn", number, **gone, variant=variant)
    return log.records


def of_programs(variant: str, first: int) -> list[dict[str, Any]]:
    log = ((12, 5, True), (-2.1, 5, False), (-5.9, 5, False))
    found = in_order(*(_request(number, *one, variant) for number, one in enumerate(log, start=first)))
    return [record | {"channel": "program"} for record in found]


def _request(number: int, days: float, work: int, back: bool, variant: str) -> list[dict[str, Any]]:
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
    handled = (10 * 1 + 20 * 4 / 3 + 24 * 8 / 3) / 5
    assert hands.touch_mean_s.value == pytest.approx(60 * handled)
    assert hands.touch_s.median.value == pytest.approx(60 * 24)  # 7/3 of five took 20 or less: under half
    assert capacity(group, per_week=60).hours_per_week.value == pytest.approx(handled)
    assert back.first_time_right.value == pytest.approx(1 - 4 / 15)
    assert back.loops.value == pytest.approx(4 / 15)
    assert back.of_touch.value == pytest.approx(10 * 4 / 3 / (5 * handled))
    taken = (1 * 1 + 4 * 4 / 3 + 8 * 8 / 3) * DAY
    assert whole.efficiency.value == pytest.approx(5 * handled / taken)
    assert whole.efficiency_median.value == pytest.approx(24 / (8 * DAY))  # alike, that of four days


def test_signatures_that_are_paid_for_count_as_their_requests_do() -> None:
    group = replace(flow_of(five_requests()), signatures=np.array([1, 2, 4, 0, 0]))
    one, none = Sum(1, 1, 1), Sum(0, 0, 0)
    prices = Prices(hourly_rate=none, variants={"A3": VariantPrices(none, per_signature=one, one_off=none)})
    (held,) = panels([group], reached={}, given=Given(per_week=10, prices=prices)).costs
    (cost,) = (one for one in held.costs if one.variant == "A3")
    assert cost.signatures is not None
    assert cost.signatures.likely == pytest.approx(520 * (1 * 1 + 2 * 4 / 3 + 4 * 8 / 3) / 5)


def test_the_comparison_and_the_page_tell_the_same_as_the_panels() -> None:
    """Programs' requests, and how many of them are open, say nothing of people's hands; of what was withdrawn
    after three days, one knows that it was not delivered till then."""
    both = in_order(five_requests(), of_programs("A3", 6), withdrawn(9, 3, "A3"))
    others = [one | {"request": one["request"] + 9} for one in both]
    with kept_of(in_order(both, [one | {"variant": "A1"} for one in others])) as session:
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
    assert (one.n_a, one.open_a, one.found.a) == (3, 0, 1440)


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


@pytest.mark.parametrize("size", range(2, 12))
def test_where_all_count_alike_it_does_not_matter_for_how_many(size: int) -> None:
    """As where only young ones are open. Rounded down, all but three degrees of freedom would be two."""
    taken = np.random.default_rng(size).lognormal(3, 1, size)
    for each in (4 / 3, 13 / 10, 7 / 6, 10.0):
        same = np.full(size, each)
        assert mean(taken, same) == mean(taken)
        assert weighed_share(taken > 20, same) == share(int((taken > 20).sum()), size)
        assert Durations.of(taken, weight=same).deviation == Durations.of(taken).deviation


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


def test_scipys_bootstrap_agrees_where_large_ones_count_for_more() -> None:
    """The weights of a few that count for much, and those of what is told of, are not by chance alike."""
    rng = np.random.default_rng(5)
    values = rng.lognormal(3, 0.6, 400)
    dear, few = np.where(values > 30, 5.0, 1.0), rng.choice([1.0, 9.0], 400, p=[0.8, 0.2])

    def middle(x: Any, w: Any, axis: int = -1) -> Any:
        return (x * w).sum(axis=axis) / w.sum(axis=axis)

    theirs = bootstrap((values, dear), middle, paired=True, method="percentile", rng=rng)
    found = mean(values, dear)
    assert (found.low, found.high) == pytest.approx(theirs.confidence_interval, rel=0.01)
    shares = bootstrap(((values < 20) * 1.0, few), middle, paired=True, method="percentile", rng=rng)
    told = weighed_share(values < 20, few)
    assert told.high is not None
    assert told.low is not None
    width = shares.confidence_interval.high - shares.confidence_interval.low
    assert told.high - told.low == pytest.approx(width, rel=0.08)


def test_what_counts_for_fewer_than_two_has_the_interval_of_two() -> None:
    values, weight = np.array([1.0, 2.0, 3.0, 4.0]), np.array([10.0, 1.0, 1.0, 1.0])
    found, middle = mean(values, weight), 19 / 13
    error = np.sqrt(((weight * (values - middle)) ** 2).sum() * 4 / 3) / 13
    assert (found.value, found.high) == pytest.approx((middle, middle + 12.7062 * error))
    three = mean(np.append(values, 2.0), np.array([10.0, 9.0, 9.0, 1.0, 1.0]))  # as many as 3.4 would
    rest = np.array([10.0, 9.0, 9.0, 1.0, 1.0]) * (np.append(values, 2.0) - 61 / 30)
    assert three.high == pytest.approx(61 / 30 + 4.302653 * np.sqrt((rest**2).sum() * 5 / 4) / 30)


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


def test_who_left_when_another_was_cut_off_was_seen_to_leave() -> None:
    """As where lengths are told by their classes: many are alike."""
    assert weights([2, 2, 3], [False, True, True]).tolist() == [1, 1, 2]
    early = of_requests(np.array([9.0, 0.0]), np.array([np.nan, 0.0]), 8.0)
    assert early.tolist() == [1, 1]  # opened tomorrow, by its clock


def test_so_many_of_a_class_are_so_many_requests() -> None:
    """Of seven that took as long as the one that is open, or longer, six were seen to."""
    alike = weights([1, 2, 3], [True, False, True], [4, 1, 6])
    assert alike.tolist() == pytest.approx([1, 1, 7 / 6])
    page = Compared("A3")
    page.take_left("done", Way(40, returned=False), 4)
    page.take_left("done", Way(60, returned=True), 6)
    page.opened_for.append(float(seconds_of_wide([50])[0]))
    assert page.right_first_time == pytest.approx(4 / (4 + 6 * 7 / 6))


def test_what_so_many_can_show_is_by_how_many_they_count_for() -> None:
    weight = np.array([4.0, 1, 1, 4, 1])  # as many as 121 / 35
    group = Durations.of([5.0, 8, 9, 12, 13], weight=weight)
    found = contrast("x", "handling", ("A1", group), ("A3", group)).smallest_s
    assert found == pytest.approx((1.959964 + 0.841621) * group.deviation * np.sqrt(2 * 35 / 121))


@pytest.mark.parametrize("others", [1, 9])
def test_what_a_group_deviates_by_is_reckoned_of_so_many_as_it_counts_for(others: int) -> None:
    """Drawn often, the mean of what is reckoned of few is what all deviate by."""
    rng, weight = np.random.default_rng(4), np.array([others, 1.0, 1.0, others])
    drawn = [Durations.of(some, weight=weight).deviation ** 2 for some in rng.normal(9, 1, (4000, 4))]
    assert np.mean(drawn) == pytest.approx(1, abs=0.06)
    assert Durations.of([3.0], weight=[2.0]).deviation == 0
    assert Durations.of([0.0, 4.0, 4.0], weight=[2, 1, 1]).deviation == pytest.approx(np.sqrt(6.4))


def test_the_page_tells_no_mark_beyond_which_there_are_four() -> None:
    taken, seen = np.arange(1.0, 61), np.ones(60)
    assert quantile_of_page(Durations.of(taken), 0.9) == 54
    assert quantile_of_page(Durations.of(taken[:4]), 0.5) is None
    seen[-4:] = 3  # of sixty-eight, and seven more than are
    assert quantile_of_page(Durations.of(taken, weight=seen), 0.9) is None
    assert quantile_of_page(Durations.of(taken, weight=seen), 0.5) == 34
    many = Durations.of(np.append(taken, [55.5] * 20), np.arange(80) < 60)
    assert Survival.of(many).quantile(0.9) == 59
    assert quantile_of_page(many, 0.9) is None


def test_no_request_counts_for_more_than_ten() -> None:
    told = weights([1, *range(2, 60), 60], [True] + [False] * 58 + [True])
    assert told[-1] == pytest.approx(1 / FLOOR)
