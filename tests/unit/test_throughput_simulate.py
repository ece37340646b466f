"""What is simulated agrees with what is known of queues, and with itself."""

from math import inf, isfinite

import numpy as np
import pytest

from throughput.errors import ScenarioUnusable
from throughput.replications import SPREAD_LEAST, Estimate
from throughput.scenario import DAY_MIN, SOURCE, WEEK_MIN, Scenario
from throughput.simulate import Luck, clerks_needed, compare, enough_for, run

PAPER, _, REMOTE = SOURCE
SHORT = {"weeks": 20, "warm_up_weeks": 4, "replications": 12}
WINDOW = (4 * WEEK_MIN, 40 * WEEK_MIN)


def test_the_same_seed_gives_the_same_and_equal_assumptions_give_equal_figures() -> None:
    one, other = compare([PAPER, Scenario(**{**vars(PAPER), "name": "B"})], **SHORT)
    assert one.lead_median_days == other.lead_median_days
    assert compare([PAPER], **SHORT)[0] == one
    assert compare([PAPER], seed=99, **SHORT)[0] != one


def test_little_s_law_holds_in_it() -> None:
    """WIP = rate × lead, over a window that is long beside the lead."""
    found = run(REMOTE, Luck.of(6000, 3), WINDOW)
    rate = 100 / 5  # a day
    assert found.in_progress == pytest.approx(rate * found.lead_days.mean(), rel=0.1)


def test_one_clerk_s_queue_waits_as_pollaczek_and_khinchine_say() -> None:
    """The mean wait is λE[S²] / 2(1 - ρ), whatever the law of the lengths."""
    one = Scenario(
        "queue",
        per_week=100,
        handling_min=15,
        variation=1,
        manager_median_min=1e-6,
        return_rate=0,
        clerks=1,
        clerk_share=1,
        signer_min=0,
    )
    waits = [
        float(run(one, Luck.of(30_000, seed), (20 * WEEK_MIN, 200 * WEEK_MIN)).lead_days.mean()) * DAY_MIN
        - 15
        for seed in range(8)
    ]
    rate = 100 / WEEK_MIN
    known = rate * 15**2 * (1 + 1**2) / (2 * (1 - rate * 15))
    assert np.mean(waits) == pytest.approx(known, rel=0.15)


def test_a3_is_faster_than_paper_and_saves_a_fraction_of_the_claim() -> None:
    paper, remote = compare([PAPER, REMOTE], **SHORT)
    assert paper.lead_median_days.low > remote.lead_median_days.high + 2
    assert paper.in_progress.low > remote.in_progress.high
    saved = paper.handling_fte.value - remote.handling_fte.value
    assert 0.1 < saved < 0.4
    assert paper.handling_fte.high < 2  # all handling there is: two can't be saved of it
    assert {paper.origin, remote.origin} == {"simulated"}


def test_the_handling_is_what_was_assumed() -> None:
    (found,) = compare([Scenario("even", return_rate=0, handling_min=10)], **SHORT)
    assert found.handling_fte.low <= 100 * 10 / 60 / 36 <= found.handling_fte.high


def test_more_clerks_are_needed_where_the_goal_is_nearer() -> None:
    busy = Scenario("busy", per_week=300, clerk_share=0.3, manager_median_min=60)
    few, many = (clerks_needed(busy, within_days=days, **SHORT) for days in (5, 1))
    assert few is not None
    assert many is not None
    assert few <= many
    assert clerks_needed(Scenario("slow", manager_median_min=20 * DAY_MIN), most=3, **SHORT) is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"per_week": 0}, {"return_rate": 1}, {"clerk_share": 1.5}, {"variation": -1}, {"clerks": -2}),
        *({"variation": float("nan")}, {"per_week": float("inf")}, {"post_days": float("inf")}),
        *({"clerks": 1e300}, {"post_days": float("nan")}, {"provider_s": float("inf")}),
    ],
)
def test_assumptions_that_can_not_be_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ScenarioUnusable, match=next(iter(wrong))):
        Scenario("wrong", **wrong)


def test_a_queue_without_end_is_refused() -> None:
    with pytest.raises(ScenarioUnusable, match="of their time"):
        compare([Scenario("full", per_week=1000)])


