"""Intervals agree with scipy's and lifelines'."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times, qth_survival_times
from scipy.stats import binomtest, bootstrap, t

from throughput.estimates import mean, part, quantile, quotient, share, student
from throughput.survival import Durations


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_scipys_wilson_interval_agrees(counted: tuple[int, int]) -> None:
    yes, n = counted
    found, theirs = share(yes, n), binomtest(yes, n).proportion_ci(method="wilson")
    assert found.low is not None
    assert found.high is not None
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert found.value is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9, 30, 1000, 10**7])
def test_scipys_t_agrees(degrees: int) -> None:
    assert student(degrees) == pytest.approx(t.ppf(0.975, degrees), rel=0.01 if degrees == 3 else 0.001)


def test_scipys_interval_of_a_mean_agrees() -> None:
    values = np.random.default_rng(1).lognormal(1, 0.5, 40)
    low, high = t.interval(0.95, 39, values.mean(), values.std(ddof=1) / np.sqrt(40))
    found = mean(values)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-5)
    assert (mean(values[:1]).low, mean(values[:0]).value) == (None, None)


def test_scipys_bootstrap_of_a_quotient_agrees() -> None:
    rng = np.random.default_rng(2)
    below = rng.lognormal(3, 0.6, 400)
    above = below * rng.uniform(0, 0.2, 400)

    def of(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(x.sum(axis=axis) / y.sum(axis=axis))

    theirs = bootstrap((above, below), of, paired=True, method="percentile", rng=rng).confidence_interval
    found = quotient(above, below)
    assert found.value == pytest.approx(above.sum() / below.sum())
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=0.01)


def test_a_part_of_a_whole_is_never_above_all_of_it_nor_below_none() -> None:
    whole = np.array([1.0, 9.0, 2.0, 30.0])
    most, least = whole - [0.9, 0.0, 1.9, 0.0], np.array([0.0, 0.0, 0.0, 3.0])
    assert (quotient(most, whole).high or 0) > 1
    assert (quotient(least, whole).low or 0) < 0
    found = part(most, whole), part(least, whole)
    assert (found[0].high, found[1].low) == (1.0, 0.0)
    assert [one.value for one in found] == [quotient(some, whole).value for some in (most, least)]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=2, max_size=60))
def test_lifelines_interval_of_a_median_agrees(cases: Sequence[tuple[int, bool]]) -> None:
    cases = [*cases, (31, False)]  # where none is left theirs has no bounds, and ours has Clopper's
    taken, over = [float(time) for time, _ in cases], [done for _, done in cases]
    fitted = KaplanMeierFitter().fit(taken, over)
    theirs = median_survival_times(fitted.confidence_interval_).to_numpy()[0]
    found = quantile(Durations.of(taken, over))
    ends = [np.inf if end is None else end for end in (found.low, found.high)]
    assert ends == pytest.approx(list(theirs))


def test_an_upper_end_that_nobody_saw_is_open() -> None:
    found = quantile(Durations.of([1.0, 2, 3, 4, 5, 6], [True] * 3 + [False] * 3), 0.9)
    assert (found.value, found.high) == (None, None)
    whole = quantile(Durations.of(list(map(float, range(1, 41)))))
    fitted = KaplanMeierFitter().fit(range(1, 41))
    assert [whole.low, whole.high] == list(qth_survival_times(0.5, fitted.confidence_interval_).to_numpy()[0])
    assert quantile(Durations.of([])).value is None


@pytest.mark.parametrize(("count", "high"), [(5, None), (6, 60.0)])
def test_times_that_are_all_alike_have_an_interval(count: int, high: float | None) -> None:
    """From six on, as by the order of the values: five are all below the median once in 32 times."""
    found = quantile(Durations.of([60.0] * count))
    assert (found.low, found.value, found.high) == (60.0, 60.0, high)
