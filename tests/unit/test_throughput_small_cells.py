"""No hidden count can be told: by trying all counts that fit, and by another solver's reckoning."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from throughput.errors import SumsWrong
from throughput.small_cells import Cell, Hidden, Sum, hidden

Table = dict[Cell, int]


def cube(*sizes: int, values: list[int]) -> tuple[Table, list[Sum]]:
    """A table of any number of dimensions with all its margins: a place is a number, or `all`."""
    counts: Table = dict(zip(product(*map(range, sizes)), values, strict=True))
    sums: list[Sum] = []
    for axis in range(len(sizes)):
        others = [list(range(size)) + (["all"] if before < axis else []) for before, size in enumerate(sizes)]
        others[axis] = ["all"]
        for total in product(*others):
            parts = tuple((*total[:axis], n, *total[axis + 1 :]) for n in range(sizes[axis]))
            counts[total] = sum(counts[part] for part in parts)
            sums.append(Sum(total, parts))
    for axis in range(len(sizes)):  # the sums of margins along the axes that were summed before
        others = [[*range(size), "all"] for size in sizes]
        others[axis] = ["all"]
        for total in product(*others):
            parts = tuple((*total[:axis], n, *total[axis + 1 :]) for n in range(sizes[axis]))
            if (one := Sum(total, parts)) not in sums:
                sums.append(one)
    return counts, sums


def fits_otherwise(counts: Table, sums: list[Sum], found: Hidden) -> set[Cell]:
    """The hidden cells that scipy finds another whole count for, everything printed staying as it is, and
    small what is known to be so.
    """
    kept, large = found.cells, found.large or frozenset()
    cells = list(counts)
    place = {cell: n for n, cell in enumerate(cells)}
    rows = np.zeros((len(sums), len(cells)))
    for row, one in zip(rows, sums, strict=True):
        row[[place[part] for part in one.parts]] = 1
        row[place[one.total]] = -1
    highest = 10_000 if found.large is None else 2
    low = np.array([3 if cell in large else 0 if cell in kept else counts[cell] for cell in cells])
    high = np.array(
        [10_000 if cell in large else highest if cell in kept else counts[cell] for cell in cells]
    )
    otherwise = set()
    for cell in kept:
        for sign in (1, -1):
            aim = np.zeros(len(cells))
            aim[place[cell]] = sign
            solved = milp(
                aim,
                constraints=LinearConstraint(rows, 0, 0),
                bounds=Bounds(low, high),
                integrality=np.ones(len(cells)),
            )
            if round(sign * solved.fun) != counts[cell]:
                otherwise.add(cell)
    return otherwise


def require_kept(counts: Table, sums: list[Sum]) -> frozenset[Cell]:
    found = hidden(counts, sums)
    assert found.cells >= {cell for cell, count in counts.items() if count <= 2}
    assert found.large in (None, {cell for cell in found.cells if counts[cell] > 2})
    assert fits_otherwise(counts, sums, found) == found.cells
    return found.cells


def test_the_second_count_of_a_row_is_hidden_where_the_first_could_be_had_by_subtraction() -> None:
    counts: Table = {"yes": 40, "no": 2, "all": 42}
    assert hidden(counts, [Sum("all", ("yes", "no"))]).cells >= {"no"}
    assert len(hidden(counts, [Sum("all", ("yes", "no"))]).cells) == 2


def test_what_hides_a_small_count_does_not_tell_how_large_it_is_itself() -> None:
    """Which of the others hides it does not depend on which of them is smaller."""
    row = [Sum("all", ("few", "one", "other"))]
    chosen = [
        hidden({"few": 1, "one": one, "other": 39 - one, "all": 40}, row).cells for one in (5, 9, 20, 30, 34)
    ]
    assert len(set(chosen)) == 1


def test_without_sums_only_small_counts_are_hidden() -> None:
    assert hidden({"a": 0, "b": 2, "c": 3}, []).cells == {"a", "b"}


def test_nothing_small_hides_nothing() -> None:
    counts, sums = cube(2, 2, values=[3, 4, 5, 6])
    assert hidden(counts, sums).cells == frozenset()


def test_two_zeros_beside_a_printed_sum_are_told_and_so_covered() -> None:
    """Two hidden cells of a row that add up to nothing are both nothing, and to one of them at most one."""
    counts, sums = cube(2, 3, values=[0, 0, 9, 5, 7, 8])
    require_kept(counts, sums)


def test_who_knows_which_are_small_tells_none() -> None:
    """Of 2 and 2 that make 4, who knows that both are small knows both; so the sum is hidden, too."""
    sums = [Sum("all", ("a", "b"))]
    assert hidden({"a": 2, "b": 2, "all": 4}, sums) == Hidden(
        frozenset({"a", "b", "all"}), frozenset({"all"})
    )
    assert hidden({"a": 2, "b": 1, "all": 3}, sums) == Hidden(frozenset({"a", "b"}), frozenset())


def test_where_nobody_may_know_which_are_small_it_is_not_told() -> None:
    """Columns of 4 and 2, rows of 3: with 2 of the first row known to be small there is no other table."""
    counts, sums = cube(2, 2, values=[2, 1, 2, 1])
    assert hidden(counts, sums).large is None
    require_kept(counts, sums)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=9, max_size=9))
def test_no_count_of_a_table_can_be_told(values: list[int]) -> None:
    require_kept(*cube(3, 3, values=values))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=8, max_size=8))
def test_no_count_of_several_units_reports_together_can_be_told(values: list[int]) -> None:
    require_kept(*cube(2, 2, 2, values=values))


def test_trying_all_counts_agrees_with_the_solvers() -> None:
    """For tables of 2 × 2 with counts up to 3: another table, with counts up to 4, prints the same."""
    tables = {values: cube(2, 2, values=list(values)) for values in product(range(5), repeat=4)}
    for values in combinations_with_replacement(range(4), 4):
        counts, sums = tables[values]
        found = hidden(counts, sums)
        kept = found.cells
        like = [
            other
            for other, _ in tables.values()
            if all(other[cell] == counts[cell] for cell in counts if cell not in kept)
            and (found.large is None or all((other[cell] > 2) == (counts[cell] > 2) for cell in kept))
        ]
        for cell in kept:
            assert {other[cell] for other in like} != {counts[cell]}, (values, cell)


def test_a_years_report_hides_little_and_is_made_in_no_time() -> None:
    rng = np.random.default_rng(1)
    counts, sums = cube(12, 2, values=[int(n) for n in rng.poisson(12, 24)])
    kept = require_kept(counts, sums)
    small = sum(count <= 2 for count in counts.values())
    assert len(kept) <= 4 * max(small, 1)


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(SumsWrong):
        hidden({"a": 1, "b": 2, "all": 4}, [Sum("all", ("a", "b"))])
