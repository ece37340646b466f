"""Draw the pages of a file as they were and as they are, and find where the two differ.

PDFium draws, native code that hostile files may crash: only ever called in a process of its own (`apart`).
Everything found is told at once, a page and revision a line, as JSON.
"""

import ctypes
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pypdfium2_raw as pdfium

Area = tuple[float, float, float, float]  # left, bottom, right, top; points, in the page's own coordinates
_Blank = tuple[int, int, int, int]  # first byte and end within a row, first row and end

_LEAST_PIXELS, _MOST_PIXELS = 500_000, 4_000_000  # a page of A4 has as many pixels as points
_MOST_SIDE = 30_000
_MARGIN = 2  # pixels around an area that may differ: edges are smoothed
_APART = 12  # pixels between two areas that are told of as two
MOST_AREAS = 8  # of a page
_SAME_SIZE = 0.01  # points
_BYTES_A_PIXEL = 4
_WHITE = 0xFFFFFFFF


@dataclass(frozen=True)
class Then:
    """A revision that somebody signed: where it ends, and where its pages (from 0) may look otherwise now."""

    end: int
    free: dict[int, tuple[Area, ...]]


def draw_and_compare(
    pdf: bytes, revisions: Sequence[Then], pages: int, tell: Callable[[bytes], None]
) -> None:
    """Tell of each of the first `pages` pages how it looked in each revision, against how it looks now.

    Lines: `{"count": [now, then …]}` first, a `null` for a revision that can't be opened; then for each page
    that both have `{"page": n, "revision": k}` with "areas" (empty when it looks the same), "size": true when
    it has another size, or "trouble".
    """
    pdfium.FPDF_InitLibrary()
    now = _opened(pdf, len(pdf))
    then = [_opened(pdf, each.end) for each in revisions]
    counts = [None if document is None else document.pages for document in (now, *then)]
    tell(json.dumps({"count": counts}).encode("ascii"))
    if now is None:
        return
    canvases = _Canvas(), _Canvas()
    for page in range(min(counts[0] or 0, pages)):
        drawn: _Picture | str | None = None
        for number, (document, revision) in enumerate(zip(then, revisions, strict=True)):
            if document is None or page >= (counts[number + 1] or 0):
                continue
            drawn = drawn if drawn is not None else _picture(now, page, canvases[0])
            before = _picture(document, page, canvases[1])
            told = _compared(drawn, before, revision.free.get(page, ()))
            tell(json.dumps({"page": page, "revision": number, **told}).encode("ascii"))
            _close(before)
        _close(drawn)


@dataclass(frozen=True)
class _Document:
    """An open document, and its form, without which PDFium draws no fields."""

    opened: Any
    form: Any
    kept: Any  # what PDFium keeps the address of

    @property
    def pages(self) -> int:
        return int(pdfium.FPDF_GetPageCount(self.opened))


def _opened(pdf: bytes, length: int) -> _Document | None:
    """The document in the first `length` bytes."""
    opened = pdfium.FPDF_LoadMemDocument64(pdf, length, None)
    if not opened:
        return None
    kept = pdfium.FPDF_FORMFILLINFO(version=1)  # nobody is called back: there is nobody to fill it in
    form = pdfium.FPDFDOC_InitFormFillEnvironment(opened, kept)
    if form:
        pdfium.FPDF_SetFormFieldHighlightAlpha(form, 0)
    return _Document(opened, form, kept)


class _Canvas:
    """Memory to draw on, used again for the next page: to get it costs as much as to draw."""

    def __init__(self) -> None:
        self._rows = bytearray()

    def rows(self, size: int) -> bytearray:
        """So many bytes; what was drawn before is still there."""
        if len(self._rows) != size:
            self._rows = bytearray(size)
        return self._rows


@dataclass(frozen=True)
class _Picture:
    """A page as it looks: rows of pixels of four bytes, the top one first; until its canvas is used again."""

    rows: bytearray
    width: int
    height: int
    page_size: tuple[float, float]  # points
    page: Any  # open: places on it are asked for
    form: Any

    @property
    def stride(self) -> int:
        return self.width * _BYTES_A_PIXEL

    def device_of(self, x: float, y: float) -> tuple[int, int]:
        """The pixel at a point of the page."""
        across, down = ctypes.c_int(), ctypes.c_int()
        where = (self.page, 0, 0, self.width, self.height, 0, x, y)
        pdfium.FPDF_PageToDevice(*where, ctypes.byref(across), ctypes.byref(down))
        return across.value, down.value

    def point_of(self, across: int, down: int) -> tuple[float, float]:
        """The point of the page at a pixel."""
        x, y = ctypes.c_double(), ctypes.c_double()
        where = (self.page, 0, 0, self.width, self.height, 0, across, down)
        pdfium.FPDF_DeviceToPage(*where, ctypes.byref(x), ctypes.byref(y))
        return x.value, y.value


