"""Costs come from figures that were given, payback from what is saved; the score card invents nothing."""

import csv
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from tests.known_truth import Law, office
from tests.unit.test_throughput_compare import in_order, many, told
from throughput import panels_data
from throughput.compare import Comparison
from throughput.compare_data import as_csv
from throughput.compare_text import as_text
from throughput.costs import Prices, Range, Sum, Work, costs, read_prices
from throughput.errors import CostsUnusable
from throughput.estimates import Figure
from throughput.levels import LevelReached
from throughput.reporting import given_tables
from throughput.reporting.words import report_words
from throughput.said import payback_said, source_said, statement_said, tables
from throughput.scenario import SOURCE
from throughput.score_card import Criterion, Known, Simulated, score_card
from throughput.simulate import compare
from throughput.whole import Given, KeyCosts, Panels, panels

PRICES = """
currency = "EUR"
hourly_rate = [40, 50, 60]
baseline = "A0"

[variants.A0]
licence_per_year = 0
per_signature = 0
one_off = 0

[variants.A3]
licence_per_year = [1000, 1500, 2000]
per_signature = 0.5
one_off = [6000, 9000, 12000]
signatures_per_request = 1
"""
WORK = [
    Work("A0", Figure(0, 10.0, origin="claimed"), None),
    Work("A3", Figure(0, 6.0, origin="claimed"), None),
]


def prices(tmp_path: Path, text: str = PRICES) -> Prices:
    file = tmp_path / "costs.toml"
    file.write_text(text, encoding="utf-8")
    return read_prices(file)


def test_running_cost_and_payback_by_hand(tmp_path: Path) -> None:
    """100 a week are 5,200 a year: 866.7 h at A0, 520 h at A3; 346.7 h saved."""
    paper, seal = costs(prices(tmp_path), WORK, per_week=100)
    assert paper.running is not None
    assert paper.running.likely == pytest.approx(5200 * 10 / 60 * 50)
    assert seal.running is not None
    assert seal.running.likely == pytest.approx(520 * 50 + 2600 + 1500)
    assert (seal.running.low, seal.running.high) == pytest.approx((520 * 40 + 3600, 520 * 60 + 4600))
    assert seal.payback is not None
    hours = 5200 * 4 / 60
    assert seal.payback.saved_per_year.likely == pytest.approx(hours * 50 - 4100)
    assert seal.payback.years.likely == pytest.approx(9000 / (hours * 50 - 4100))
    assert seal.payback.years.low == pytest.approx(6000 / (hours * 60 - 3600))
    assert seal.payback.years.high == pytest.approx(12000 / (hours * 40 - 4600))
    assert paper.payback is None


def test_all_ways_are_reckoned_for_all_requests_of_the_process(tmp_path: Path) -> None:
    """Paper until the fourth week, the seal from then on: eight weeks in all, not twice as many requests."""
    paper, seal = (
        replace(office(Law(weeks=8), 1), key="employer-declaration", variant=name) for name in ("A0", "A3")
    )
    half = len(paper.opened_us) // 2
    late = replace(seal, opened_us=np.maximum(seal.opened_us, seal.opened_us[half]))
    found = panels([paper, late], reached={}, given=Given(prices=prices(tmp_path))).costs[0]
    assert found.per_week == pytest.approx(2 * len(paper) / 8, rel=0.05)


def test_a_way_of_signing_of_another_process_has_no_price_in_this_one(tmp_path: Path) -> None:
    """Nor has one that the source study tells of another process alone; one that nobody has yet has."""
    text = PRICES + "".join(f"[variants.{name}]\nlicence_per_year = 5\n" for name in ("standard", "A9"))
    paper = replace(office(Law(weeks=8), 1), key="employer-declaration", variant="A0")
    plan = replace(paper, key="team-action-plan", variant="standard")
    given = Given(prices=prices(tmp_path, text))
    for groups in ([paper, plan], [plan]):
        found = panels(groups, reached={}, given=given).costs
        named = {held.key: [one.variant for one in held.costs] for held in found}
        assert named.pop("team-action-plan") == ["A9", "standard"]
        assert list(named.values()) in ([], [["A0", "A3", "A9"]])


def test_where_no_cost_is_known_there_is_no_table_of_costs(tmp_path: Path) -> None:
    plan = replace(office(Law(weeks=8), 1), key="team-action-plan", variant="standard")
    said = tables(panels([plan], reached={}, given=Given(prices=prices(tmp_path))))
    (cost,) = (one for one in said if one.title.startswith("Cost a year of team-action-plan"))
    assert cost.rows == []
    assert [note.split(":")[0] for note in cost.notes] == ["standard"]
    shown = as_text(told(*in_order(many("A0", [6], 1))), said)
    assert "requests a week (EUR; as given)\nstandard: no cost without variants.standard." in shown


