"""Reports say what the figures say, in every language, whatever names there are."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pypdfium2 import PdfDocument

from documents.bookmarks import Bookmark, outline
from languages import LANGUAGES
from tests.known_truth import Law, office
from tests.unit.test_throughput_compare import in_order, many, told
from tests.unit.test_throughput_little_weeks import of_law
from throughput.compare import Comparison
from throughput.compare_data import as_json
from throughput.compare_text import as_text
from throughput.estimates import Figure
from throughput.followed import Norm, Target
from throughput.monitor import Followed, Monitor, Month, months
from throughput.origins import labelled
from throughput.replications import Estimate
from throughput.reporting.comparison import comparison_pdf
from throughput.reporting.frame import Cover, Report
from throughput.reporting.monitoring import monitoring_pdf
from throughput.reporting.seal import Seal
from throughput.reporting.simulation import Simulated, simulation_pdf
from throughput.reporting.table import Table
from throughput.reporting.telling import Saying, headlines
from throughput.reporting.words import report_words
from throughput.reproduced import Check, Reproduced
from throughput.said import tables as panel_texts
from throughput.scenario import SOURCE
from throughput.scope import Scope
from throughput.simulate import compare
from throughput.whole import Given, panels
from workflow.calendar import parse_working_duration
from workflow.invented import Invented

MADE = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)
HOSTILE = "</b><script>alert(1)</script> \n\u202e{name} \U0001f642 " + "x" * 4000


def pages_of(pdf: bytes) -> list[str]:
    with PdfDocument(pdf) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def report_of(compared: Comparison, language: str = "en", **more: Any) -> bytes:
    return comparison_pdf(compared, scope=Scope(**more), made_at=MADE, words=report_words(language))


def compared(slow: Sequence[float], fast: Sequence[float]) -> Comparison:
    return told(*in_order(many("A0", list(slow), 1), many("A3", list(fast), 1000)))


SURE = compared([1500 + n % 5 for n in range(40)], [6 + n % 5 for n in range(40)])
UNSURE = compared([6, 9, 12, 9, 9], [7, 8, 11, 8, 8])


def shown(value: float, language: str) -> str:
    """A figure with one decimal as the language writes it."""
    return f"{value:,.1f}".translate(
        str.maketrans(dict(zip(",.", {"en": ",.", "nb": "\u00a0,"}.get(language, ".,"), strict=True)))
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_says_the_difference_and_how_sure_it_is(language: str) -> None:
    lead, handling = as_json(SURE)["differences"]
    first, *rest = pages_of(report_of(SURE, language))
    for figures, unit in ((lead, 3600), (handling, 3600)):
        for name in ("a_minus_b", "interval_low", "interval_high"):
            assert shown(figures[name] / unit, language) in first
    assert shown(lead["median_a"] / 3600, language) in rest[0]
    whole = "0.46" if language == "en" else "0,46"
    assert whole in first
    assert report_words(language).variant("A0") in first


def test_the_first_page_says_what_so_few_requests_can_not_tell() -> None:
    first = pages_of(report_of(UNSURE))[0]
    assert "5 and 5 requests can't tell A0 (on paper) from A3" in first
    assert "is faster than" not in first
    assert "This report is not signed" in first


@pytest.mark.parametrize(("needed", "said"), [(5_792, "about 5,800 of each"), (3_139_219, "")])
def test_how_many_it_would_take_is_told_in_two_digits_and_not_where_nobody_has_so_many(
    needed: int, said: str
) -> None:
    found = replace(UNSURE, contrasts=[replace(one, needed=needed) for one in UNSURE.contrasts])
    first = pages_of(report_of(found))[0]
    assert ("would be needed" in first) is bool(said)
    assert said in first


def test_the_first_page_tells_of_every_pair_where_they_are_few() -> None:
    """And not of the two largest groups alone, which may be the two that are alike."""
    slow, fast = [10 + n % 5 for n in range(30)], [6 + n % 5 for n in range(40)]
    found = told(*in_order(many("A0", slow, 1), many("A1", fast, 100), many("A3", fast, 200)))
    first, *rest = pages_of(report_of(found))
    assert "certainty: A0 (on paper) is slower than A1 (by a click) by 4.0 min (" in first
    assert "certainty: A0 (on paper) takes more of people's time than A1 (by a click) by" in first
    assert first.count("); A3 (with a person's own key) by 4.0 min (") == 2
    assert first.count("Requests: 30 against 40; 40.") == 2
    assert "40 and 40 requests can't tell A1" in first
    assert "Of so many pairs about one in twenty looks different by chance alone." in first
    assert not any("differences of medians" in page for page in rest)


def test_of_many_pairs_the_first_page_tells_of_the_largest_and_how_many_others_differ() -> None:
    slow, fast = [10 + n % 5 for n in range(30)], [6 + n % 5 for n in range(40)]
    names = [("A0", slow), *((name, fast) for name in ("A1", "A2", "A3", "A4"))]
    groups = [many(name, taken, 100 * place + 1) for place, (name, taken) in enumerate(names)]
    first, *rest = pages_of(report_of(told(*in_order(*groups))))
    assert "40 and 40 requests can't tell A1" in first
    assert "is faster than" not in first
    assert "Of 9 other pairs 4 differ; of so many about one in twenty does by chance alone." in first
    assert sum("differences of medians" in page for page in rest) > 0


def test_the_first_page_says_that_the_log_can_not_be_right() -> None:
    """Where a fifth of the ends are lost, whoever reads no further has to know."""
    for lost, doubted in ((0.2, True), (0.0, False)):
        group = replace(office(Law(ends_lost=lost), 1), key="employer-declaration", variant="A3")
        check = replace(of_law(Law(ends_lost=lost), 1), key="employer-declaration", variant="A3")
        found = panels([group], reached={}, given=Given(), checks=[check])
        assert found.little[0].sound is not doubted
        words, scope = report_words("en"), Scope()
        first = pages_of(comparison_pdf(SURE, scope=scope, made_at=MADE, words=words, panels=found))[0]
        assert (
            "Look again before you rely on this: the requests in hand of A3 do not fit" in first
        ) is doubted


def test_the_figures_are_attached_and_the_file_says_its_title_and_language() -> None:
    pdf = report_of(SURE, "da")
    assert b"/Lang(da)" in pdf
    assert "Måder at underskrive på sammenlignet".encode() in pdf  # the metadata are not deflated
    with PdfDocument(pdf) as document:
        attached = document.get_attachment(0)
        assert attached.get_name() == "figures.json"
        assert json.loads(bytes(attached.get_data())) == json.loads(json.dumps(as_json(SURE))) | {
            "panels": None,
            "invented_until": None,
        }
    assert pdf == report_of(SURE, "da")


def test_a_report_says_who_seals_it_and_that_a_development_key_proves_nothing() -> None:
    seal = Seal("Voorbeeldgemeente", "organisation-seal", "B-LTA", development=True)
    pdf = comparison_pdf(SURE, scope=Scope(), made_at=MADE, words=report_words("nl"), seal=seal)
    every = pages_of(pdf)
    assert "Verzegeld door Voorbeeldgemeente onder het profiel organisation-seal, niveau B-LTA" in every[0]
    assert all("Verzegeld met een ontwikkelsleutel" in page for page in every)
    assert b"/T(seal)" in pdf
    assert b"/T(archive-timestamp)" in pdf


def test_names_that_mean_harm_are_words() -> None:
    records = [one | {"key": HOSTILE} for one in in_order(many(HOSTILE, [6, 9], 1), many("A3", [7, 8], 100))]
    every = pages_of(report_of(told(*records), unit=HOSTILE))
    assert "<script>alert(1)</script>" in every[0]
    assert len(every) < 12
    followed = [Followed(HOSTILE, MADE - timedelta(days=day), MADE, HOSTILE, 3, None) for day in range(5)]
    assert "</b><script>" in pages_of(monitored(followed, HOSTILE))[0]


def monitored(cases: Sequence[Followed], unit: str | None) -> bytes:
    period = months(Month(2026, 9), Month(2026, 11))
    printed = Monitor.of(cases, period, ZoneInfo("Europe/Amsterdam")).report(unit)
    target = Target(Norm(parse_working_duration("P5D")), "office-nl", 0.85)
    return monitoring_pdf(printed, target, made_at=MADE, words=report_words("nl"))


def test_the_monitoring_report_says_if_the_goal_was_met_and_by_which_norm() -> None:
    cases = [
        Followed(
            "one", datetime(2026, month, 2, tzinfo=UTC), datetime(2026, month, 9, tzinfo=UTC), "done", 3, took
        )
        for month in (9, 10, 11)
        for took in [0] * 30 + [1] * 10
    ]
    first, *rest = pages_of(monitored(cases, None))
    assert (
        "Het doel is niet gehaald: gemiddeld over de maanden haalde 75,0% de norm, het doel was 85%." in first
    )
    assert "niet meer dan 5 werkdagen werktijd tot ze is afgeleverd" in first
    assert "september 2026 40 40" in first
    assert "een kantoor in Nederland" in " ".join([first, *rest])


def test_a_hidden_share_may_be_one_of_many_requests() -> None:
    """Of 40 that are done one missed the norm: they are not few."""
    begun, ended = datetime(2026, 9, 2, tzinfo=UTC), datetime(2026, 9, 9, tzinfo=UTC)
    cases = [Followed("one", begun, ended, "done", 3, took) for took in [0] * 39 + [1]]
    first = pages_of(monitored(cases, None))[0]
    assert "weinig aanvragen" not in first
    assert "* verborgen: weinig, of verraadt weinig" in first


def test_a_simulation_says_that_it_is_one() -> None:
    outcomes = compare(list(SOURCE), weeks=4, warm_up_weeks=1, replications=2)
    told_ = Simulated(outcomes, [2, 1, None], 0.95, 4, 2, 1, measured=False)
    first = pages_of(simulation_pdf(told_, {}, made_at=MADE, words=report_words("nb")))[0]
    assert "Simulert: ingenting i denne rapporten er målt." in first
    assert shown(outcomes[0].lead_median_days.value, "nb") in first
    assert "2 årsverk, som kilden hevder, kan ikke spares på behandlingen" in first


def test_a_simulation_tells_what_is_without_end_and_what_does_not_come_out() -> None:
    """More than half of the draws of one scenario, and some of another's, which was measured otherwise."""
    first, second = compare(list(SOURCE[:2]), weeks=4, warm_up_weeks=1, replications=2)
    most = replace(first, lead_median_days=Estimate(inf, 12.3, inf), overloaded=30, replications=40)
    some = replace(second, lead_median_days=Estimate(4.5, 3.2, inf), overloaded=1, replications=40)
    missed = Check("lead_p90_days", Figure(90, 9.0, 8.0), Estimate(2.0, 1.0, 3.0))
    held = [Reproduced("A1", (missed,)), Reproduced("A0", ())]
    told_ = Simulated([most, some], [None, None], 0.95, 4, 40, 1, measured=True, reproduced=held)
    first_page, *more = pages_of(simulation_pdf(told_, {}, made_at=MADE, words=report_words("nl")))
    pages = " ".join([first_page, *more])
    assert (
        "wat de aanvragen van het kantoor laten zien (gemeten), komt er niet uit: Doorlooptijd, 90% binnen."
        " Vertrouw niet" in first_page
    )
    assert "Doorlooptijd, 90% binnen 9,0 (8,0–…) 2,0 (1,0–3,0) klopt niet" in pages
    assert "van zonder einde (vanaf 12,3) naar 4,5 (3,2–…)" in pages
    assert "in 30 van de 40 herhalingen" in pages


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "what 95% of the replications lie"),
        ("nl", "95% van de herhalingen"),
        ("da", "95 % af gentagelserne"),
    ],
)
def test_a_simulation_of_what_was_measured_says_what_its_intervals_are(language: str, said: str) -> None:
    outcomes = compare(list(SOURCE), weeks=4, warm_up_weeks=1, replications=2)
    for measured in (True, False):
        told_ = Simulated(outcomes, [2, 1, None], 0.95, 4, 2, 1, measured=measured)
        pages = pages_of(simulation_pdf(told_, {}, made_at=MADE, words=report_words(language)))
        assert (said in " ".join(pages)) is measured


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "more than 500 requests"), ("nl", "meer dan 500 aanvragen"), ("nb", "mer enn 500 forespørsler")],
)
def test_a_comparison_says_how_the_intervals_of_large_groups_were_had(language: str, said: str) -> None:
    pages = " ".join(pages_of(report_of(SURE, language)))
    assert said in pages
    assert "Greenwood" in pages


