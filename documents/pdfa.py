"""Writing a PDF/A-3b file: pages, one associated data file, signature fields; same input, same bytes.

What never changes (faces, colour profile) is serialised once per process and stands first in every file.
Source: ISO 32000-1, 7.5 (file structure), 12.7 (forms), 14.13 of ISO 32000-2 (associated files); ISO 19005-3.
"""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from documents.bookmarks import Bookmark, outline
from documents.canvas import A4
from documents.sheet import Box
from fonts import bold, regular

PRODUCER = "Paraaf"
_PROFILE = Path(__file__).parent / "color" / "srgb.icc"
_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_LEVEL = 4  # zlib: a document takes half a millisecond less than at 6, and 700 bytes more
# print (4) and locked (128): PDF/A wants every annotation printable, a signer must not move it
_WIDGET_FLAGS = 132


@dataclass(frozen=True)
class DataFile:
    """The machine-readable twin of the document; `description` is for people."""

    name: str
    description: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class SignatureField:
    """An empty signature field, invisible without a box; `appearance` fills the box until it is signed."""

    name: str
    tooltip: str
    box: Box | None
    appearance: bytes = b""

    @property
    def page(self) -> int:
        """The page that the field belongs to, from 0."""
        return self.box.page if self.box else 0


@dataclass(frozen=True)
class Description:
    """What the file says about itself; nothing here may identify a person."""

    title: str
    identifier: str
    language: str
    day: date


@dataclass(frozen=True)
class _Constant:
    """The unchanging first part of every file: header and objects with their offsets."""

    content: bytes
    offsets: tuple[int, ...]
    digest_state: "hashlib._Hash"
    resources: int
    output_intent: int


class _Body:
    """Objects behind the constant part, numbered on from it."""

    def __init__(self, constant: _Constant) -> None:
        self._offsets = list(constant.offsets)
        self._position = len(constant.content)
        self._numbers = len(constant.offsets)
        self.parts: list[bytes] = []

    def reserve(self) -> int:
        """A number for an object that others name before it is written; objects are written in this order."""
        self._numbers += 1
        return self._numbers

    def write(self, number: int, content: bytes) -> None:
        """Write the object `number`, which is the next one of those reserved."""
        if number != len(self._offsets) + 1:
            raise ValueError(f"object {number} is out of turn")
        self._offsets.append(self._position)
        framed = b"%d 0 obj\n%b\nendobj\n" % (number, content)
        self._position += len(framed)
        self.parts.append(framed)

    def cross_references(self, trailer: bytes) -> bytes:
        """The cross-reference table and the trailer; `trailer` holds its entries but /Size."""
        count = len(self._offsets) + 1
        lines = b"".join(b"%010d 00000 n \n" % offset for offset in self._offsets)
        return b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d%b>>\nstartxref\n%d\n%%%%EOF\n" % (
            count,
            lines,
            count,
            trailer,
            self._position,
        )


def write_pdfa(
    pages: Sequence[bytes],
    *,
    description: Description,
    data_file: DataFile,
    fields: Sequence[SignatureField],
    bookmarks: Sequence[Bookmark] = (),
) -> bytes:
    """A PDF/A-3b file of `pages` (content streams in the faces of `fonts`), with its data attached.

    Every signature field is made here, for a field made after a first signature would look like a change.
    """
    constant = _constant()
    body = _Body(constant)
    plan = _planned(body, len(pages), len(fields), len(bookmarks))
    appearances = _appearances(body, fields, constant.resources)

    body.write(plan.catalog, _catalog(plan, description, data_file, constant.output_intent))
    body.write(plan.page_tree, b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(pages), _listed(plan.pages)))
    body.write(plan.metadata, _stream(_xmp(description), b"/Type/Metadata/Subtype/XML", deflate=False))
    body.write(plan.info, b"<</Title%b/Producer%b>>" % (_string(description.title), _string(PRODUCER)))
    body.write(plan.embedded, _embedded_file(data_file, description.day))
    body.write(plan.file_specification, _file_specification(data_file, plan.embedded))
    if plan.form:
        # 3: signatures exist, and the file may only be appended to
        form = b"<</Fields[%b]/SigFlags 3/DR %d 0 R>>" % (_listed(plan.fields), constant.resources)
        body.write(plan.form, form)
    for index, page in enumerate(plan.pages):
        widgets = [number for number, field in zip(plan.fields, fields, strict=True) if field.page == index]
        body.write(page, _page(plan, index, constant.resources, widgets))
    for contents, stream in zip(plan.contents, pages, strict=True):
        body.write(contents, _stream(stream, b""))
    for number, field in zip(plan.fields, fields, strict=True):
        appearance = appearances.number_of.get(field.name)
        body.write(number, _widget(field, plan.pages[field.page], appearance))
    if bookmarks:
        objects = outline(bookmarks, plan.outline[0], plan.pages, _string)
        for number, content in zip(plan.outline, objects, strict=True):
            body.write(number, content)
    for number, content in appearances.written:
        body.write(number, content)
    return _sealed(constant, body, plan)