def test_what_saves_nothing_is_never_paid_back(tmp_path: Path) -> None:
    slower = [WORK[0], replace(WORK[1], handling_min=Figure(0, 12.0, origin="claimed"))]
    (_, seal) = costs(prices(tmp_path), slower, per_week=100)
    assert seal.payback is not None
    assert seal.payback.years == Range(None, None, None)
    assert payback_said(seal.payback.years) == "never"
    assert payback_said(Range(2.0, None, None)) == "likely never, at best in 2.0 years"


def test_the_interval_of_measured_minutes_is_in_the_range(tmp_path: Path) -> None:
    measured = [WORK[0], Work("A3", Figure(40, 6.0, 5.0, 7.5), 1.0)]
    (_, seal) = costs(prices(tmp_path), measured, per_week=100)
    assert seal.labour == Sum(*(pytest.approx(5200 / 60 * each) for each in (5 * 40, 6 * 50, 7.5 * 60)))
    assert (seal.handling_origin, seal.handling_n) == ("measured", 40)


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("hourly_rate = [40, 50, 60]", "hourly_rate"),
        ("licence_per_year = [1000, 1500, 2000]", "variants.A3.licence_per_year"),
        ("one_off = [6000, 9000, 12000]", "variants.A3.one_off"),
        ("signatures_per_request = 1", "variants.A3.signatures_per_request"),
    ],
)
def test_without_a_figure_there_is_no_cost_and_its_name_is_told(
    tmp_path: Path, without: str, missing: str
) -> None:
    assert without in PRICES
    seal = costs(prices(tmp_path, PRICES.replace(without, "")), WORK, per_week=100)[-1]
    assert (seal.running, seal.payback, seal.missing) == (None, None, (missing,))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hourly_rate = [3, 2, 1]", "hourly_rate"),
        ("hourly_rate = -1", "hourly_rate"),
        ("hourly_rate = nan", "hourly_rate"),
        ("hourly_rate = true", "hourly_rate"),
        ('hourly_rate = "much"', "hourly_rate"),
        ("hourly_rate = [1, 2]", "hourly_rate"),
        ("hourlyrate = 1", "hourlyrate"),
        ("[variants.A3]\nlicense = 1", "variants.A3: license"),
        ("variants = 3", "variants"),
        ("currency = 3", "currency"),
        ("currency =", "TOML"),
        (f"hourly_rate = {'9' * 5000}", "TOML"),
    ],
)
def test_a_file_that_will_not_do_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CostsUnusable, match=told) as refused:
        prices(tmp_path, text)
    assert refused.value.hint