def test_the_heads_of_a_table_come_again_on_each_of_its_pages() -> None:
    report = Report(Cover("Long", [], MADE), report_words("en"))
    report.table(
        Table(["Day", "Count of requests"], [[str(date(2026, 1, 1 + n % 28)), str(n)] for n in range(150)])
    )
    every = pages_of(report.finished({}, identifier="long"))
    assert len(every) > 2
    assert all("Count of requests" in page for page in every)
    assert every[-1].endswith(f"{len(every)} / {len(every)}")


def test_a_comparison_of_months_hides_what_the_screen_hides() -> None:
    few = told(*in_order(many("A0", [6, 9], 1)), by="month")
    assert {figure for _, _, figure in few.hidden} >= {"started", "delivered"}
    every = " ".join(pages_of(report_of(few)))
    assert "Months compared" in every
    assert "March 2026 * * 0 0 0 0 –" in every
    assert "2 requests" not in every


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "by the minutes that it claims, all handling at 100 requests a week comes to 0.46 FTE"),
        ("nl", "naar de minuten die het stelt is alle behandeling bij 100 aanvragen per week 0,46 fte"),
    ],
)
def test_the_first_page_says_by_whose_minutes_the_claim_is_weighed(language: str, said: str) -> None:
    """Beside what was measured: paper may take twice the minutes that the source claims."""
    assert said in pages_of(report_of(SURE, language))[0]


