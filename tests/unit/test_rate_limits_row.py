"""One provider's row, played through at random: never more than the limit, in turn, and no busy loop.

PARAAF_CAMPAIGN multiplies the number of random plays (default 1).
"""

import heapq
import os
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from signing.authorities import Limit
from workflow.rate_limits import WAITING_MOST, _Row

PER_US = 1000
PLAYS = int(100 * float(os.environ.get("PARAAF_CAMPAIGN", "1")))


def limit_of(count: int) -> Limit:
    return Limit(count, timedelta(microseconds=PER_US))


def require_never_more(given_at: list[int], count: int) -> None:
    for end in given_at:
        assert sum(end - PER_US < at <= end for at in given_at) <= count


@settings(max_examples=PLAYS)
@given(
    count=st.integers(2, 6),
    takes=st.lists(
        st.tuples(st.integers(0, 700), st.integers(0, 5), st.integers(1, 2), st.integers(-5000, 0)),
        max_size=80,
    ),
)
def test_in_no_window_are_more_given_than_the_limit(
    count: int, takes: list[tuple[int, int, int, int]]
) -> None:
    """Time goes on by itself; the clock that is read goes back every now and then, and never forward."""
    row, limit, real, set_back = _Row(), limit_of(count), 0, 0
    given_at: list[int] = []
    for passed, who, wanted, back in takes:
        real += passed
        set_back += back if back < -4000 else 0
        now = 10**9 + real + set_back
        wait = row.take(limit, now=now, turn=f"turn-{who}", count=wanted)
        assert wait >= 0
        if wait == 0:
            given_at += [real] * wanted
        assert len(row.given) <= count
        assert len(row.places) <= 2 * 6
    require_never_more(given_at, count)


@settings(max_examples=PLAYS)
@given(
    count=st.integers(2, 5),
    arrivals=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 2)), min_size=1, max_size=40),
)
def test_all_get_their_turn_in_their_order_and_ask_few_times(
    count: int, arrivals: list[tuple[int, int]]
) -> None:
    row, limit, now = _Row(), limit_of(count), 0
    asking: list[tuple[int, int, int]] = []
    for number, (passed, wanted) in enumerate(arrivals):
        now += passed
        heapq.heappush(asking, (now, number, wanted))
    asked, served = [0] * len(arrivals), []
    while asking:
        now, number, wanted = heapq.heappop(asking)
        asked[number] += 1
        assert asked[number] <= 4, "a waiting turn asks again and again"
        if wait := row.take(limit, now=10**9 + now, turn=str(number), count=wanted):
            heapq.heappush(asking, (now + wait, number, wanted))
        else:
            served.append((now, number))
    waited = [number for _, number in served if asked[number] > 1]
    assert waited == sorted(waited), "somebody was overtaken"


def test_a_newcomer_does_not_take_the_place_of_who_waits() -> None:
    row, limit = _Row(), limit_of(1)
    assert row.take(limit, now=0, turn="first", count=1) == 0
    assert row.take(limit, now=10, turn="second", count=1) == PER_US - 10
    assert row.take(limit, now=PER_US, turn="newcomer", count=1) > 0
    assert row.take(limit, now=PER_US + 1, turn="second", count=1) == 0


def test_a_place_that_nobody_comes_back_for_lapses() -> None:
    row, limit = _Row(), limit_of(1)
    row.take(limit, now=0, turn="first", count=1)
    row.take(limit, now=10, turn="gone", count=1)
    wait = row.take(limit, now=20, turn="third", count=1)
    assert wait == 2 * PER_US - 20
    assert row.take(limit, now=20 + wait, turn="third", count=1) == 0


def test_a_clock_that_goes_back_delays_by_a_period_at_most() -> None:
    row, limit, year = _Row(), limit_of(2), 10**12
    row.take(limit, now=year, turn="a", count=2)
    assert row.take(limit, now=year, turn="b", count=1) == PER_US
    assert row.take(limit, now=5, turn="c", count=1) <= 2 * PER_US  # behind b
    assert row.take(limit, now=5, turn="b", count=1) <= PER_US
    assert row.take(limit, now=5 + PER_US, turn="b", count=1) == 0


def test_the_row_stays_small_however_many_wait() -> None:
    row, limit = _Row(), limit_of(1)
    waits = [row.take(limit, now=0, turn=str(number), count=1) for number in range(WAITING_MOST + 50)]
    assert len(row.places) == WAITING_MOST
    assert min(waits[-49:]) >= PER_US