def _close(picture: "_Picture | str | None") -> None:
    if isinstance(picture, _Picture):
        if picture.form:
            pdfium.FORM_OnBeforeClosePage(picture.page, picture.form)
        pdfium.FPDF_ClosePage(picture.page)


def _picture(document: _Document, number: int, canvas: _Canvas) -> "_Picture | str":
    """A page's picture, or why there is none."""
    page = pdfium.FPDF_LoadPage(document.opened, number)
    if not page:
        return "it can't be opened"
    size = (pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page))
    width, height = _pixels(*size)
    if not width:
        return f"it has no size ({size[0]:g} × {size[1]:g} points)"
    rows = canvas.rows(width * height * _BYTES_A_PIXEL)
    first_pixel = (ctypes.c_char * len(rows)).from_buffer(rows)
    stride = width * _BYTES_A_PIXEL
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGRx, first_pixel, stride)
    if not bitmap:
        return "there is no room for its picture"
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, _WHITE)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, pdfium.FPDF_ANNOT)
        if document.form:
            pdfium.FORM_OnAfterLoadPage(page, document.form)
            pdfium.FPDF_FFLDraw(document.form, bitmap, page, 0, 0, width, height, 0, pdfium.FPDF_ANNOT)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    return _Picture(rows, width, height, size, page, document.form)


def _pixels(width: float, height: float) -> tuple[int, int]:
    """How many pixels wide and high a page of so many points is drawn; (0, 0) when it can't be."""
    area = width * height
    if not area > 0 or area == float("inf"):
        return 0, 0
    scale = (min(max(area, _LEAST_PIXELS), _MOST_PIXELS) / area) ** 0.5
    sides = round(width * scale), round(height * scale)
    return sides if min(sides) >= 1 and max(sides) <= _MOST_SIDE else (0, 0)


def _compared(now: "_Picture | str", then: "_Picture | str", free: Sequence[Area]) -> dict[str, Any]:
    if isinstance(now, str) or isinstance(then, str):
        return {"trouble": now if isinstance(now, str) else f"as it was: {then}"}
    if any(abs(a - b) > _SAME_SIZE for a, b in zip(now.page_size, then.page_size, strict=True)):
        return {"size": True}
    if now.rows == then.rows:
        return {"areas": []}
    blanks = [_blank(then, area) for area in free]
    return {"areas": [_area(now, band) for band in _bands(now, then, blanks)]}


def _blank(picture: _Picture, area: Area) -> _Blank:
    """The pixels of an area, which may differ."""
    corners = [picture.device_of(x, y) for x in area[::2] for y in area[1::2]]
    left, right = (_within(side, picture.width) for side in _around([x for x, _ in corners]))
    top, bottom = (_within(side, picture.height) for side in _around([y for _, y in corners]))
    return left * _BYTES_A_PIXEL, right * _BYTES_A_PIXEL, top, bottom


def _around(sides: Sequence[int]) -> tuple[int, int]:
    return min(sides) - _MARGIN, max(sides) + _MARGIN


def _within(place: int, most: int) -> int:
    return max(0, min(place, most))


def _bands(now: _Picture, then: _Picture, blanks: Sequence[_Blank]) -> list[tuple[int, int, int, int]]:
    """Where two pictures differ: left, top, right and bottom pixel of each part, from the top down."""
    found: list[tuple[int, int, int, int]] = []
    for row, left, right in _differing_rows(now, then, blanks):
        if found and (row - found[-1][3] <= _APART or len(found) == MOST_AREAS):
            before = found.pop()
            found.append((min(left, before[0]), before[1], max(right, before[2]), row))
        else:
            found.append((left, row, right, row))
    return found


def _differing_rows(
    now: _Picture, then: _Picture, blanks: Sequence[_Blank]
) -> Iterator[tuple[int, int, int]]:
    """Rows that differ outside the blanks, with the first and the last pixel of each that does."""
    stride = now.stride
    for row in range(now.height):
        place = row * stride
        here, there = now.rows[place : place + stride], then.rows[place : place + stride]
        if here == there:
            continue
        for left, right, top, bottom in blanks:
            if top <= row < bottom:
                here[left:right] = there[left:right] = bytes(right - left)
        if here == there:
            continue
        differing = int.from_bytes(here, "big") ^ int.from_bytes(there, "big")
        first = (stride * 8 - differing.bit_length()) // 8
        last = (stride * 8 - (differing & -differing).bit_length()) // 8
        yield row, first // _BYTES_A_PIXEL, last // _BYTES_A_PIXEL


def _area(picture: _Picture, band: tuple[int, int, int, int]) -> Area:
    left, top, right, bottom = band
    corners = [picture.point_of(x, y) for x in (left, right + 1) for y in (top, bottom + 1)]
    across, up = [x for x, _ in corners], [y for _, y in corners]
    return min(across), min(up), max(across), max(up)
