"""Content flows over pages, and stops at the cap."""

import pytest

from documents.canvas import PageCanvas
from documents.sheet import (
    BODY,
    BOTTOM,
    COLUMN,
    PAGES_MAX,
    WIDTH,
    Column,
    DocumentTooLong,
    Section,
    Sheet,
    fields_height,
)

TOP = 700.0


def sheet() -> Sheet:
    return Sheet(lambda canvas, page: TOP)


def end(made: Sheet) -> list[bytes]:
    return made.end(lambda canvas, page, pages: canvas.text(50, 40, f"{page + 1}/{pages}", BODY))


def shown(stream: bytes, text: str) -> bool:
    return f"<{BODY.face.hex(text)}>".encode() in stream


def baselines(stream: bytes) -> list[float]:
    return [float(line.split()[-5]) for line in stream.decode().splitlines() if line.startswith("BT")]


def test_every_page_gets_a_foot_with_the_number_of_pages() -> None:
    made = sheet()
    made.fields([("Label", f"Value {number}") for number in range(200)])
    pages = end(made)
    assert len(pages) > 2
    for index, stream in enumerate(pages):
        assert shown(stream, f"{index + 1}/{len(pages)}")


def test_nothing_is_drawn_below_the_foot_line() -> None:
    made = sheet()
    made.heading("Heading")
    made.paragraph("word " * 3000)
    made.fields([("label " * 30, "value " * 900)])
    made.table([Column("Name", WIDTH - 90), Column("Amount", 90, right=True)], [("x", "1.00")] * 90)
    for stream in end(made):
        assert min(y for y in baselines(stream) if y != 40) > BOTTOM - 5


def test_a_heading_never_stands_alone_at_the_end_of_a_page() -> None:
    made = sheet()
    made.fields([("Label", "Value")] * 40)
    made.y = BOTTOM + 40
    made.heading("Next")
    assert made.page == 1


def test_a_table_repeats_its_head_on_the_next_page() -> None:
    made = sheet()
    made.table([Column("Part of the income", WIDTH)], [("x",)] * 60)
    head = f"<{COLUMN.face.hex('Part of the income')}>".encode()
    pages = end(made)
    assert len(pages) == 2
    assert all(stream.count(head) == 1 for stream in pages)


def test_amounts_end_at_the_right_edge_of_their_column() -> None:
    made = sheet()
    made.table([Column("Amount", WIDTH, right=True)], [("1.00",), ("1,000,000.00",)])
    (stream,) = end(made)
    ends = []
    for text in ("1.00", "1,000,000.00"):
        line = next(line for line in stream.decode().splitlines() if f"<{BODY.face.hex(text)}>" in line)
        ends.append(float(line.split()[-6]) + BODY.width(text))
    assert ends[0] == pytest.approx(ends[1], abs=0.02)


def test_too_long_a_document_is_refused() -> None:
    made = sheet()
    with pytest.raises(DocumentTooLong, match=str(PAGES_MAX)):
        made.paragraph("word\n" * 60 * PAGES_MAX)


def test_the_canvas_marks_a_page_at_a_time() -> None:
    canvas = PageCanvas()
    canvas.text(10, 10, "one", BODY)
    canvas.showPage()
    canvas.text(10, 10, "two", BODY)
    canvas.showPage()
    first, second = canvas.streams()
    assert shown(first, "one")
    assert not shown(first, "two")
    assert shown(second, "two")


def heights(stream: bytes, *texts: str) -> list[float]:
    """The baselines of these values."""
    lines = stream.decode().splitlines()
    return [float(line.split()[-5]) for text in texts for line in lines if f"<{BODY.face.hex(text)}>" in line]


def test_answers_of_yes_and_no_stand_beside_each_other() -> None:
    made = sheet()
    made.fields([("Probation", "Yes"), ("Ended", "No"), ("Principal", "€2,500.00"), ("Loan", "Nee")])
    (stream,) = end(made)
    yes, no, principal, loan = heights(stream, "Yes", "No", "€2,500.00", "Nee")
    assert yes == no > principal > loan
    assert fields_height([("a", "Yes"), ("b", "No")]) == fields_height([("a", "Yes")])


def test_what_fields_take_is_known_beforehand() -> None:
    rows = [("Label", "Yes"), ("Label", "No"), ("Label", "value " * 40), ("label " * 20, "No")]
    made = sheet()
    made.fields(rows)
    assert made.y == pytest.approx(TOP - fields_height(rows))


def test_short_sections_stand_beside_each_other_and_long_ones_below() -> None:
    short = [Section("Left", [("Name", "Short")]), Section("Right", [("Name", "Small")] * 2)]
    made = sheet()
    made.beside(short)
    left, right, below = heights(end(made)[0], "Short", "Small")
    assert left == right > below
    assert made.y < below
    made = sheet()
    made.beside([Section("Left", [("Name", "Short")] * 30), Section("Right", [("Name", "Small")])])
    stacked = heights(end(made)[0], "Short", "Small")
    assert stacked == sorted(stacked, reverse=True)
    assert len(set(stacked)) == 31


def test_sections_beside_each_other_are_not_torn_apart() -> None:
    made = sheet()
    made.fields([("Label", "A longer value")] * 40)
    made.y = BOTTOM + 60
    made.beside([Section("Left", [("Name", "Short")] * 4), Section("Right", [("Name", "Small")])])
    first, second = end(made)
    assert heights(first, "Short", "Small") == []
    assert len(heights(second, "Short", "Small")) == 5
