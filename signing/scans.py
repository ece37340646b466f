"""Scans of what was signed on paper: read in a fenced child, matched by the codes on their pages, copied.

A scan is a file from outside, and its pictures are unpacked in the child alone: each page comes out as a JPEG
that the child made, with what the codes on it say. The copy is a PDF of these pages behind a cover that says
what it is; the organisation's seal is over all of it, and says so too.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from multiprocessing.connection import Connection
from textwrap import wrap
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final, Protocol

from signing.fence import bound_memory, bound_processor_time, fence_context, main_left_alone
from signing.outside_errors import ScanRefusedError
from signing.placeholder import pdf_text
from signing.verify.limits import DEFAULT_LIMITS, MIB, Limits

if TYPE_CHECKING:
    from PIL.Image import Image  # what unpacks pictures is loaded in the child alone

SEALED_COPY: Final = "sealed copy of a document signed on paper; not an electronic signature of the signer"
MOST_PAGES: Final = 50
_MOST_DOTS: Final = 60_000_000  # A4 at 600 dpi has 35 million
_LONG_SIDE: Final = 2400  # dots of a page in the copy: A4 at 200 dpi
_QUALITY: Final = 80
_FORMATS: Final = ("JPEG", "PNG", "TIFF")
_CODE: Final = re.compile(r"PARAAF:([0-9]{4}-[0-9]{6,}(?:-[0-9]+)?):([0-9]{1,3})/([0-9]{1,3})")
_HINT: Final = "Scan every page of it, whole and flat, at 150 dpi or more; as PDF, JPEG, PNG or TIFF."
_LINE: Final = 100  # letters that have room on a line of the cover
SEAL_FIELD: Final = "copy-seal"
SEAL_BOX: Final = (57.0, 500.0, 397.0, 570.0)


@dataclass(frozen=True)
class ScannedPage:
    """A page of a scan: a JPEG, its size in dots, what the codes on it say, how long reading took."""

    jpeg: bytes
    width: int
    height: int
    codes: tuple[str, ...]
    read_us: int = field(default=0, compare=False)
    place: str = field(default="", compare=False)  # where it was found, for people: "page 2 of scans/a.pdf"


@dataclass(frozen=True)
class Scan:
    """The pages of one document, in their order."""

    number: str
    pages: tuple[ScannedPage, ...]

    @property
    def read_us(self) -> int:
        """Microseconds that reading its pages took, by a monotonic clock."""
        return sum(page.read_us for page in self.pages)


def read_scan(content: bytes, *, limits: Limits = DEFAULT_LIMITS) -> tuple[ScannedPage, ...]:
    """The pages of a file. Raises ScanRefusedError for one that is no scan, or takes too much to read."""
    if len(content) > limits.file_bytes:
        raise ScanRefusedError(f"The file is larger than {limits.file_bytes // MIB} MiB.", hint=_HINT)
    begun_ns = monotonic_ns()
    context = fence_context(__name__)
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, limits), daemon=True, name="paraaf-scan")
    with main_left_alone():
        process.start()
    theirs.close()
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            ours.send_bytes(content)
        return tuple(_received(ours, limits, begun_ns))
    except (EOFError, OSError) as error:
        raise _stopped("its process ended: memory or processor time ran out") from error
    finally:
        ours.close()
        process.kill()
        process.join()
        process.close()


def _received(connection: Connection, limits: Limits, begun_ns: int) -> Iterator[ScannedPage]:
    """What the child tells: for each page a line and its JPEG, at the end a line without.

    A page took the time since the one before it, the first the time since `begun_ns` (monotonic).
    """
    while True:
        if not connection.poll(limits.wall_s):
            raise _stopped(f"it took longer than {limits.wall_s:g} s")
        told: Mapping[str, Any] = json.loads(connection.recv_bytes())
        if "refused" in told:
            raise ScanRefusedError(str(told["refused"]), hint=_HINT)
        if "width" not in told:
            return
        codes = tuple(str(code) for code in told["codes"])
        jpeg, now_ns = connection.recv_bytes(), monotonic_ns()
        read_us = (now_ns - begun_ns) // 1000
        begun_ns = now_ns
        yield ScannedPage(jpeg, int(told["width"]), int(told["height"]), codes, read_us)


def _stopped(why: str) -> ScanRefusedError:
    return ScanRefusedError(f"Reading the scan had to be stopped: {why}.", hint=_HINT)


# In the child


def _work(connection: Connection, limits: Limits) -> None:
    """The child's life: one file, its pages."""
    logging.disable(logging.CRITICAL)  # libraries narrate hostile files at length
    bound_memory(limits.address_space_bytes)
    bound_processor_time(3 * limits.cpu_s)  # 50 pages at 0.2 s each, and reading their codes
    content = connection.recv_bytes()
    told: dict[str, Any] = {}
    try:
        pages = _pdf_pages(content) if b"%PDF-" in content[:1024] else _pictures(content)
        for page in pages:
            picture = page.convert("RGB")
            picture.thumbnail((_LONG_SIDE, _LONG_SIDE))
            jpeg = BytesIO()
            picture.save(jpeg, "JPEG", quality=_QUALITY)
            about = {"width": picture.width, "height": picture.height, "codes": _codes(page)}
            connection.send_bytes(json.dumps(about).encode())
            connection.send_bytes(jpeg.getvalue())
    except ScanRefusedError as error:
        told = {"refused": str(error)}
    except MemoryError:
        told = {"refused": "Reading the scan had to be stopped: memory ran out."}
    except Exception as error:  # noqa: BLE001 (readers of pictures stumble in a dozen ways)
        what = (
            "it is no JPEG, PNG, TIFF or PDF"
            if "UnidentifiedImage" in type(error).__name__
            else type(error).__name__
        )
        told = {"refused": f"The file can't be read as a scan: {what}."}
    with suppress(OSError):  # whoever asked was killed
        connection.send_bytes(json.dumps(told).encode())


