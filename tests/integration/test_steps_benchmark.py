"""The benchmark of a whole batch runs, and delivers what it counts."""

import pytest

from benchmarks import batch


@pytest.mark.slow
def test_a_small_batch_is_measured_in_every_case_and_phase() -> None:
    measured = batch.measure(count=3, rounds=1)  # asserts that all are delivered at their level
    assert [row.name for row in measured] == [name for name, _, _ in batch.CASES]
    for row in measured:
        assert set(row.wall_ms) == set(row.processor_ms) == set(batch.PHASES)
        assert min(row.wall_ms.values()) > 0
        assert row.rate > 0
