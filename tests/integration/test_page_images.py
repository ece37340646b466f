"""Pages as pictures: drawn in a child of its own, whatever the file is."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from signing.page_images import WIDTH, PageNotDrawnError, draw_page
from signing.verify.limits import DEFAULT_LIMITS
from web.drawn_pages import KEPT, DrawnPages

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "layouts"
PDF = (VECTORS / "before_b_lta_then_now.pdf").read_bytes()


def rows_of(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and rows, each behind its filter byte."""
    width, height = struct.unpack(">II", png[16:24])
    place = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[place - 4 : place])
    return width, height, zlib.decompress(png[place + 4 : place + 4 + length])


def test_a_page_is_a_picture_with_something_on_it() -> None:
    image = draw_page(PDF, 1)
    width, height, rows = rows_of(image.png)
    assert (width, height, image.pages) == (WIDTH, 1697, 2)
    assert len(rows) == height * (1 + 3 * width)
    assert len(set(rows)) > 50


@pytest.mark.parametrize("number", [0, 3, -1, 10**9])
def test_there_is_no_page_of_this_number(number: int) -> None:
    with pytest.raises(PageNotDrawnError, match="it has 2 pages"):
        draw_page(PDF, number)


@pytest.mark.parametrize("content", [b"", b"no PDF", PDF[:2000], b"%PDF-1.7\n" + b"\xff" * 5000])
def test_what_is_no_pdf_is_no_page(content: bytes) -> None:
    with pytest.raises(PageNotDrawnError):
        draw_page(content, 1)


def test_a_file_that_takes_too_much_is_stopped() -> None:
    with pytest.raises(PageNotDrawnError):
        draw_page(PDF, 1, limits=replace(DEFAULT_LIMITS, address_space_bytes=1024))


def test_a_picture_is_drawn_once_and_the_last_are_kept() -> None:
    drawn, asked = DrawnPages(), list[int]()

    def pdf() -> bytes:
        asked.append(1)
        return PDF

    first = drawn.draw("a", 1, pdf)
    assert drawn.draw("a", 1, pdf) is first
    assert len(asked) == 1
    for number in range(KEPT):
        drawn._kept[str(number), 1] = first
    drawn.draw("b", 2, pdf)
    assert drawn.kept("a", 1) is None
    assert drawn.kept("b", 2) is not None
