"""Pages of reports end where a reader would end them: nothing that belongs together is torn, none is bare."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from pypdfium2 import PdfDocument

from languages import LANGUAGES
from tests.known_truth import Law, office
from tests.unit.test_throughput_compare import in_order, many, told
from throughput.compare import Comparison
from throughput.costs import Prices, Sum, VariantPrices, Work, costs
from throughput.estimates import Figure
from throughput.followed import Norm, Target
from throughput.measures import Spread
from throughput.monitor import Followed, Monitor, Month, months
from throughput.reporting import comparison_tables
from throughput.reporting.comparison import comparison_pdf
from throughput.reporting.flow import LEAST, Piece, pages
from throughput.reporting.frame import Cover, Report
from throughput.reporting.monitoring import counts, ends, monitoring_pdf
from throughput.reporting.ranged import ranged, shares
from throughput.reporting.seal import Seal
from throughput.reporting.table import Table
from throughput.reporting.words import report_words
from throughput.scope import Scope
from throughput.whole import Given, KeyCosts, panels
from workflow.calendar import parse_working_duration

MADE = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)
HEADING, NOTE, ROW = "Heading", "Note", "Row"


def lines_of(pdf: bytes) -> list[list[str]]:
    """What is written on each page, without its foot."""
    with PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_range().split("\r\n")[:-2] for page in document]


def written(rows: int, paragraphs: int) -> bytes:
    """A report of so many paragraphs, a table with a note, and two sections more."""
    report = Report(Cover("Long", [], MADE), report_words("en"))
    report.heading(f"{HEADING} 1")
    report.paragraph(*["word " * 60] * paragraphs)
    for number in (2, 3):
        report.heading(f"{HEADING} {number}")
        report.table(Table(["Name", "Count"], [[f"{ROW} {n}", str(n)] for n in range(rows)]))
        report.note(f"{NOTE} {number} " * 30)
    report.heading(f"{HEADING} 4")
    report.paragraph("word " * 30)
    return report.finished({}, identifier="long")


@pytest.mark.parametrize("paragraphs", [0, 7])
def test_what_belongs_together_is_on_one_page(paragraphs: int) -> None:
    for rows in range(2, 60, 3):
        every = lines_of(written(rows, paragraphs))
        for before, after in pairwise(every):
            assert not before[-1].startswith(HEADING)
            assert not after[1].startswith(NOTE)  # below the running head
            there = [sum(line.startswith(ROW) for line in page) for page in (before, after)]
            assert not set(there) & {1}
        assert len(every) == 1 or len(every[-1]) > 6


def test_a_page_that_goes_on_says_with_what() -> None:
    first, second, *_ = lines_of(written(59, 0))
    assert first[0] == "Long"
    assert second[0].split() == ["Long", HEADING, "2"]


def test_what_is_too_high_for_a_page_is_torn_as_far_down_as_it_goes() -> None:
    piece = Piece(100.0, lambda sheet: None)
    assert pages([piece] * 12, 500, 500) == [0, 5, 10]
    assert pages([replace(piece, height=900.0), piece], 500, 500) == [0, 1]


def test_the_last_page_takes_over_from_the_one_before_what_it_lacks() -> None:
    piece = Piece(LEAST / 4, lambda sheet: None, before=0.0)
    *_, last = pages([piece] * 41, LEAST * 10, LEAST * 10)
    assert 41 - last >= 4
    assert len(pages([piece] * 40, LEAST * 10, LEAST * 10, end=LEAST)) == 2  # with room for the seal


def test_a_cell_like_the_one_above_it_is_printed_once_a_page() -> None:
    report = Report(Cover("Long", [], MADE), report_words("en"))
    report.table(Table(["Kind", "Name"], [["Alike", f"{ROW} {n}"] for n in range(60)], words=2, same=1))
    every = lines_of(report.finished({}, identifier="long"))
    assert len(every) > 1
    assert [sum("Alike" in line for line in page) for page in every] == [1] * len(every)


def several() -> Comparison:
    """Three processes, the times of each in two ways of signing."""
    slow, fast = [1500 + n % 5 for n in range(40)], [6 + n % 5 for n in range(40)]
    found, first = [], 1
    for key in ("employer-declaration", "plan", "leave"):
        for variant, taken in (("A0", slow), ("A3", fast)):
            found.append([record | {"key": key} for record in many(variant, list(taken), first)])
            first += 100
    return told(*in_order(*found))


def reports() -> Iterator[tuple[str, bytes]]:
    compared = several()
    groups = [
        replace(office(Law(), seed), key=row.key, variant=row.variant)
        for seed, row in enumerate(compared.rows, start=1)
    ]
    period = months(Month(2025, 9), Month(2026, 10))
    cases = [
        Followed(
            "one",
            datetime(m.year, m.month, 2, tzinfo=UTC),
            datetime(m.year, m.month, 9, tzinfo=UTC),
            "done",
            3,
            took,
        )
        for m in period
        for took in [0] * 30 + [1] * 10
    ]
    counted = Monitor.of(cases, period, ZoneInfo("UTC")).report(None)
    target = Target(Norm(parse_working_duration("P5D"), "delivered"), "office-nl", 0.85)
    seal = Seal("Office", "advanced", "B-LTA", development=True)
    for language in LANGUAGES:
        words = report_words(language)
        more = {"made_at": MADE, "words": words}
        yield language, monitoring_pdf(counted, target, **more)
        for sealed in (None, seal):
            found = panels(groups, reached={}, given=Given(prices=Prices("EUR", None, None, {})))
            yield language, comparison_pdf(compared, scope=Scope(), panels=found, seal=sealed, **more)


def test_no_page_of_a_report_is_nearly_bare() -> None:
    for _, pdf in reports():
        assert min(len(page) for page in lines_of(pdf)) > 8


def test_the_first_page_shows_the_differences_of_each_process() -> None:
    first = " ".join(
        lines_of(comparison_pdf(several(), scope=Scope(), made_at=MADE, words=report_words("en")))[0]
    )
    assert "Lead time, from requested to delivered: differences of medians (measured)" in first
    for process in ("Employer declaration", "Plan", "Leave"):
        assert f"{process}: A0 – A3" in first


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (Figure(9, 16.24, 15.96, 16.41), "16,2 (16,0–16,4)"),
        (Figure(9, 0.2, -0.36, 0.76), "0,2 (0,0–0,8)"),
        (Figure(9, 2.0, 2.0, 2.0), "2,0"),
        (Figure(9, 2.0, 1.5, None), "2,0 (1,5–…)"),
        (Figure(9, 0.01), "<0,1"),
        (Figure(4, 0.01), "–"),
        (Figure(0, 6.75, origin="claimed"), "6,8"),
        (Figure(0, None), "–"),
    ],
)
def test_a_figure_is_told_with_its_ends(figure: Figure, said: str) -> None:
    assert ranged(figure, report_words("nl")) == said


def test_a_share_is_told_as_the_language_writes_it() -> None:
    half = Figure(9, 0.5, 0.25, 0.75)
    assert [shares(half, report_words(one)) for one in ("en", "nb")] == [
        "50% (25–75%)",
        "50\xa0% (25–75\xa0%)",
    ]


def test_without_a_volume_no_costs_are_told_and_it_is_said_what_is_missing() -> None:
    group = replace(office(Law(), 1), key="employer-declaration", variant="A3")
    prices = Prices("EUR", Sum(40, 40, 40), None, {"A3": VariantPrices(*[Sum(1, 1, 1)] * 4)})
    found = panels([group], reached={}, given=Given(prices=prices))
    for per_week, said in ((10, "at 10.0 a week; in EUR"), (None, "for want of the requests a week")):
        told_costs = costs(prices, [Work("A3", Figure(9, 10.0), 1.0)], per_week=per_week)
        held = replace(found, costs=(KeyCosts("employer-declaration", per_week, tuple(told_costs)),))
        every = comparison_pdf(several(), scope=Scope(), made_at=MADE, words=report_words("en"), panels=held)
        pages_ = " ".join(line for page in lines_of(every) for line in page)
        assert said in pages_
        assert "– a week" not in pages_


def test_of_four_steps_no_median_is_told() -> None:
    for n, said, high in ((4, "–", "–"), (5, "7.00", "–"), (50, "7.00", "9.00")):
        (row, *_) = several().rows
        row = replace(
            row,
            system_ms={"sign": Spread(n, 7.0, 9.0, n // 10)},
            system_total_ms=Spread(n, 7.0, 9.0, n // 10),
        )
        cells = dict(comparison_tables.machine([row], report_words("en")).rows)
        assert (cells["sign"], cells["In all, of a delivered request"]) == (said, said)
        assert cells["In all: 90% within"] == high
        assert comparison_tables.too_few(row) is (high == "–")


def test_costs_have_one_heading_and_name_the_process_of_which_none_are_told() -> None:
    group = replace(office(Law(), 1), key="employer-declaration", variant="A3")
    prices = Prices("EUR", Sum(40, 40, 40), None, {"A3": VariantPrices(*[Sum(1, 1, 1)] * 4)})
    found = panels([group], reached={}, given=Given(prices=prices))
    work = {
        "employer-declaration": [Work("A3", Figure(9, 10.0), 1.0)],
        "plan": [Work("A1", Figure(9, 10.0), 1.0)],
    }
    held = [KeyCosts(key, 10, tuple(costs(prices, one, per_week=10))) for key, one in work.items()]
    every = comparison_pdf(
        several(),
        scope=Scope(),
        made_at=MADE,
        words=report_words("en"),
        panels=replace(found, costs=tuple(held)),
    )
    lines = [line for page in lines_of(every) for line in page]
    assert sum(line.startswith("Cost a year") for line in lines) == 1
    assert any(line.startswith("Plan, A1: By a click: no cost is told") for line in lines)


def test_more_requests_than_anybody_has_are_not_asked_for_to_the_last() -> None:
    [one, *_] = [one for one in several().contrasts if one.figure == "handling"]
    for needed, said in ((None, "–"), (5_812, "5,800"), (560_000, ">\u00a0100,000")):
        [row] = comparison_tables.said([replace(one, needed=needed)], report_words("en")).rows
        assert row[-1] == said


def test_steps_of_people_stand_in_the_order_of_the_process() -> None:
    compared = several()
    (row, *_) = compared.rows
    row = replace(
        row, touch_s={one: Spread(9, 60.0, 90.0, 0) for one in ("manager", "new", "request", "sign")}
    )
    told_ = comparison_tables.states(compared, [row], report_words("en")).rows
    assert [cells[2] for cells in told_] == ["Filling in", "Manager's part", "Signature", "New"]


def test_a_month_is_on_one_line() -> None:
    counted = Monitor.of([], months(Month(2026, 8), Month(2026, 10)), ZoneInfo("UTC")).report(None)
    for table in (counts(counted, report_words("da")), ends(counted, report_words("da"))):
        assert not any(" " in row[0] for row in table.rows)


def test_of_many_months_the_machine_is_told_on_several_tables_in_which_no_figure_is_cut() -> None:
    (row, *_) = several().rows
    spread = Spread(50, 161.62, 199.7, 5)
    rows = [
        replace(row, variant=f"{one}", system_ms={"sign": spread}, system_total_ms=spread)
        for one in months(Month(2025, 6), Month(2026, 11))
    ]
    compared = replace(several(), rows=rows, contrasts=[], by="month")
    pages_ = lines_of(comparison_pdf(compared, scope=Scope(), made_at=MADE, words=report_words("en")))
    cells = " ".join(line for page in pages_ for line in page)
    assert cells.count("161.62") == 2 * len(rows)
    assert [len(some) for some in comparison_tables.beside_each_other(rows)] == [6, 6, 6]
    assert [len(some) for some in comparison_tables.beside_each_other(rows[:7])] == [4, 3]
