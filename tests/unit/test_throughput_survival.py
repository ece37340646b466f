"""Medians and differences agree with scipy's and lifelines', and with what was reckoned by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from scipy.stats import bootstrap, mannwhitneyu

from throughput.difference import (
    cases_needed,
    difference,
    faster,
    smallest_difference,
)
from throughput.errors import DurationsUnusable
from throughput.survival import Durations, Survival

GROUPS = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40)


def group(cases: list[tuple[int, bool]]) -> Durations:
    return Durations.of([float(taken) for taken, _ in cases], [over for _, over in cases])


def test_freireich_1963() -> None:
    """The remission times of 6-MP, in weeks, that every textbook has: the median is 23, S(6) is 0.857."""
    over = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    left = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    survival = Survival.of(group([(time, True) for time in over] + [(time, False) for time in left]))
    assert survival.quantile(0.5) == 23
    assert survival.after(6) == pytest.approx(18 / 21)
    assert survival.after(22) == pytest.approx(0.537815, abs=1e-6)
    assert survival.quantile(0.9) is None


@settings(max_examples=50)
@given(GROUPS)
def test_lifelines_agrees(cases: list[tuple[int, bool]]) -> None:
    survival = Survival.of(group(cases))
    other = KaplanMeierFitter().fit([taken for taken, _ in cases], [over for _, over in cases])
    for time in range(32):
        assert survival.after(time) == pytest.approx(float(other.predict(time)))
    curve = other.survival_function_["KM_estimate"]
    for share in (0.1, 0.5, 0.9):  # lifelines' own quantiles trip over a share that is half but for rounding
        reached = curve[curve <= 1 - share + 1e-12]
        assert survival.quantile(share) == (None if reached.empty else reached.index[0])


@given(GROUPS, GROUPS)
def test_mann_whitney_agrees_when_all_are_over(
    first: list[tuple[int, bool]], second: list[tuple[int, bool]]
) -> None:
    a, b = ([taken for taken, _ in cases] for cases in (first, second))
    told = faster(Durations.of(a), Durations.of(b))
    pairs = mannwhitneyu(b, a, alternative="two-sided", method="asymptotic").statistic
    assert told.told
    assert told.low == pytest.approx(pairs / (len(a) * len(b)))


@given(GROUPS, GROUPS)
def test_both_bounds_add_up_the_other_way_round(
    first: list[tuple[int, bool]], second: list[tuple[int, bool]]
) -> None:
    there, back = faster(group(first), group(second)), faster(group(second), group(first))
    assert 0 <= there.low <= there.high <= 1
    assert there.low + back.high == pytest.approx(1)


def test_what_is_open_beyond_the_last_end_stays_open() -> None:
    still = faster(Durations.of([5.0], [False]), Durations.of([5.0], [False]))
    assert (still.low, still.high) == (0, 1)
    told = faster(Durations.of([1.0]), Durations.of([5.0], [False]))
    assert (told.low, told.high) == (1, 1)
    half = faster(Durations.of([1.0, 9.0]), Durations.of([5.0], [False]))
    assert (half.low, half.high) == (0.5, 1)


def test_scipys_bootstrap_agrees() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(2, 0.5, 80), rng.lognormal(2.4, 0.5, 60)
    ours = difference(Durations.of(list(a)), Durations.of(list(b)), rng=rng, replicates=9999).interval

    def lower_median(values: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.quantile(values, 0.5, axis=axis, method="inverted_cdf")

    theirs = bootstrap(
        (a, b),
        lambda x, y, axis=-1: lower_median(x, axis) - lower_median(y, axis),
        n_resamples=9999,
        method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert ours.low is not None
    assert ours.high is not None
    spread = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < spread / 10
    assert abs(ours.high - theirs.high) < spread / 10


def seen(rng: np.random.Generator, middle: float) -> Durations:
    """A sample of which some are cut off before their end."""
    taken, limit = rng.lognormal(middle, 0.6, 120), rng.lognormal(3.2, 0.6, 120)
    return Durations.of(list(np.minimum(taken, limit)), list(taken <= limit))


def test_the_interval_holds_the_true_difference_in_about_95_of_100() -> None:
    held, true = 0, float(np.exp(2) - np.exp(2.2))
    for seed in range(200):
        rng = np.random.default_rng(seed)
        found = difference(seen(rng, 2), seen(rng, 2.2), rng=rng, replicates=400).interval
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert 182 <= held <= 200  # 190 expected, standard deviation 3.1


def test_equal_ways_are_not_told_apart_and_different_ones_are() -> None:
    rng = np.random.default_rng(3)
    a, b, c = (Durations.of(list(rng.lognormal(mean, 0.5, 100))) for mean in (2, 2, 2.6))
    assert not difference(a, b, rng=rng).distinguishable
    told = difference(a, c, rng=rng)
    assert told.distinguishable
    assert told.value is not None
    assert told.value < 0
    assert told.faster.low > 0.7


def test_an_end_that_nobody_has_seen_is_open() -> None:
    rng = np.random.default_rng(4)
    slow = Durations.of([float(n) for n in range(20)], [n < 8 for n in range(20)])
    fast = Durations.of([1.0, 2.0, 3.0, 4.0])
    told = difference(slow, fast, rng=rng)
    assert told.a is None
    assert told.value is None
    assert told.interval.high is None


@pytest.mark.parametrize("open_share", [0.0, 0.4])
def test_large_groups_are_told_apart_as_if_they_were_drawn_again(
    open_share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(5)
    a, b = (Durations.of(rng.lognormal(mean, 0.5, 1500), rng.random(1500) >= open_share) for mean in (2, 2.1))
    quick = difference(a, b, rng=np.random.default_rng(1)).interval
    monkeypatch.setattr("throughput.difference.RESAMPLED", 1500)
    drawn = difference(a, b, rng=np.random.default_rng(1)).interval
    assert quick.low is not None
    assert quick.high is not None
    assert drawn.low is not None
    assert drawn.high is not None
    assert quick.high - quick.low == pytest.approx(drawn.high - drawn.low, rel=0.1)
    assert quick.low == pytest.approx(drawn.low, abs=0.1 * (drawn.high - drawn.low))


def test_of_many_that_are_open_the_end_is_open() -> None:
    some_over = np.arange(2000) < 900
    slow, fast = Durations.of(np.arange(2000.0), some_over), Durations.of(np.full(2000, 5.0))
    told = difference(slow, fast, rng=np.random.default_rng(4))
    assert (told.a, told.interval.high) == (None, None)
    assert told.interval.low is None
    assert (told.b, told.faster.high < 0.5) == (5.0, True)


def test_how_many_cases_a_difference_needs() -> None:
    """The figures of domain.md, section 5, at a variation of 0.5."""
    assert cases_needed(10, 6.1) in range(17, 22)
    assert cases_needed(6.75, 6.1) in range(380, 410)
    assert cases_needed(6, 6) is None
    assert smallest_difference((5, 18), (3.05, 18)) == pytest.approx(3.9, rel=0.02)
    assert smallest_difference((5, 1), (3, 18)) is None


@pytest.mark.parametrize("taken", [[-1.0], [float("nan")], [float("inf")]])
def test_durations_that_are_none_are_refused(taken: list[float]) -> None:
    with pytest.raises(DurationsUnusable):
        Durations.of(taken)


def test_nothing_is_not_compared() -> None:
    with pytest.raises(DurationsUnusable):
        faster(Durations.of([]), Durations.of([1.0]))
