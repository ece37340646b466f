"""Pages and reports call a step of the machine what it is, and tell no median of few."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

from throughput.contrasts import Contrast
from throughput.difference import Difference, Faster, Interval
from throughput.kept_days import Way
from throughput.lengths import bucket
from throughput.measures import SYSTEM_STEPS
from throughput.overview_rows import Compared, MachineStep, Passed, Spent
from throughput.reporting.comparison_tables import _STEPS as REPORTED
from throughput.reporting.words import report_words
from throughput.spans import Wait
from web.figures_beside import Beside
from web.figures_next import NextParts
from web.figures_steady import _STEPS as SHOWN
from web.figures_steady import SteadyParts
from web.figures_tables import Share, Shares, Table, Words, without_counts
from web.figures_wording import wording


def test_every_step_has_words_and_a_scan_is_one_of_paper() -> None:
    assert set(SYSTEM_STEPS) <= set(SHOWN) & set(REPORTED)
    assert (SHOWN["scan"], REPORTED["scan"]) == ("Reading the scan", "read scan")  # and not for viruses


def test_of_fewer_than_five_steps_no_median_is_told() -> None:
    told = SimpleNamespace(machine=[MachineStep("system", "seal", n, 2.0) for n in (4, 5)])
    page = SteadyParts(
        cast(Any, told), cast(Any, None), wording("en"), str, counted=True, words=report_words("en")
    )
    few, enough = page.machine().tables[0].rows
    assert [cell.plain() for cell in few] == ["Sealing", "<5", None]
    assert [cell.plain() for cell in enough] == ["Sealing", 5, "2.00"]


def test_steps_of_the_machine_stand_in_the_order_of_the_work() -> None:
    steps = ("store", "authorise", "render", "deliver", "sign", "seal")
    found = [MachineStep("provider", "sign", 9, 1.0), *(MachineStep("system", one, 9, 1.0) for one in steps)]
    page = SteadyParts(
        cast(Any, SimpleNamespace(machine=sorted(found, key=lambda one: (one.part, one.step)))),
        *(cast(Any, None), wording("en"), str),
        counted=True,
        words=report_words("en"),
    )
    assert [row[0].plain() for row in page.machine().tables[0].rows] == [
        *("Making the document", "Having it authorised"),
        *("Signing (at the provider)", "Signing", "Sealing", "Storing", "Delivering"),
    ]


def test_a_share_that_is_left_open_names_per_cent_once() -> None:
    for language, said in (("en", "47–48%"), ("nb", "47–48\u00a0%")):
        assert Shares(0.468, 0.482).written(wording(language)) == said
        assert Shares(0.482, 0.482).written(wording(language)) == said.replace("47–", "")


def test_what_is_beyond_chance_is_said_to_be_longer_or_shorter() -> None:
    for last, said in ((9.0, "longer"), (1.0, "shorter")):
        days = [5.0, 5.2, 5.0, 5.2, 5.0, 5.2, 5.0, 5.2, 5.0, 5.2, last]
        passed = [
            Passed(date(2026, 6, 1) + timedelta(weeks=n), 9, 86_400 * lead) for n, lead in enumerate(days)
        ]
        whole = SimpleNamespace(lead=None, delivered=99)
        page = NextParts(
            cast(Any, SimpleNamespace(passed=passed, whole=whole, spent=[], in_hand=[])),
            *(cast(Any, None), wording("en"), str),
            counted=True,
            words=report_words("en"),
        )
        step = page._changed()
        assert step is not None
        assert f" on is {said} than chance makes it: ask why." in step.said


def test_where_most_waiting_is_comes_first_and_not_a_rare_step() -> None:
    spent = [
        Spent("manager", 200, {Wait.QUEUE: 36_000.0}),
        Spent("wet_signature", 9, {Wait.QUEUE: 360_000.0}),
    ]
    whole = SimpleNamespace(lead=SimpleNamespace(ended=0), delivered=9)
    told = SimpleNamespace(spent=spent, whole=whole, passed=[], in_hand=[])
    names = SimpleNamespace(state=str)
    for counted, state in ((True, "manager"), (False, "wet_signature")):  # by how many, where that is known
        made = (cast(Any, told), cast(Any, names), wording("en"), str)
        page = NextParts(*made, counted=counted, words=report_words("en"))
        said = [step.said for step in page.all() if step.part == "spans"]
        assert [f"“{state}”" in one for one in said] == [True]


def test_a_pair_that_a_report_may_tell_apart_is_said_to_be_at_the_edge() -> None:
    """Where lengths are known within 1%, an interval that ends at nothing may end on either side of it."""
    for high, edge in ((0.0, True), (70.0, True), (-70.0, True), (90.0, False), (-90.0, False)):
        found = Difference(0.5, 3000.0, 5000.0, Interval(-4000.0, high), Faster(0.6, 0.6))
        pair = Contrast("k", "lead", "A1", "A3", 45, 70, 0, 0, found, None, None)
        told = SimpleNamespace(contrasts=[pair], by="variant")
        made = (cast(Any, told), cast(Any, None), wording("en"), str)
        said = " ".join(Beside(*made, counted=True, words=report_words("en")).verdicts())
        named = "At the edge of what can be told: A1 (by a click) – A3 (with a person's own key). A report of"
        assert (named in said) is edge


def test_shares_and_rates_are_those_of_exact_counts() -> None:
    """Of 78 delivered 17 went back: to the nearest five it would be another share, and more a week."""
    group = Compared("A3", came=78)
    group.ended["done"] = 78
    group.done.update({Way(900, returned=False): 61, Way(900, returned=True): 17})
    group.left[900] = 78
    group.handled[900, bucket(600_000_000)] = 78
    told = SimpleNamespace(groups=[group], contrasts=[], weeks_of=lambda _: 2.0, by="variant")
    names = SimpleNamespace(group=str)
    made = (cast(Any, told), cast(Any, names), wording("en"), str)
    lead, handling, capacity = Beside(*made, counted=True, words=report_words("en")).all()
    assert lead.tables[0].rows[0][1].plain() == 80
    assert handling.tables[0].rows[0][-1].plain() == "0.78"
    assert [cell.plain() for cell in capacity.tables[0].rows[0][1:4]] == ["39", "6.5", "0.18"]


def test_without_counts_a_share_is_told_in_twentieths_and_above_nine_tenths_all_alike() -> None:
    """A share of nearly all would tell how few are not in it; that it is over is no other one."""
    shares = (0.33, 0.92, 0.93, 1.0)
    cells = [Share(None), *map(Share, shares), Share(0.9, over=True)]
    table = Table("x", "x", [("x", "x")] * 7, [[Words("a"), *cells]])
    [[_, *told]] = without_counts(table).rows
    assert [one.plain() for one in told] == [None, "0.35", "0.90", ">0.90", ">0.90", ">0.90"]
    assert told[-1].written(wording("en")) == ">\u00a090%"