def test_of_six_pairs_what_differs_comes_first_and_what_is_alike_last_in_one_sentence() -> None:
    slow, fast = [10 + n % 5 for n in range(40)], [6 + n % 5 for n in range(40)]
    names = (("A0", slow), ("A1", fast), ("A2", fast), ("A3", [*fast[:-1], 11]))
    groups = [many(name, taken, 100 * place + 1) for place, (name, taken) in enumerate(names)]
    found = told(*in_order(*groups))
    lines = list(headlines(found, report_words("en")))
    assert [" than A1" in said for said in lines] == [True, True, False, False]
    assert lines[2].startswith(
        "Not told apart by so many requests, in lead time and in handling (measured): A1 ("
    )
    assert "about 53,000 requests of each would be needed" in lines[2]
    unknown = [replace(one, needed=None) for one in found.contrasts]
    [said] = [
        one for one in headlines(replace(found, contrasts=unknown), report_words("en")) if "Not told" in one
    ]
    assert said.endswith("or more in mean handling would most likely have been seen.")
    to_who_may_not_count = Saying(report_words("en"), str, lambda *_: None).all_of(unknown)
    assert "most likely" not in " ".join(to_who_may_not_count)  # nor reckon with it how many there are
    known = [replace(one, needed=n) for one, n in zip(found.contrasts, [900, 1234, 5678] * 4, strict=True)]
    [said] = [
        one for one in headlines(replace(found, contrasts=known), report_words("en")) if "Not told" in one
    ]
    assert "about 900 to 5,700 requests of each would be needed" in said