@dataclass(frozen=True)
class _Plan:
    """The numbers of a file's own objects, in the order in which they are written."""

    catalog: int
    page_tree: int
    metadata: int
    info: int
    embedded: int
    file_specification: int
    form: int | None
    pages: list[int]
    contents: list[int]
    fields: list[int]
    outline: list[int]


def _planned(body: _Body, pages: int, fields: int, bookmarks: int) -> _Plan:
    return _Plan(
        catalog=body.reserve(),
        page_tree=body.reserve(),
        metadata=body.reserve(),
        info=body.reserve(),
        embedded=body.reserve(),
        file_specification=body.reserve(),
        form=body.reserve() if fields else None,
        pages=[body.reserve() for _ in range(pages)],
        contents=[body.reserve() for _ in range(pages)],
        fields=[body.reserve() for _ in range(fields)],
        outline=[body.reserve() for _ in range(bookmarks + 1)] if bookmarks else [],
    )


def _sealed(constant: _Constant, body: _Body, plan: _Plan) -> bytes:
    """All parts in one piece; the file's identifier is a digest of what stands before the trailer."""
    content = b"".join(body.parts)
    digest = constant.digest_state.copy()
    digest.update(content)
    identifier = digest.hexdigest()[:32].encode()
    trailer = b"/Root %d 0 R/Info %d 0 R/ID[<%b><%b>]" % (plan.catalog, plan.info, identifier, identifier)
    return constant.content + content + body.cross_references(trailer)


@cache
def _constant() -> _Constant:
    faces = (regular(), bold())
    objects: list[bytes] = []
    names = []
    for face in faces:
        names.append(f"/{face.resource_name} {len(objects) + 1} 0 R")
        objects += face.pdf_objects(len(objects) + 1)
    objects.append(_stream(_PROFILE.read_bytes(), b"/N 3"))
    objects.append(
        b"<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB IEC61966-2.1)"
        b"/DestOutputProfile %d 0 R>>" % len(objects)
    )
    output_intent = len(objects)
    objects.append(f"<</Font<<{''.join(names)}>>>>".encode())
    content, offsets = _HEADER, []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, item)
    return _Constant(content, tuple(offsets), hashlib.sha256(content), len(objects), output_intent)


def _catalog(plan: _Plan, description: Description, data_file: DataFile, output_intent: int) -> bytes:
    return (
        b"<</Type/Catalog/Pages %d 0 R/Lang%b/Metadata %d 0 R/OutputIntents[%d 0 R]"
        b"/ViewerPreferences<</DisplayDocTitle true>>/AF[%d 0 R]"
        b"/Names<</EmbeddedFiles<</Names[%b %d 0 R]>>>>%b%b>>"
    ) % (
        plan.page_tree,
        _string(description.language),
        plan.metadata,
        output_intent,
        plan.file_specification,
        _string(data_file.name),
        plan.file_specification,
        b"/AcroForm %d 0 R" % plan.form if plan.form else b"",
        b"/Outlines %d 0 R" % plan.outline[0] if plan.outline else b"",
    )