def test_more_than_a_machine_holds_is_refused() -> None:
    with pytest.raises(ScenarioUnusable, match="requests in all"):
        compare([Scenario("many", per_week=100, clerks=10)], weeks=10**8)


def test_the_interval_of_a_mean_holds_it_and_no_figure_that_can_not_be() -> None:
    random, held = np.random.default_rng(5), 0
    for _ in range(1000):
        found = Estimate.of(list(random.gamma(4, 0.25, 12)))
        held += found.low <= 1 <= found.high
    assert 925 <= held <= 970
    two = Estimate.of([51.0, 49.0])  # a mean of 50 with a standard error of 1, by one degree of freedom
    assert (two.low, two.high) == pytest.approx((50 - 12.7062, 50 + 12.7062), rel=1e-5)
    waits, shares = Estimate.of([0.0, 0.0, 0.9]), Estimate.of([0.2, 1.0, 1.0], most=1)
    assert waits.low == 0
    assert shares.high == 1


def test_between_the_ends_lie_95_in_100_of_such_replications_whatever_their_law() -> None:
    random, held = np.random.default_rng(6), 0
    for _ in range(2000):
        drawn = random.lognormal(0, 1.5, SPREAD_LEAST + 1)  # far from the normal law
        found = Estimate.spread(list(drawn[:-1]))
        held += found.low <= drawn[-1] <= found.high
        assert found.low > 0
    assert 1880 <= held <= 1930
    assert Estimate.spread([0.5] * 30 + [1.2] * 9, most=1).high == 1


def test_what_measured_inputs_leave_open_is_not_told_of_few_replications() -> None:
    with pytest.raises(ScenarioUnusable, match="12 replications"):
        compare([REMOTE], **SHORT, redrawn={"A3": [REMOTE] * 12})


def test_draws_with_more_work_than_time_are_counted_as_without_end() -> None:
    """The figures of the few others are not those of the whole."""
    how = {"weeks": 8, "warm_up_weeks": 2, "replications": 40}
    full = Scenario("A3", handling_min=20)
    [steady] = compare([REMOTE], **how, redrawn={"A3": [REMOTE] * 40})
    [some] = compare([REMOTE], **how, redrawn={"A3": [full] * 4 + [REMOTE] * 36})
    [most] = compare([REMOTE], **how, redrawn={"A3": [full] * 39 + [REMOTE]})
    assert [one.overloaded for one in (steady, some, most)] == [0, 4, 39]
    assert isfinite(steady.lead_p90_days.high)
    for lead in (some.lead_median_days, some.lead_p90_days, some.in_progress):
        assert isfinite(lead.value)
        assert lead.high == inf
    assert (some.within.low, some.busy.high) == (0, 1)
    assert steady.lead_median_days.value < some.lead_median_days.value
    assert (most.lead_median_days.value, most.in_progress.value, most.within.value) == (inf, inf, 0)
    assert isfinite(most.handling_fte.high)  # the work is known, and more than there is time for
    with pytest.raises(ScenarioUnusable, match="however its inputs are drawn"):
        compare([REMOTE], **how, redrawn={"A3": [full] * 40})


def test_requests_do_not_run_out_before_the_weeks_do() -> None:
    """Of one a week 20 % more than are expected are too few in one of twenty years."""
    random = np.random.default_rng(8)
    for expected in (1, 20, 60, 600):
        assert random.exponential(1, (1000, enough_for(expected))).sum(axis=1).min() > expected


def test_clerks_are_enough_for_what_measured_inputs_leave_open() -> None:
    how = {"weeks": 8, "warm_up_weeks": 2, "replications": 40, "share": 0.9, "within_days": 5}
    one = clerks_needed(REMOTE, **how)
    more = clerks_needed(REMOTE, redrawn=[REMOTE] * 30 + [Scenario("A3", handling_min=16)] * 10, **how)
    assert (one, more) == (1, 2)


def test_clerks_are_added_as_long_as_they_help_in_the_worst_draws() -> None:
    """In the middle of the draws one more brings nothing; the goal is held against the worst."""
    light, heavy = Scenario("B", handling_min=1), Scenario("B", handling_min=132)
    how = {"weeks": 20, "warm_up_weeks": 2, "replications": 40, "redrawn": [light] * 30 + [heavy] * 10}
    assert [clerks_needed(light, share=share, **how) for share in (0.8, 0.905, 0.99)] == [10, 12, None]