def test_one_that_is_faster_than_several_is_said_to_be_so_once() -> None:
    slow, fast = [10 + n % 5 for n in range(40)], [2 + n % 2 for n in range(40)]
    groups = [many(name, slow, 100 * place + 1) for place, name in enumerate(("A0", "A1"))]
    found = told(*in_order(*groups, many("A3", fast, 900)))
    lead, handling, *_ = headlines(found, report_words("en"))
    for said in (lead, handling):
        assert said.count("A3 (with a person's own key)") == 1
        assert " than A0 (on paper) by 10.0\u00a0min (" in said
        assert "; A1 (by a click) by 10.0\u00a0min (" in said
        assert said.endswith("Requests:\u00a040\u00a0against\u00a040;\u00a040.")


def test_nothing_of_an_invented_past_is_called_measured() -> None:
    past = Invented(MADE)
    how: dict[str, Any] = {"made_at": MADE, "words": report_words("en"), "invented": past}
    group = replace(office(Law(), 1), key="employer-declaration", variant="A3")
    held = labelled(panels([group], reached={}, given=Given()), past)
    one = pages_of(comparison_pdf(labelled(SURE, past), scope=Scope(), panels=held, **how))
    period = months(Month(2026, 9), Month(2026, 11))
    printed = Monitor.of([], period, ZoneInfo("Europe/Amsterdam")).report()
    target = Target(Norm(parse_working_duration("P5D")), "office-nl", 0.85)
    for every in (" ".join(one), " ".join(pages_of(monitoring_pdf(printed, target, **how)))):
        assert "measured" not in every.replace("nothing of it was measured", "")
        assert "(simulated)" in every
    text = as_text(labelled(SURE, past), panel_texts(held, "simulated"), "simulated")
    assert "measured" not in text
    assert "Claimed by the source study (not simulated here)" in text


