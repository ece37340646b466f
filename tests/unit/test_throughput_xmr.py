"""Natural limits and signals: by hand, and against the rules taken word by word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughput.charts.xmr import BEYOND_LIMIT, NEAR_LIMIT, ONE_SIDE, limits_of, signals_of


def test_limits_by_hand() -> None:
    """Ranges 2, 1, 3, 2 have the mean 2; the values' is 12."""
    limits = limits_of([12, 14, 13, 10, 12])
    assert limits is not None
    assert limits.mean == pytest.approx(12.2)
    assert limits.mean_range == 2
    assert (limits.lower, limits.upper) == pytest.approx((12.2 - 5.32, 12.2 + 5.32))
    assert limits.upper_range == pytest.approx(6.536)


def test_what_cannot_be_negative_has_no_limit_there() -> None:
    limits = limits_of([1, 9, 1, 9])
    assert limits is not None
    assert limits.lower is None


@pytest.mark.parametrize("values", [[], [3.0]])
def test_too_few_have_no_limits(values: list[float]) -> None:
    assert limits_of(values) is None


def test_equal_values_signal_nothing() -> None:
    values = [0.1 + 0.2] * 30
    limits = limits_of(values)
    assert limits is not None
    assert not signals_of(values, limits).any()


def test_eight_on_one_side_are_a_signal_and_seven_are_not() -> None:
    low, high = [10.0, 12.0], [16.0, 14.0]
    for pairs, signal in ((4, ONE_SIDE), (3, 0)):
        values = low * pairs + high * pairs
        limits = limits_of(values)
        assert limits is not None
        assert set(signals_of(values, limits).tolist()) == {signal}


@given(st.lists(st.integers(0, 12), min_size=2, max_size=40))
def test_signals_are_the_rules(given_values: list[int]) -> None:
    values = np.array(given_values, dtype=float)
    limits = limits_of(values)
    assert limits is not None
    reach, n = 2.66 * limits.mean_range, len(values)
    expected = [0] * n
    for sign in (1, -1):
        off = [sign * (value - limits.mean) for value in values]
        for at in range(n - 7):
            if all(one > 1e-6 for one in off[at : at + 8]):
                expected[at : at + 8] = [ONE_SIDE] * 8
    for sign in (1, -1):
        off = [sign * (value - limits.mean) for value in values]
        for at in range(n - 3):
            near = [place for place in range(at, at + 4) if off[place] > reach / 2 + 1e-6]
            if len(near) >= 3:
                for place in near:
                    expected[place] = NEAR_LIMIT
    for place, value in enumerate(values):
        if abs(value - limits.mean) > reach + 1e-6:
            expected[place] = BEYOND_LIMIT
    assert signals_of(values, limits).tolist() == expected
