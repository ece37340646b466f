"""Whole numbers that fit sums, where a linear program's answer is not whole."""

import numpy as np

from throughput.whole_numbers import WholeNumbers

PAIRS = [([0, 1, 3], [1.0, 1.0, -1.0]), ([1, 2, 3], [1.0, 1.0, -1.0]), ([2, 0, 3], [1.0, 1.0, -1.0])]
"""Of three numbers each two make the fourth, so that it is even; halves fit as well."""
FOURTH = np.array([0.0, 0.0, 0.0, 1.0])


def test_a_search_knows_the_bounds_of_now() -> None:
    low, high = np.array([0.0, 0.0, 0.0, 1.0]), np.array([9.0, 9.0, 9.0, 1.0])
    numbers = WholeNumbers(low, high, PAIRS)
    assert numbers.least(FOURTH) is None
    with numbers.bounded(3, 3, 9):
        found = numbers.least(FOURTH)
        assert found is not None
        assert found.tolist() == [2, 2, 2, 4]
        assert numbers.least(FOURTH, search=False) is None
        assert numbers.least(FOURTH, enough=4) is None
    assert numbers.least(FOURTH) is None
    assert not numbers.gave_up
