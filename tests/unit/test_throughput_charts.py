"""What readers of charts rely on: lengths are the data, every datum is there, and nobody is left out."""

import io
import re
from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from reportlab.pdfgen.canvas import Canvas

from languages import WRITING
from tests.drawn_charts import (
    CHARTS,
    DAY,
    ROWS,
    SPENT,
    WORDING,
    ageing_of,
    drawing_of,
    durations_of,
    flow_of,
    forest_of,
    leads_of,
    months_of,
    spans_of,
)
from throughput.charts.ageing import ageing
from throughput.charts.flow import Band, flow
from throughput.charts.forest import Estimate, forest
from throughput.charts.lead import bins_of, leads
from throughput.charts.model import SERIES, SIZES, Area, Bar, Dot, Drawing, Line, Mark, Text, Whisker
from throughput.charts.months import months
from throughput.charts.paper import COLOURS, SHADE_OPACITY, Chart
from throughput.charts.scales import counting, dating, timing
from throughput.charts.sheet import NARROW, WIDE, width_of
from throughput.charts.spans import spans
from throughput.charts.svg import both_widths, svg
from throughput.charts.wording import Wording
from throughput.faces import printable

STATIC = Path(__file__).parents[2] / "web" / "static"
WIDTHS = (WIDE, NARROW)
every_chart = pytest.mark.parametrize("name", CHARTS)
SVG = "{http://www.w3.org/2000/svg}"


def elements(drawing: Drawing) -> list[etree._Element]:
    written = svg(drawing, "one").replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return list(etree.fromstring(written).iter())


@every_chart
def test_a_page_may_hold_it(name: str) -> None:
    """No style, no script, no handler, nothing from elsewhere; only classes that the style sheet knows."""
    css = (STATIC / "charts.css").read_text(encoding="utf-8")
    known = set(re.findall(r"\.([a-z][a-z0-9-]*)", css)) | {"start", "solid"}
    tags = {"svg", "title", "desc", "text", "polyline", "polygon", "rect", "circle", "path"}
    names = {"class", "points", "x", "y", "width", "height", "cx", "cy", "r", "d", "stroke-width", "id"}
    names |= {"textLength", "lengthAdjust"}
    for width in WIDTHS:
        for one in elements(drawing_of(name, width)):
            assert one.tag.removeprefix(SVG) in tags
            assert one.tag == f"{SVG}svg" or set(one.attrib) <= names
            assert set(one.get("class", "").split()) <= known, one.attrib


@every_chart
def test_it_is_one_picture_that_says_what_it_shows(name: str) -> None:
    drawing = drawing_of(name, WIDE)
    top, title, desc, *marks = elements(drawing)
    assert top.get("role") == "img"
    assert (top.get("aria-labelledby"), top.get("aria-describedby")) == (title.get("id"), desc.get("id"))
    assert (title.text, desc.text) == (drawing.title, drawing.desc)
    assert [one.text for one in marks if one.tag == f"{SVG}text"] == drawing.texts


def test_words_stay_words() -> None:
    written = both_widths(lambda width: drawing_of("forest", width), "forest")
    assert "<script" not in written
    assert written.count("&lt;script&gt;") >= 4
    assert written.count('role="img"') == 2
    assert len(re.findall(r'id="([^"]+)"', written)) == len(set(re.findall(r'id="([^"]+)"', written)))