def test_the_prices_of_the_how_to_can_be_read(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs/how-to/say-what-signing-costs.md").read_text(encoding="utf-8")
    found = prices(tmp_path, guide.split("```toml")[1].split("```")[0])
    assert found.variants["A3"].per_signature == Sum(0.2, 0.5, 1.0)
    assert [one.missing for one in costs(found, WORK, per_week=100)] == [(), ()]


def both(given: Given) -> Panels:
    groups = [
        replace(office(Law(weeks=8), seed), key="employer-declaration", variant=variant)
        for seed, variant in enumerate(("A1", "A3"))
    ]
    reached = {("employer-declaration", "A3"): [LevelReached("qualified-remote", "B-LT", 7)]}
    return panels(groups, reached=reached, given=given)


def test_each_cell_of_the_score_card_says_where_it_is_from(tmp_path: Path) -> None:
    card = both(Given(per_week=100, prices=prices(tmp_path))).score_card
    assert card is not None
    assert card.variants == ("A0", "A1", "A2", "A3", "A4")
    assert len(card.cells) == 25
    said = {
        (cell.criterion, cell.variant): [(statement_said(one), source_said(one)) for one in cell.said]
        for cell in card.cells
    }
    assert said[Criterion.EASE, "A4"] == []
    assert said[Criterion.LEGAL, "A3"] == [
        ("B-LT reached, profile qualified-remote", "measured, n = 7"),
        ("high (“Hoog”)", "claimed"),
    ]
    assert said[Criterion.LABOUR, "A0"] == [("10 min a request", "claimed")]
    assert said[Criterion.LABOUR, "A3"][0][1].startswith("measured, n = ")
    assert said[Criterion.FINANCIAL, "A3"][0][1].startswith("given, minutes measured")
    assert said[Criterion.FINANCIAL, "A1"] == [("high (“Hoog”)", "claimed")]  # no price was given of it


def test_the_card_tells_what_was_simulated_as_that_with_its_interval() -> None:
    outcomes = compare(SOURCE, weeks=4, warm_up_weeks=1, replications=5)
    printed = json.loads(json.dumps({"scenarios": [asdict(one) for one in outcomes]}))
    card = both(Given(simulated=Simulated.of(printed))).score_card
    assert card is not None
    fte, rate = outcomes[0].handling_fte, outcomes[0].scenario.per_week
    [simulated, claimed] = card.cell(Criterion.LABOUR, "A0").said
    assert source_said(simulated) == "simulated"
    assert statement_said(simulated) == (
        f"{fte.value:.2f} ({fte.low:.2f} … {fte.high:.2f}) FTE of handling, at {rate:g} a week"
    )
    assert source_said(claimed) == "claimed"
    assert [one.source for one in card.cell(Criterion.LABOUR, "A2").said] == [
        "claimed"
    ]  # nobody simulated it


def test_a_cost_says_where_its_minutes_are_from(tmp_path: Path) -> None:
    """Paper's are the source's, the seal's were measured: a payback of the two rests on both."""
    found = both(Given(per_week=100, prices=prices(tmp_path)))
    [cost] = [table for table in tables(found) if table.title.startswith("Cost")]
    place = cost.rows[0].index("minutes")
    measured = found.costs[0].costs[-1].handling_n
    assert [row[place] for row in cost.rows[1:]] == ["claimed", f"measured, n = {measured}"]
    assert found.score_card is not None
    said = {one.variant: one.said for one in found.score_card.cells if one.criterion is Criterion.FINANCIAL}
    assert source_said(said["A0"][0]) == "given, minutes claimed"
    assert source_said(said["A3"][0]).startswith("given, minutes measured, n = ")


def test_no_cost_is_told_without_figures_and_two_fte_are_said_to_be_impossible() -> None:
    found = tables(both(Given()))
    notes = " ".join(note for table in found for note in table.notes)
    assert "The claimed saving of 2 FTE cannot come from handling time at 100 requests a week" in notes
    assert not any("Cost" in table.title for table in found)
    assert "valid" not in notes


def test_the_same_figures_are_in_csv(tmp_path: Path) -> None:
    found = both(Given(per_week=100, prices=prices(tmp_path)))
    lines = as_csv(Comparison([]), panels_data.csv_rows(found)).splitlines()
    heads, *rows = csv.reader(lines)
    told = {(row[1], row[2]): dict(zip(heads, row, strict=True)) for row in rows}
    capacity = told["A3", "capacity.by_week"]
    assert capacity["origin"] == "given, minutes measured"
    assert float(capacity["value"]) == pytest.approx(found.capacity[1].fte_by_week.value, rel=1e-4)
    priced = [one for one in panels_data.as_json(found)["costs"][0]["variants"] if one["running"]]
    assert [one["variant"] for one in priced] == ["A0", "A3"]
    for one in priced:
        running = told[one["variant"], "cost.running"]
        ends = [float(running[name]) for name in ("low", "value", "high")]
        assert ends == pytest.approx([one["running"][name] for name in ("low", "likely", "high")], rel=1e-4)
        assert running["origin"] == f"given, minutes {one['handling_origin']}"
        assert running["unit"] == "EUR/year"
    assert {("A0", "cost.payback"), ("A1", "cost.running")}.isdisjoint(told)
    back, years = told["A3", "cost.payback"], priced[1]["payback"]["years"]
    for name, end in (("low", "low"), ("value", "likely"), ("high", "high")):
        assert back[name] == ("" if years[end] is None else f"{years[end]:.6g}")
    assert not any("cost." in ",".join(row) for row in panels_data.csv_rows(both(Given())))


@pytest.mark.parametrize(("language", "never"), [("en", "never"), ("da", "aldrig")])
def test_a_report_tells_costs_and_where_each_cell_of_the_card_is_from(
    tmp_path: Path, language: str, never: str
) -> None:
    words = report_words(language)
    slower = [WORK[0], replace(WORK[1], handling_min=Figure(0, 12.0, origin="claimed"))]
    for work, expected in ((WORK, None), (slower, never)):
        found = costs(prices(tmp_path), work, per_week=100)
        table = given_tables.costs(KeyCosts("employer-declaration", 100, tuple(found)), words)
        cells = {row[0]: row[1:] for row in table.rows}
        running = [one.running for one in found]
        assert [said.split(" ")[0] for said in cells[words.text("A year in all")]] == [
            words.decimal(one.likely, 0) for one in running if one
        ]
        paid = cells[words.text("Paid back")]
        assert paid[0] == words.text("the others are held against it")
        assert (paid[1] == expected) is (expected is not None)
        card = score_card(Known(costs=found))
        rows = given_tables.score_card(card, words).rows
        assert len(rows) == sum(max(1, len(cell.said)) for cell in card.cells)
        assert [words.text("Ease of use"), "A0", words.text("not known"), "–"] in rows
        low = {"en": "low (“Laag”)", "nl": "laag", "da": "lav (»Laag«)", "nb": "lav («Laag»)"}[language]
        assert [words.text("Labour"), "A2", low, words.text("claimed")] in rows
        assert sum(words.text("given") in row[3] for row in rows) == len(found)


def test_of_a_file_that_is_not_there_no_line_is_to_be_mended(tmp_path: Path) -> None:
    with pytest.raises(CostsUnusable) as refused:
        read_prices(tmp_path / "costs.toml")
    assert str(refused.value).endswith("costs.toml can't be read: No such file or directory.")
    assert refused.value.hint == "Look at its path and its rights."