def _pdf_pages(content: bytes) -> "Iterator[Image]":
    import pypdfium2 as pdfium  # type: ignore[import-untyped]  # noqa: PLC0415  in the child alone

    document = pdfium.PdfDocument(content)
    _require_few(len(document))
    for number in range(len(document)):
        page = document[number]
        width, height = page.get_size()
        if not (width > 0 and height > 0):
            raise ScanRefusedError(f"Page {number + 1} has no size.")
        yield page.render(scale=_LONG_SIDE / max(width, height)).to_pil()


def _pictures(content: bytes) -> "Iterator[Image]":
    from PIL import Image  # noqa: PLC0415  in the child alone

    with Image.open(BytesIO(content), formats=_FORMATS) as file:
        frames = getattr(file, "n_frames", 1)
        _require_few(frames)
        for number in range(frames):
            file.seek(number)
            if file.width * file.height > _MOST_DOTS:  # before anything is unpacked
                raise ScanRefusedError(f"Page {number + 1} has {file.width} × {file.height} dots: too many.")
            yield file


def _require_few(pages: int) -> None:
    if not 0 < pages <= MOST_PAGES:
        raise ScanRefusedError(f"The scan has {pages} pages; 1 to {MOST_PAGES} are read.")


def _codes(page: "Image") -> list[str]:
    """What the QR codes on a page say that are of a page of ours."""
    from zxingcpp import barcode_formats_from_str, read_barcodes  # noqa: PLC0415  in the child alone

    found = read_barcodes(page.convert("L"), formats=barcode_formats_from_str("QRCode"))
    return sorted({one.text for one in found if _CODE.fullmatch(one.text)})


# Which document it is


def matched(pages: Sequence[ScannedPage]) -> tuple[list[Scan], list[ScanRefusedError]]:
    """The documents that pages are of, each whole, by their numbers; and what is wrong with the others.

    A page has no code or several, or is there twice, or one is missing.
    """
    found: dict[str, list[tuple[int, int, ScannedPage]]] = {}
    wrong: list[ScanRefusedError] = []
    for place, page in enumerate(pages, 1):
        said = _CODE.fullmatch(page.codes[0]) if len(page.codes) == 1 else None
        if said is None:
            what = f"codes of {len(page.codes)} pages" if page.codes else "no code of a document of ours"
            where = page.place or f"Page {place} of what was scanned"
            wrong.append(ScanRefusedError(f"{where} has {what} on it.", hint=_HINT))
            continue
        found.setdefault(said.group(1), []).append((int(said.group(2)), int(said.group(3)), page))
    scans = []
    for number, parts in sorted(found.items()):
        try:
            scans.append(Scan(number, _whole(number, parts)))
        except ScanRefusedError as error:
            wrong.append(error)
    return scans, wrong


def _places(parts: Sequence[tuple[int, int, ScannedPage]], of: Sequence[int]) -> str:
    """Where pages of these numbers were found, as far as it is known."""
    places = [page.place for at, _, page in parts if at in of and page.place]
    return f": {', '.join(places)}" if places else ""


def _whole(number: str, parts: Sequence[tuple[int, int, ScannedPage]]) -> tuple[ScannedPage, ...]:
    """All pages of a document, in their order. Raises ScanRefusedError."""
    total = max(of for _, of, _ in parts)
    there = sorted(at for at, _, _ in parts)
    twice = sorted({at for at in there if there.count(at) > 1})
    missing = sorted(set(range(1, total + 1)) - set(there))
    if twice:
        told = (
            f"Page {', '.join(map(str, twice))} of document {number} is there twice{_places(parts, twice)}."
        )
    elif missing:
        told = f"Of document {number} page {', '.join(map(str, missing))} of {total} is missing."
    elif there != list(range(1, total + 1)) or any(of != total for _, of, _ in parts):
        told = f"The pages of document {number} do not say of how many they are, all alike."
    else:
        return tuple(page for *_, page in sorted(parts, key=lambda part: part[0]))
    raise ScanRefusedError(told, hint=_HINT)


