"""What goes on still is not left out, and is not taken to be over."""

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from throughput.fitted import fitted
from throughput.measured import LEAST, Measured
from throughput.ongoing import Lengths
from throughput.scenario import DAY_MIN


def seen_until(most: float, *, count: int = 4000) -> tuple[Lengths, np.ndarray]:
    """Lognormal lengths begun at some moment of a period, as seen at its end; and what they come to."""
    random = np.random.default_rng(3)
    whole, left = random.lognormal(3, 1, count), random.uniform(0, most, count)
    lengths = Lengths()
    for taken, room in zip(whole, left, strict=True):
        lengths.add(min(taken, room), over=bool(taken <= room))
    return lengths, whole


def test_with_what_goes_on_lengths_are_not_too_short() -> None:
    """Of those that ended alone the median and the mean are: the long ones are those that go on."""
    lengths, whole = seen_until(150)
    ended = np.asarray(lengths.taken)[np.asarray(lengths.over) == 1]
    found = lengths.lognormal()
    assert found is not None
    assert np.median(ended) < 0.87 * np.median(whole)
    assert found == (
        pytest.approx(np.median(whole), rel=0.05),
        pytest.approx(np.sqrt(np.exp(1) - 1), rel=0.1),
    )
    mean, deviation = lengths.mean_and_deviation()
    assert mean > 1.2 * ended.mean()
    assert mean == pytest.approx(whole.mean(), rel=0.1)
    assert deviation > ended.std()


def test_they_are_those_of_lifelines() -> None:
    lengths, _ = seen_until(60, count=200)
    fitter = KaplanMeierFitter().fit(lengths.taken, lengths.over)
    found = lengths.lognormal()
    assert found is not None
    assert found[0] == pytest.approx(fitter.median_survival_time_)


def test_without_a_median_nothing_is_fitted() -> None:
    lengths = Lengths.of([5.0] * 40)
    for _ in range(60):
        lengths.add(7.0, over=False)
    assert lengths.lognormal() is None
    assert "manager_median_min" not in fitted(Measured("A3", before=lengths), replications=1).inputs


def test_few_that_were_over_are_too_few_however_many_go_on() -> None:
    away, visits = Lengths.of([0.0] * 400 + [DAY_MIN] * 29), Lengths.of([5.0] * 429)
    for _ in range(50):
        away.add(DAY_MIN, over=False)
    found = fitted(
        Measured("A3", worked=visits, suspended=away, returned=Lengths.of([0.0] * 429)), replications=1
    )
    assert {"suspended_days", "suspended_share"} & found.inputs.keys() == set()
    assert found.scenario.suspended_days == 0


def test_draws_of_few_vary_as_much_as_those_of_many() -> None:
    """Enough was measured; a draw with fewer of it than that is as good as any other."""
    worked = Lengths.of(float(number) for number in range(1, 301))
    away = Lengths.of([0.0] * (300 - LEAST) + [480.0 * number**1.5 for number in range(1, LEAST + 1)])
    returned = Lengths.of([0.0] * 300)
    found = fitted(Measured("A3", worked=worked, suspended=away, returned=returned), replications=40)
    assert "suspended_days" in found.inputs
    assert found.scenario.suspended_days not in {one.suspended_days for one in found.redrawn}


def test_of_visits_that_all_wait_for_outsiders_no_returns_are_told() -> None:
    """They are worked off, and none is over: which go back nobody knows yet."""
    found = fitted(Measured("A3", worked=Lengths.of([5.0] * LEAST)), replications=1)
    assert found.inputs.keys() == {"handling_min", "variation"}
