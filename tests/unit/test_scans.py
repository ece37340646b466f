"""Scans: which document they are of, and what is refused; hostile files end in the child."""

import resource
import zlib
from contextlib import suppress
from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from PIL import Image
from zxingcpp import BarcodeFormat, create_barcode

from documents.copies import cover_words
from documents.words import words_in
from signing.outside_errors import ScanRefusedError
from signing.scans import MOST_PAGES, SEALED_COPY, ScannedPage, copy_of, matched, read_scan
from signing.verify.limits import MIB, Limits

NUMBER = "2026-000012"


def page(*codes: str) -> Image.Image:
    """A page of A4 at 100 dpi with these codes."""
    paper = Image.new("L", (827, 1169), 255)
    for place, code in enumerate(codes):
        drawn = memoryview(create_barcode(code, BarcodeFormat.QRCode, ec_level="M").to_image(scale=3))  # type: ignore[arg-type]
        size = drawn.shape[1], drawn.shape[0]
        paper.paste(Image.frombytes("L", size, bytes(drawn)), (40, 100 + 300 * place))
    return paper


def file(form: str, *pages: Image.Image) -> bytes:
    made = BytesIO()
    if pages[1:]:
        pages[0].save(made, form, save_all=True, append_images=pages[1:])
    else:
        pages[0].save(made, form)
    return made.getvalue()


def code(at: int, total: int, number: str = NUMBER) -> str:
    return f"PARAAF:{number}:{at}/{total}"


@pytest.mark.parametrize("form", ["PDF", "TIFF", "PNG", "JPEG"])
def test_pages_are_read_and_matched_in_their_order(form: str) -> None:
    two = [page(code(2, 2)).rotate(90, expand=True), page(code(1, 2)).rotate(1.2, fillcolor=255)]
    files = [file(form, *two)] if form in ("PDF", "TIFF") else [file(form, one) for one in two]
    pages = [one for each in files for one in read_scan(each)]
    [scan], wrong = matched(pages)
    assert (scan.number, wrong) == (NUMBER, [])
    assert scan.pages == (pages[1], pages[0])
    assert all(one.jpeg.startswith(b"\xff\xd8") for one in pages)
    words = cover_words(words_in("nl"), number=NUMBER, pages=2, taken_on=date(2026, 11, 20))
    copy = copy_of(scan, replace(words, title="Copy (1) \\ 2"))
    assert b"(Copy \\(1\\) \\\\ 2) Tj" in copy
    for said in (b"/Lang(nl)", b"een op papier ondertekend document", b"20 november 2026"):
        assert said in copy
    english = cover_words(words_in("en"), number=NUMBER, pages=2, taken_on=date(2026, 11, 20))
    assert english.what == f"This is a {SEALED_COPY}."
    assert copy.count(b"/Type/Page/") == 3


def test_no_code_other_codes_and_two_codes() -> None:
    two = page(code(1, 1), code(1, 1, "2026-000013"))
    pages = read_scan(file("TIFF", page(), page("https://example.org"), two))
    assert [len(one.codes) for one in pages] == [0, 0, 2]
    scans, wrong = matched(pages)
    assert not scans
    assert [str(one).split(" has ")[1] for one in wrong] == [
        "no code of a document of ours on it.",
        "no code of a document of ours on it.",
        "codes of 2 pages on it.",
    ]


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([code(1, 3), code(3, 3)], "page 2 of 3 is missing"),
        ([code(1, 2), code(2, 2), code(2, 2)], "Page 2 of document 2026-000012 is there twice"),
        ([code(1, 2), code(2, 3), code(3, 3)], "do not say of how many"),
        ([code(1, 1), code(5, 1)], "do not say of how many"),
    ],
)
def test_what_is_not_whole_stops_no_other(codes: list[str], said: str) -> None:
    pages = [ScannedPage(b"", 1, 1, (each,)) for each in [*codes, code(1, 1, "2026-000099")]]
    scans, [wrong] = matched(pages)
    assert [scan.number for scan in scans] == ["2026-000099"]
    assert said in str(wrong)


def test_what_is_wrong_is_found_in_its_file() -> None:
    blank = ScannedPage(b"", 1, 1, (), place="Page 1 of blank.png")
    twice = [ScannedPage(b"", 1, 1, (code(1, 1),), place=f"Page 1 of {name}.png") for name in "ab"]
    _, wrong = matched([blank, *twice])
    assert [str(one) for one in wrong] == [
        "Page 1 of blank.png has no code of a document of ours on it.",
        "Page 1 of document 2026-000012 is there twice: Page 1 of a.png, Page 1 of b.png.",
    ]


def huge() -> bytes:
    """A PNG of a few hundred bytes that says it has 40,000 × 40,000 dots."""
    small = bytearray(file("PNG", Image.new("1", (8, 8))))
    small[16:24] = (40_000).to_bytes(4) * 2
    small[29:33] = zlib.crc32(small[12:29]).to_bytes(4)
    return bytes(small)


def many_pages() -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids["
        + b"3 0 R " * (MOST_PAGES + 1)
        + b"]/Count %d>>\nendobj\n" % (MOST_PAGES + 1)
        + b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n"
        + b"trailer\n<</Root 1 0 R>>\n%%EOF\n"
    )


def bomb() -> bytes:
    """A small PDF whose page draws a picture that unpacks to gigabytes."""
    data = zlib.compress(zlib.compress(bytes(60_000 * 60), 9) * 60, 9)
    picture = (
        b"<</Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 8/ColorSpace/DeviceGray"
    )
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length 28>>stream\n600 0 0 800 0 0 cm /I Do    \nendstream",
        picture
        + b"/Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n" % len(data)
        + data
        + b"\nendstream",
    ]
    body = b"".join(b"%d 0 obj\n" % at + one + b"\nendobj\n" for at, one in enumerate(parts, 1))
    return b"%PDF-1.4\n" + body + b"trailer\n<</Root 1 0 R>>\n%%EOF\n"


@pytest.mark.parametrize("content", [b"", b"no picture", b"%PDF-1.7 and no more", huge(), many_pages()])
def test_what_is_no_scan_or_too_much_of_one_is_refused(content: bytes) -> None:
    with pytest.raises(ScanRefusedError):
        read_scan(content)


def test_a_bomb_takes_no_more_than_the_child_may() -> None:
    """Refused, or a page without a code: what is unpacked stays within the child's bounds."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: tuple[ScannedPage, ...] = ()
    with suppress(ScanRefusedError):
        found = read_scan(bomb(), limits=Limits(address_space_bytes=512 * MIB, cpu_s=1, wall_s=10))
    assert matched(found)[0] == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # kB