def require_whole(scan: Scan, printed: bytes) -> None:
    """Refuse a scan that has not as many pages as what was printed: its codes alone say of how many they are.

    `printed` is a PDF of our own. Raises ScanRefusedError.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415  takes long to import

    pages = int(PdfFileReader(BytesIO(printed)).root["/Pages"]["/Count"])
    if len(scan.pages) != pages:
        raise ScanRefusedError(
            f"The scan of document {scan.number} has {len(scan.pages)} pages, and the document has {pages}.",
            hint=_HINT,
        )


# The copy


class Cover(Protocol):
    """The words on a copy's cover."""

    @property
    def language(self) -> str:
        """The language that they are in, by its code."""

    @property
    def title(self) -> str:
        """What is written above."""

    @property
    def what(self) -> str:
        """What the copy is, and is not."""

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Names, and their values."""

    @property
    def below(self) -> tuple[str, ...]:
        """What the seal says."""


def copy_of(scan: Scan, cover: Cover) -> bytes:
    """A PDF of the scanned pages, behind a cover that says what it is: ready for the seal."""
    objects: list[bytes] = [
        f"<</Type/Catalog/Pages 2 0 R/Lang({cover.language})"
        "/ViewerPreferences<</DisplayDocTitle true>>>>".encode(),
        b"",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
        b"<</Title" + pdf_text(cover.title) + b">>",
    ]
    kids = [_page(objects, _drawn(cover), "/Font<</F1 3 0 R/F2 4 0 R>>", 595, 842)]
    for page in scan.pages:
        picture = (
            f"/Type/XObject/Subtype/Image/Width {page.width}/Height {page.height}/ColorSpace/DeviceRGB"
            "/BitsPerComponent 8/Filter/DCTDecode"
        )
        objects.append(_stream(picture, page.jpeg))
        resources = f"/XObject<</Im {len(objects)} 0 R>>"
        scale = 842 / max(page.width, page.height)
        width, height = round(page.width * scale), round(page.height * scale)
        kids.append(_page(objects, f"{width} 0 0 {height} 0 0 cm /Im Do".encode(), resources, width, height))
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{listed}]>>".encode()
    return _file(objects)


def _drawn(cover: Cover) -> bytes:
    """What the copy is, above the seal that vouches for it."""
    lines = [("F2", 16, 57, 752, cover.title)]
    lines += [("F1", 10, 57, 726 - 13 * at, line) for at, line in enumerate(wrap(cover.what, _LINE))]
    for at, (label, value) in enumerate(cover.facts):
        lines += [("F1", 10, 57, 690 - 18 * at, label), ("F2", 10, 187, 690 - 18 * at, value)]
    below = [line for text in cover.below for line in wrap(text, _LINE)]
    lines += [("F1", 10, 57, 616 - 14 * at, line) for at, line in enumerate(below)]
    texts = b"".join(
        f"/{font} {size} Tf 1 0 0 1 {x} {y} Tm (".encode() + _literal(text) + b") Tj\n"
        for font, size, x, y, text in lines
    )
    return b"0.5 w 0.6 G 57 740 m 538 740 l S\nBT 0 g\n" + texts + b"ET"


def _literal(text: str) -> bytes:
    """A text in the encoding of the cover's fonts, as it stands between parentheses."""
    return re.sub(rb"([()\\])", rb"\\\1", text.encode("cp1252", "replace"))


def _page(objects: list[bytes], content: bytes, resources: str, width: int, height: int) -> int:
    """Add a page and its content; gives its number."""
    objects.append(_stream("", content))
    objects.append(
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Resources<<{resources}>>"
        f"/Contents {len(objects)} 0 R>>".encode()
    )
    return len(objects)


def _stream(entries: str, data: bytes) -> bytes:
    return f"<<{entries}/Length {len(data)}>>\nstream\n".encode() + data + b"\nendstream"


def _file(objects: Sequence[bytes]) -> bytes:
    made, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, one in enumerate(objects, 1):
        offsets.append(len(made))
        made += f"{number} 0 obj\n".encode() + one + b"\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size, start = len(objects) + 1, len(made)
    made += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n".encode()
    made += f"<</Size {size}/Root 1 0 R/Info 5 0 R>>\n".encode()
    made += f"startxref\n{start}\n%%EOF\n".encode()
    return bytes(made)
