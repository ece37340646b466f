"""Pages of a PDF as pictures, for people to read in a browser: drawn in a fenced child, as PNG.

The files are our own, but they may have been signed elsewhere; and PDFium is native code, which stays out of
a process that serves people.
"""

import ctypes
import json
import logging
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from signing.errors import SigningError
from signing.fence import bound_memory, bound_processor_time, fence_context, main_left_alone
from signing.verify.limits import DEFAULT_LIMITS, Limits

WIDTH: Final = 1200
"""Dots across a page: an A4 at some 145 dots an inch."""
_MOST_HEIGHT: Final = 4 * WIDTH
_COLOURS: Final = 3  # bytes a dot


class PageNotDrawnError(SigningError):
    """A page of a document can't be drawn: there is none of this number, or drawing it had to be stopped."""

    code = "signing-page-not-drawn"
    impersonal = True


@dataclass(frozen=True)
class PageImage:
    """A page as a PNG of WIDTH dots, and of how many pages its document is."""

    png: bytes
    pages: int


def draw_page(pdf: bytes, number: int, *, limits: Limits = DEFAULT_LIMITS) -> PageImage:
    """Draw a page, counted from 1. Raises PageNotDrawnError."""
    context = fence_context(__name__)
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, number, limits), daemon=True, name="paraaf-page")
    with main_left_alone():
        process.start()
    theirs.close()
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            ours.send_bytes(pdf)
        if not ours.poll(limits.wall_s):
            raise _not_drawn(f"it took longer than {limits.wall_s:g} s")
        told = json.loads(ours.recv_bytes())
        if "why" in told:
            raise _not_drawn(str(told["why"]))
        return PageImage(ours.recv_bytes(), int(told["pages"]))
    except (EOFError, OSError) as error:
        raise _not_drawn("its process ended: memory or processor time ran out") from error
    finally:
        ours.close()
        process.kill()
        process.join()
        process.close()


def _not_drawn(why: str) -> PageNotDrawnError:
    return PageNotDrawnError(f"The page can't be drawn: {why}.", hint="Download the document instead.")


# In the child


def _work(connection: Connection, number: int, limits: Limits) -> None:
    """The child's life: one file, one page."""
    logging.disable(logging.CRITICAL)  # libraries narrate hostile files at length
    bound_memory(limits.address_space_bytes)
    bound_processor_time(limits.drawing_cpu_s)
    pdf = connection.recv_bytes()
    try:
        pages, png = _drawn(pdf, number)
    except MemoryError:
        _tell(connection, {"why": "memory ran out"})
    except Exception as error:  # noqa: BLE001 (readers of PDF stumble in a dozen ways)
        _tell(connection, {"why": type(error).__name__ if not isinstance(error, ValueError) else str(error)})
    else:
        _tell(connection, {"pages": pages}, png)


def _tell(connection: Connection, told: dict[str, object], *more: bytes) -> None:
    with suppress(OSError):  # whoever asked was killed
        connection.send_bytes(json.dumps(told).encode())
        for one in more:
            connection.send_bytes(one)


def _drawn(pdf: bytes, number: int) -> tuple[int, bytes]:
    """How many pages there are, and one of them as PNG. Raises ValueError with a reason."""
    import pypdfium2_raw as pdfium  # noqa: PLC0415  in the child alone

    pdfium.FPDF_InitLibrary()
    document = pdfium.FPDF_LoadMemDocument64(pdf, len(pdf), None)
    if not document:
        raise ValueError("it can't be opened")
    kept = pdfium.FPDF_FORMFILLINFO(version=1)  # nobody is called back: there is nobody to fill it in
    form = pdfium.FPDFDOC_InitFormFillEnvironment(document, kept)  # without it no stamp is drawn
    if form:
        pdfium.FPDF_SetFormFieldHighlightAlpha(form, 0)
    pages = int(pdfium.FPDF_GetPageCount(document))
    page = pdfium.FPDF_LoadPage(document, number - 1) if 0 < number <= pages else None
    if not page:
        raise ValueError(f"it has {pages} pages")
    width, height = WIDTH, _height(pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page))
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGR, None, 0)
    if not bitmap:
        raise ValueError("there is no room for its picture")
    how = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
    pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, how)
    if form:
        pdfium.FORM_OnAfterLoadPage(page, form)
        pdfium.FPDF_FFLDraw(form, bitmap, page, 0, 0, width, height, 0, how)
    stride = pdfium.FPDFBitmap_GetStride(bitmap)
    rows = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), stride * height)
    return pages, png_of(rows, width=width, height=height, stride=stride)


def _height(wide: float, high: float) -> int:
    """The height of a picture of WIDTH dots. Raises ValueError for a page that has none."""
    if not (wide > 0 and high > 0 and WIDTH * high / wide <= _MOST_HEIGHT):
        raise ValueError("it has no size that could be drawn")
    return max(1, round(WIDTH * high / wide))


def png_of(rows: bytes, *, width: int, height: int, stride: int) -> bytes:
    """A PNG of rows of dots, red, green and blue, each row `stride` bytes after the other.

    Source: PNG (W3C, third edition), 5 and 9: every row is taken as it is.
    """
    wide = width * _COLOURS
    lines = b"".join(b"\0" + rows[at * stride : at * stride + wide] for at in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