def box_of(mark: Mark) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    if isinstance(mark, Text):
        wide, high = width_of(mark.text, mark.size, bold=mark.bold), SIZES[mark.size]
        left = mark.x - {"start": 0.0, "middle": wide / 2, "end": wide}[mark.anchor]
        return left, mark.y - 0.72 * high, left + wide, mark.y + 0.2 * high
    if isinstance(mark, Bar):
        return mark.x, mark.y, mark.x + mark.width, mark.y + mark.height
    if isinstance(mark, Dot):
        return mark.x - mark.r, mark.y - mark.r, mark.x + mark.r, mark.y + mark.r
    if isinstance(mark, Whisker):
        return mark.low, mark.y - 4, mark.high, mark.y + 4
    xs, ys = zip(*mark.points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


@every_chart
def test_nothing_sticks_out(name: str) -> None:
    for width in WIDTHS:
        drawing = drawing_of(name, width)
        for mark in drawing.marks:
            left, top, right, bottom = box_of(mark)
            assert -0.6 <= left <= right <= width + 0.6, mark
            assert -0.6 <= top <= bottom <= drawing.height, mark


@every_chart
def test_no_words_lie_on_others(name: str) -> None:
    for width in WIDTHS:
        texts = [(mark, box_of(mark)) for mark in drawing_of(name, width).of(Text)]
        for (one, a), (other, b) in combinations(texts, 2):
            apart = a[2] <= b[0] + 0.5 or b[2] <= a[0] + 0.5 or a[3] <= b[1] + 0.5 or b[3] <= a[1] + 0.5
            assert apart, (width, one, other)


@every_chart
def test_a_million_requests_make_no_heavy_page(name: str) -> None:
    assert len(both_widths(lambda width: drawing_of(name, width), name)) < 130_000


@every_chart
def test_paper_shows_the_same(name: str) -> None:
    """As many shapes and as many words as there are marks."""
    for width in WIDTHS:
        drawing = drawing_of(name, width)
        with pypdfium2.PdfDocument(on_paper(drawing)) as document:
            page = document[0]
            kinds = [one.type for one in page.get_objects(max_depth=1)]
            text = squeezed(page.get_textpage().get_text_bounded())
        whiskers = len(drawing.of(Whisker))
        shapes = len(drawing.marks) - len(drawing.of(Text)) + 2 * whiskers
        assert kinds.count(pypdfium2.raw.FPDF_PAGEOBJ_PATH) == shapes
        assert kinds.count(pypdfium2.raw.FPDF_PAGEOBJ_TEXT) >= len(drawing.of(Text))
        for words in drawing.texts:
            assert squeezed(printable(words)) in text


def squeezed(text: str) -> str:
    """Without what lines are broken by."""
    return re.sub(r"[-\s\ufffe\u0002]", "", text)


def on_paper(drawing: Drawing) -> bytes:
    out = io.BytesIO()
    chart = Chart(drawing, drawing.width)
    canvas = Canvas(out, pagesize=(chart.width, chart.height))
    chart.drawOn(canvas, 0, 0)
    canvas.save()
    return out.getvalue()


def test_paper_and_page_have_the_same_colours() -> None:
    light = colours("light")
    assert {role: light[role] for role in COLOURS} == COLOURS
    css = (STATIC / "charts.css").read_text(encoding="utf-8")
    shades = re.findall(r"\.shade-(\d) \{\s*fill-opacity: ([\d.]+)", css)
    assert {int(shade): float(opacity) for shade, opacity in shades} | {5: 1.0} == SHADE_OPACITY


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_told_from_the_ground(theme: str) -> None:
    """4.5 to 1: words in a colour, and words of the ground's colour on it, can be read (WCAG 1.4.3)."""
    found = colours(theme)
    for role in COLOURS.keys() - {"grid", "paper"}:
        assert contrast(found[role], found["paper"]) >= 4.5, (role, found[role])


SIGHTS = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""What eyes make of red, green and blue. Source: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, A
physiologically-based model for simulation of color vision deficiency, IEEE TVCG 15 (2009), 1291-1298."""
TO_LAB = np.array(((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)))
WHITE = TO_LAB.sum(axis=1)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_told_from_each_other(theme: str, sight: str) -> None:
    """The more so where they lie side by side (distance in CIELAB, of which 2.3 can just be seen)."""
    seen = [lab(colours(theme)[role], sight) for role in SERIES]
    for (number, one), (other, two) in combinations(enumerate(seen), 2):
        distance = float(np.linalg.norm(one - two))
        assert distance >= (20 if other == number + 1 else 10), (SERIES[number], SERIES[other], distance)


def lab(colour: str, sight: str) -> Any:
    linear = np.clip(np.array(SIGHTS[sight]) @ np.array(linear_of(colour)), 0, 1)
    x, y, z = np.cbrt(np.maximum(TO_LAB @ linear / WHITE, 0.008856))
    return np.array((116 * y - 16, 500 * (x - y), 200 * (y - z)))


def colours(theme: str) -> dict[str, str]:
    """Of each role, from the style sheets' tokens."""
    tokens: dict[str, str] = {}
    for sheet in ("paraaf.css", "charts.css"):
        css = (STATIC / sheet).read_text(encoding="utf-8")
        blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[: 1 if theme == "light" else 2]
        for block in blocks:
            tokens |= dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))
    names = dict(re.findall(r"\.chart \.([a-z0-9-]+) \{\s*--role: var\(--([a-z0-9-]+)\)", css))
    return {role: tokens[token] for role, token in names.items()}