def test_what_follows_of_a_number_that_was_given_or_claimed_stands_by_itself() -> None:
    """And not in one table with what was measured."""
    group = replace(office(Law(), 1), key="employer-declaration", variant="A3")
    none = replace(group, variant="A0", by_program=np.ones(len(group), dtype=np.bool_))
    for rate, title in (
        (None, "Capacity (measured)"),
        (100, "Capacity if 100 requests a week came (given;"),
    ):
        held = panels([none, group], reached={}, given=Given(per_week=rate))
        report = comparison_pdf(SURE, scope=Scope(), made_at=MADE, words=report_words("en"), panels=held)
        every = " ".join(pages_of(report))
        measured, claimed = every.index(title), every.index("Capacity by the source's minutes (claimed, not")
        assert "A3" in every[measured:claimed]
        assert "A0" not in every[measured:claimed]
        tables = [table for table in panel_texts(held) if table.title.startswith("Capacity")]
        assert [[row[1] for row in table.rows[1:]] for table in tables] == [["A3"], ["A0"]]


def test_each_heading_of_a_report_is_a_bookmark() -> None:
    with PdfDocument(report_of(SURE)) as document:
        found = [(one.get_title(), one.get_dest().get_index()) for one in document.get_toc()]
        assert document.get_metadata_dict()["Title"] == "Ways of signing compared"
        for title, page in found:
            text = " ".join(document[page].get_textpage().get_text_range().split())
            assert title in text
    assert found[0] == ("What is different, and how sure that is", 0)
    assert found[-1][0] == "How good the data are (measured)"


def test_headings_of_a_process_are_under_it() -> None:
    marks = [
        *(Bookmark("A", 0, 700), Bookmark("P", 0, 600)),
        *(Bookmark(name, 1, y, in_part=True) for name, y in (("P1", 500), ("P2", 400))),
        Bookmark("Z", 1, 9),
    ]
    root, *objects = outline(marks, 10, [1, 2], str.encode)
    assert root == b"<</Type/Outlines/First 11 0 R/Last 15 0 R/Count 5>>"
    assert objects[1].endswith(b"/Prev 11 0 R/Next 15 0 R/First 13 0 R/Last 14 0 R/Count 2>>")
    assert objects[2] == b"<</TitleP1/Parent 12 0 R/Dest[2 0 R/XYZ null 500.00 null]/Next 14 0 R>>"


def test_units_that_can_not_be_told_from_all_others_are_named_once() -> None:
    names, days = ("Advice", "Permits", "Policy"), [10 + n % 5 for n in range(40)]
    groups = [
        [one | {"unit": name} for one in many("A3", days, 100 * place + 1)]
        for place, name in enumerate(names)
    ]
    found = told(*in_order(*groups), by="unit")
    [alike, _] = headlines(found, report_words("en"))
    assert ": Advice, Permits, Policy, each from all others." in alike