def _page(plan: _Plan, index: int, resources: int, widgets: Sequence[int]) -> bytes:
    return b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %.2f %.2f]/Resources %d 0 R/Contents %d 0 R%b>>" % (
        plan.page_tree,
        *A4,
        resources,
        plan.contents[index],
        b"/Annots[%b]" % _listed(widgets) if widgets else b"",
    )


@dataclass(frozen=True)
class _Appearances:
    """One form XObject for all boxes that look alike: what is written, and its number by the field's name."""

    written: list[tuple[int, bytes]]
    number_of: dict[str, int]


def _appearances(body: _Body, fields: Sequence[SignatureField], resources: int) -> _Appearances:
    numbers: dict[bytes, int] = {}
    number_of: dict[str, int] = {}
    for field in fields:
        if field.box is None:
            continue
        size = (field.box.width, field.box.height, resources)
        entries = b"/Type/XObject/Subtype/Form/BBox[0 0 %.2f %.2f]/Resources %d 0 R" % size
        content = _stream(field.appearance, entries)
        if content not in numbers:
            numbers[content] = body.reserve()
        number_of[field.name] = numbers[content]
    return _Appearances([(number, content) for content, number in numbers.items()], number_of)


def _widget(field: SignatureField, page: int, appearance: int | None) -> bytes:
    """A signature field and its only widget in one dictionary."""
    box = field.box
    rectangle = (
        b"%.2f %.2f %.2f %.2f" % (box.x, box.y, box.x + box.width, box.y + box.height) if box else b"0 0 0 0"
    )
    return b"<</Type/Annot/Subtype/Widget/FT/Sig/T%b/TU%b/F %d/Rect[%b]/P %d 0 R%b>>" % (
        _string(field.name),
        _string(field.tooltip),
        _WIDGET_FLAGS,
        rectangle,
        page,
        b"/AP<</N %d 0 R>>" % appearance if appearance else b"",
    )


def _embedded_file(data_file: DataFile, day: date) -> bytes:
    entries = b"/Type/EmbeddedFile/Subtype/%b/Params<</Size %d/ModDate(D:%b000000Z)>>" % (
        data_file.media_type.replace("/", "#2F").encode(),
        len(data_file.content),
        day.strftime("%Y%m%d").encode(),
    )
    return _stream(data_file.content, entries)


def _file_specification(data_file: DataFile, embedded: int) -> bytes:
    name = _string(data_file.name)
    return b"<</Type/Filespec/F%b/UF%b/Desc%b/AFRelationship/Data/EF<</F %d 0 R/UF %d 0 R>>>>" % (
        name,
        name,
        _string(data_file.description),
        embedded,
        embedded,
    )


def _listed(numbers: Sequence[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _stream(content: bytes, entries: bytes, *, deflate: bool = True) -> bytes:
    if deflate:
        content = zlib.compress(content, _LEVEL)
        entries += b"/Filter/FlateDecode"
    return b"<</Length %d%b>>\nstream\n%b\nendstream" % (len(content), entries, content)


def _string(text: str) -> bytes:
    """A text string: as a literal when plain ASCII, else UTF-16 with a byte order mark."""
    if text.isascii() and text.isprintable():
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        return f"({escaped})".encode()
    return f"<FEFF{text.encode('utf-16-be').hex().upper()}>".encode()


def _xmp(description: Description) -> bytes:
    """The metadata packet; not deflated, so that a search finds it without reading PDF."""
    return _XMP.format(
        title=escape(description.title),
        identifier=escape(description.identifier),
        language=escape(description.language),
        day=description.day.isoformat(),
        producer=PRODUCER,
    ).encode()


_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format><dc:identifier>{identifier}</dc:identifier>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>{day}</xmp:CreateDate><xmp:ModifyDate>{day}</xmp:ModifyDate>
<pdf:Producer>{producer}</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