def contrast(one: str, other: str) -> float:
    low, high = sorted(luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    red, green, blue = linear_of(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear_of(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def test_bars_are_as_long_as_what_they_stand_for() -> None:
    for width in WIDTHS:
        drawing = spans(spans_of(SPENT), width)
        bars = [bar for bar in drawing.of(Bar) if bar.said]
        seconds = [one for _, row in SPENT for one in row if one]
        assert len(bars) == len(seconds)
        lengths = [bar.width / taken for bar, taken in zip(bars, seconds, strict=True)]
        assert lengths == pytest.approx([lengths[0]] * len(lengths))
    words = " ".join(drawing.texts)
    for said in ("wachtrij\u00a03\u00a0d", "opgeschort\u00a02\u00a0d", "3,5\u00a0d"):
        assert said in words


def test_a_band_is_as_high_as_what_is_in_hand() -> None:
    told = flow_of(20, 3)
    drawing = flow(told, WIDE)
    areas = {area.said: area for area in drawing.of(Area)}
    ratios = []
    for band in told.bands:
        points = areas[band.name].points
        above, below = points[:20], points[:19:-1]
        ratios += [(low[1] - up[1]) / n for up, low, n in zip(above, below, band.counts, strict=True) if n]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))
    assert f"Afgehandeld sinds het begin van de periode · {told.bands[-1].counts[-1]}" in said(drawing)


def test_no_two_bands_have_one_colour() -> None:
    """Of more states than colours those with the fewest are one band, and none is left out."""
    bands = [Band(f"state {number}", [number + 1, 20 - number]) for number in range(11)]
    told = replace(flow_of(2, 1), bands=[*bands[::-1], Band("done", [0, 100], done=True)])
    drawing = flow(told, WIDE)
    areas = [area for area in drawing.of(Area) if area.role in SERIES]
    assert len({area.role for area in areas}) == len(areas) == len(SERIES)
    lasts = [int(text.replace("\u00a0", " ").rpartition(" · ")[2]) for text in drawing.texts if "·" in text]
    assert sum(lasts) == 100 + sum(band.counts[-1] for band in bands)
    assert re.search("Alle andere · [0-9]+", said(drawing))


def said(drawing: Drawing) -> str:
    return " ".join(drawing.texts).replace("\u00a0", " ")


def test_every_open_request_is_a_dot_where_its_age_is() -> None:
    told = ageing_of(60)
    drawing = ageing(told, WIDE)
    ages = sorted(one.seconds for state in told.states for one in state.requests)
    dots = sorted(drawing.of(Dot), key=lambda dot: dot.x)
    assert len(dots) == len(ages)
    slope = (dots[-1].x - dots[0].x) / (ages[-1] - ages[0])
    assert [dot.x - dots[0].x for dot in dots] == pytest.approx([slope * (age - ages[0]) for age in ages])
    past = {dot.shape for dot, age in zip(dots, ages, strict=True) if age > told.done[-1].seconds}
    assert past == {"diamond"}
    assert "diamond" not in {dot.shape for dot, age in zip(dots, ages, strict=True) if age < 14 * DAY}


def test_dots_too_many_are_counted_and_none_is_lost() -> None:
    drawing = ageing(ageing_of(100_000), WIDE)
    counts = [int(bar.said.rsplit(": ", 1)[1].replace(".", "")) for bar in drawing.of(Bar) if bar.said]
    assert sum(counts) + len(drawing.of(Dot)) == 100_000 + 50_000 + 10_000 + 1
    assert all(WORDING.count(count) in drawing.texts for count in counts)


@pytest.mark.parametrize("spread", [0.3, 0.8, 1.6])
def test_every_duration_is_in_a_bin(spread: float) -> None:
    durations = durations_of(3000, spread=spread)
    bins = bins_of(durations, WORDING)
    assert sum(one.ended for one in bins) == durations.ended
    assert sum(one.open for one in bins) == len(durations) - durations.ended
    assert [one.high for one in bins[:-1]] == [one.low for one in bins[1:]]
    widths = {one.high - one.low for one in bins if one.high is not None}
    assert max(widths) == pytest.approx(min(widths))


def test_open_requests_stand_hatched_on_the_others() -> None:
    drawing = leads(leads_of(durations_of(1000)), WIDE)
    assert any(bar.hollow and "nog open" in bar.said for bar in drawing.of(Bar))
    assert all(bar.hollow for bar in drawing.of(Bar) if "nog open" in bar.said)
    curve = max(
        (line for line in drawing.of(Line) if line.role == "series-1"), key=lambda one: len(one.points)
    )
    assert [y for _, y in curve.points] == sorted((y for _, y in curve.points), reverse=True)


def test_an_interval_without_an_end_is_an_arrow() -> None:
    for width in WIDTHS:
        drawing = forest(forest_of(ROWS), width)
        whiskers = drawing.of(Whisker)
        assert [(one.open_low, one.open_high) for one in whiskers] == [
            (False, False),
            (False, False),
            (False, True),
        ]
        zero = next(line for line in drawing.of(Line) if line.width == 1.4).points[0][0]
        first, second = drawing.of(Dot)
        assert first.x < zero
        assert not first.hollow
        assert second.hollow
        assert whiskers[0].high < zero < whiskers[1].high
        assert (zero - first.x) / (zero - second.x) == pytest.approx(3 / 0.4)
        assert all(row.said in said(drawing) for row in ROWS)


def test_a_value_stands_at_the_edge_where_its_name_is_long_too() -> None:
    for name in ("Op papier", "Met een eigen sleutel – Met het zegel van de organisatie"):
        drawing = forest(forest_of([Estimate(name, DAY, 0.0, 2 * DAY, "29 u")]), NARROW)
        [value] = [text for text in drawing.of(Text) if text.text == "29 u"]
        assert (value.x, value.anchor) == (NARROW, "end")


def test_origins_differ_by_shape() -> None:
    key_and_rows = [dot.shape for dot in drawing_of("simulated", WIDE).of(Dot)]
    assert key_and_rows == ["circle", "square", "diamond"] * 2


def test_a_hidden_share_is_not_a_share_of_nothing() -> None:
    """Nor one that hidden counts leave open a share that is told: what it may be beyond is hatched."""
    for width in WIDTHS:
        told = months_of(12)
        drawing = months(told, width)
        shown = [one for one in told.months if one.low is not None]
        left_open = [one for one in shown if one.low != one.high]
        bars = [bar for bar in drawing.of(Bar) if bar.said]
        assert len(left_open) > 1
        for some, hollow, sizes in (
            (shown, False, [one.low for one in shown]),
            (left_open, True, [one.high - one.low for one in left_open]),
        ):
            drawn = [bar.width if width == NARROW else bar.height for bar in bars if bar.hollow == hollow]
            assert len(drawn) == len(some)
            assert drawn == pytest.approx([drawn[0] * size / sizes[0] for size in sizes])
        hidden = sum(one.hidden for one in told.months)
        assert drawing.texts.count("*") == hidden
        missed = sum(one.high < told.goal for one in shown)
        assert missed
        hollow = [bar for bar in drawing.of(Bar) if bar.hollow]
        assert len(hollow) == hidden + len(left_open) + 2 + missed + 1  # three in the key
        assert drawing.texts.count("–") == sum(one.low is None and not one.hidden for one in told.months)


@given(st.floats(0, 1e8), st.floats(1e-3, 1e8), st.integers(3, 8))
def test_ticks_are_round_and_hold_all(low: float, span: float, about: int) -> None:
    for axis in (
        timing(low, low + span, WORDING, about=about),
        counting(low, low + span, WORDING, about=about),
    ):
        values = [tick.value for tick in axis.ticks]
        assert values[0] <= low + 1e-6 * span
        assert values[-1] >= low + span * (1 - 1e-6)
        assert 2 <= len(values) <= about + 3
        assert len({tick.label for tick in axis.ticks}) == len(values)


@given(st.dates(), st.integers(0, 5000))
def test_days_have_ticks(first: Any, days: int) -> None:
    last = type(first).fromordinal(min(first.toordinal() + days, type(first).max.toordinal()))
    ticks = dating(first, last, WORDING)
    assert len(ticks) <= 11
    assert all(first.toordinal() <= tick.value <= last.toordinal() for tick in ticks)
    assert ticks or (last - first).days < 62


def test_numbers_and_days_are_written_as_the_language_writes_them() -> None:
    day = date(2026, 3, 5)
    told = {name: Wording.of(writing, WORDING.units, ()) for name, writing in WRITING.items()}
    assert {name: one.number(-1234.56, 1).replace("\u00a0", " ") for name, one in told.items()} == {
        "en": "−1,234.6",
        "nl": "−1.234,6",
        "da": "−1.234,6",
        "nb": "−1 234,6",
    }
    assert {name: one.day(day).replace("\u00a0", " ") for name, one in told.items()} == {
        "en": "5 Mar",
        "nl": "5 mrt",
        "da": "5. mar",
        "nb": "5. mar",
    }
    assert told["nl"].number(-0.04, 1) == "0,0"
    assert told["da"].percent(0.8924, 1) == "89,2\u00a0%"


def test_lengths_in_one_breath_are_said_alike() -> None:
    day = 86_400.0
    told = {
        (2.16 * day, 2.04 * day, 2.22 * day): ["2,2 d", "2,0 d", "2,2 d"],
        (12.2 * day, 2.04 * day): ["12 d", "2 d"],
        (2.5 * day, 0.1 * day): ["2,5 d", "2,4 u"],  # of which days would tell too little
    }
    for seconds, said in told.items():
        assert [one.replace("\u00a0", " ") for one in WORDING.alike(*seconds)] == said


def test_times_are_said_in_the_unit_that_fits() -> None:
    said = [
        WORDING.time(seconds).replace("\u00a0", " ") for seconds in (0, 45, 150, 9000, 3 * DAY, 40.4 * DAY)
    ]
    assert said == ["0 s", "45 s", "2,5 min", "2,5 u", "3 d", "40 d"]