@pytest.mark.parametrize(
    ("low", "by", "in_brackets"),
    [
        (-900.0, "by 5.0 to 15.0\u00a0min.", "by 10.0\u00a0min (5.0 to 15.0\u00a0min)"),
        (None, "by 5.0\u00a0min or more in the median.", "by 5.0\u00a0min or more"),
    ],
)
def test_by_how_much_the_first_is_faster_is_told_from_the_least_on(
    low: float | None, by: str, in_brackets: str
) -> None:
    """The first less the second is below nothing then; without an end the least alone is known."""
    one = next(one for one in SURE.contrasts if one.figure == "lead")
    found = replace(one.found, a=60.0, b=660.0, interval=replace(one.found.interval, low=low, high=-300.0))
    first = replace(one, a="X", b="Y", found=found)
    saying = Saying(report_words("en"), str, lambda *_: None)
    [said] = saying.all_of([first])
    assert "X is faster than Y" in said
    assert said.endswith(by)
    [said] = saying.all_of([first, replace(first, b="Z")])
    assert said.endswith(f"X is faster than Y {in_brackets}; Z {in_brackets}.")


def test_what_would_have_been_seen_of_several_is_the_largest_and_what_is_alike_is_said_of_each_figure() -> (
    None
):
    lead, handling = UNSURE.contrasts
    saying = Saying(report_words("en"), str, lambda *_: "40")
    pairs = [
        replace(handling, a="X", b=name, needed=None, smallest_s=s) for name, s in (("Y", 60), ("Z", 600))
    ]
    [said] = saying.all_of(pairs)
    assert said.endswith(
        "A difference of 10.0\u00a0min or more in mean handling would most likely have been seen."
    )
    [said] = saying.all_of([replace(lead, a="X", b="Y"), *pairs])
    assert "in lead time X – Y; in handling X – Y, X – Z" in said
    many_pairs = [replace(lead, a="X", b=f"Y{n}") for n in range(7)]
    [said] = saying.all_of(many_pairs)
    assert said == "Not told apart by so many requests, in lead time (measured): 7 pairs."
    enough = [replace(one, needed=5) for one in pairs]  # there are as many
    assert "would be needed" not in next(saying.all_of(enough))


def test_bookmarks_of_a_report_lead_to_where_its_parts_and_its_seal_stand() -> None:
    seal = Seal("Voorbeeldgemeente", "organisation-seal", "B-LTA", development=True)
    slow, fast = [10 + n % 5 for n in range(30)], [6 + n % 5 for n in range(40)]
    both = [
        one | {"key": key, "seq": one["seq"] + 10_000 * at, "request": one["request"] + 10_000 * at}
        for at, key in enumerate(("declaration", "plan"))
        for one in (*many("A0", slow, 1), *many("A1", fast, 100))
    ]
    pdf = comparison_pdf(
        told(*in_order(both)), scope=Scope(), made_at=MADE, words=report_words("en"), seal=seal
    )
    with PdfDocument(pdf) as document:
        found = [(one.level, one.get_title(), one.get_dest()) for one in document.get_toc()]
        titles = [(level, title) for level, title, _ in found]
        place = titles.index((0, "Plan"))
        assert titles[place + 1][0] == 1
        assert titles[-1] == (0, "Seal")
        for _, title, where in found[:-1]:
            text = document[where.get_index()].get_textpage()
            _, (_, y, _) = where.get_view()
            tops = [text.get_rect(n) for n in range(text.count_rects())]
            heads = [top for *box, top in tops if text.get_text_bounded(*box, top).strip() == title]
            assert any(0 <= y - top < 40 for top in heads), title


def test_one_is_said_to_be_slower_than_all_others_and_not_all_others_to_be_faster() -> None:
    """They are many, and others to each: a sentence that begins with them is of nobody."""
    names, fast = ("Advice", "Permits", "Policy", "Registry"), [6 + n % 5 for n in range(40)]
    groups = [
        [
            one | {"unit": name}
            for one in many("A3", [9 + n for n in fast] if name[0] == "P" else fast, 100 * place + 1)
        ]
        for place, name in enumerate(names)
    ]
    found = told(*in_order(*groups), by="unit")
    said = "\n".join(headlines(found, report_words("en")))
    for name in ("Permits", "Policy"):
        assert f"certainty: {name} is slower than all others by " in said
        assert f"certainty: {name} takes more of people's time than all others by " in said
    assert "Advice is faster than all others, in the median by" in said
    table = " ".join(pages_of(report_of(found)))
    for shown_there in (said, as_text(found), table):
        assert "all others is" not in shown_there
    assert "Policy is slower" in as_text(found)
    assert "Policy is slower" in table
