"""What a simulation of what is comes to is held against what was measured of it."""

from array import array
from dataclasses import replace
from math import inf

import pytest

from throughput.estimates import Figure
from throughput.measured import Measured, Whole
from throughput.ongoing import Lengths
from throughput.replications import Estimate
from throughput.reproduced import Check, in_hand, reproduced
from throughput.scenario import DAY_MIN, WEEK_MIN, Scenario
from throughput.simulate import compare


def of_minutes(lead_min: float, *, count: int = 1000, every_min: float = 24) -> Whole:
    """One every so many minutes, each so long on its way, handled for ten minutes; then the log ends."""
    whole, until = Whole(until=count * every_min), count * every_min
    for number in range(count):
        begun = number * every_min
        whole.begun.append(begun)
        whole.lead.add(min(lead_min, until - begun), over=begun + lead_min <= until)
        if begun + lead_min <= until:
            whole.handled.append(10)
    return whole


def test_so_many_are_in_hand_as_come_while_one_is_on_its_way() -> None:
    """Ten at a hundred a week, and twenty at twice as many; the first were alone, and do not count."""
    whole = of_minutes(240)
    found = in_hand(whole, WEEK_MIN / 24)
    assert found.value == pytest.approx(10, rel=0.01)
    assert in_hand(whole, 2 * WEEK_MIN / 24).value == pytest.approx(20, rel=0.01)
    assert found.low is not None
    assert 9 < found.low < 10
    assert in_hand(of_minutes(240, count=35), 100).value is None  # too few came since


@pytest.mark.parametrize(
    ("low", "value", "high", "fits"),
    [
        *((3.0, 3.5, 4.2, True), (4.05, 4.3, 5.0, True), (4.6, 4.8, 5.0, False), (2.0, 2.4, 3.9, False)),
        *((2.0, 3.0, inf, True), (2.0, inf, inf, False), (3.7, 3.75, 3.8, True)),
    ],
)
def test_it_fits_where_one_lies_within_what_the_other_leaves_open_or_near(
    low: float, value: float, high: float, *, fits: bool
) -> None:
    """Measured: 4, from 3.9 to 4.1; 10 % more or less is near."""
    measured = Figure(100, 4.0, 3.9, 4.1)
    assert Check("lead_median_days", measured, Estimate(value, low, high)).fits is fits
    assert Check("lead_median_days", replace(measured, value=None), Estimate(4, 3, 5)).fits is None


def test_a_way_that_takes_longer_than_all_its_parts_does_not_come_out() -> None:
    """As where requests lie between two tasks: no assumption holds that, so nothing may rest on it."""
    basis = Scenario("A3", handling_min=10, return_rate=0, clerks=2, signer_min=0, manager_median_min=DAY_MIN)
    [told] = compare([basis], weeks=12, warm_up_weeks=2, replications=39, redrawn={"A3": [basis] * 39})
    lead = Lengths(array("d", [3.2 * DAY_MIN + n for n in range(100)]), array("b", [1] * 100))
    begun = array("d", [n * 24.0 for n in range(100)])
    slow = Measured("A3", 100, 100, whole=Whole(begun, lead, array("d", [9.0, 11.0] * 50), 5000))
    held = reproduced(slow, told)
    assert [one.figure for one in held.missed] == ["lead_median_days", "lead_p90_days", "in_progress"]
    assert [one.fits for one in held.checks if one.figure == "handling_fte"] == [True]
    assert reproduced(Measured("A3", 100, 29, whole=of_minutes(240, count=29)), told).checks == ()
    # Of fifty slow ones half are open: the others count twice, so the mean is ten minutes.
    ways = [5.0 * DAY_MIN] * 50 + [20.0 * DAY_MIN] * 25 + [10.0 * DAY_MIN] * 25
    cut = Lengths(array("d", ways), array("b", [1] * 75 + [0] * 25))
    mixed = Measured("A3", 100, 100, whole=Whole(begun, cut, array("d", [5.0] * 50 + [15.0] * 25), 5000))
    [hands] = (one for one in reproduced(mixed, told).checks if one.figure == "handling_fte")
    assert hands.measured.value == pytest.approx(10 * 100 / 60 / 36)
