"""A PDF opened for appending: where its form, fields and pages are, and what its next revision must know.

Reading is pyHanko's, strict; writing is in revision.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.errors import DocumentRefusedError, FieldError
from signing.revision import Layout

_DEEPEST_FIELD = 16
# What pyHanko's reader is known to raise on files that are not well-formed.
UNREADABLE = (
    misc.PdfError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OSError,
    AssertionError,
    NotImplementedError,
    RecursionError,
    ZeroDivisionError,
)


@dataclass(frozen=True)
class SignatureField:
    """A signature field: full name, object number and generation, page index (None: on no page), box in points."""

    name: str
    number: int
    generation: int
    signed: bool
    page: int | None
    box: tuple[float, float, float, float]

    @property
    def visible(self) -> bool:
        """Tell whether the field has an area on its page."""
        return self.box[2] > self.box[0] and self.box[3] > self.box[1]


class OpenedPdf:
    """One PDF, read as far as needed. Methods raise DocumentRefusedError when the file is malformed."""

    def __init__(self, pdf: bytes) -> None:
        if not pdf.startswith(b"%PDF-"):
            raise DocumentRefusedError(
                "The file does not begin as a PDF.", hint="Give a PDF file, with nothing before its header."
            )
        try:
            self.reader = PdfFileReader(BytesIO(pdf))
            if self.reader.encrypted:
                raise DocumentRefusedError(
                    "The PDF is encrypted.", hint="Save it without a password, then sign that file."
                )
            self.layout = self._layout(len(pdf))
            self.catalog: generic.DictionaryObject = self.reader.root
        except UNREADABLE as error:
            raise malformed(error) from error
        self._fields: dict[str, tuple[Any, generic.DictionaryObject]] | None = None

    def _layout(self, length: int) -> Layout:
        trailer = self.reader.trailer
        identifier = trailer["/ID"][0] if "/ID" in trailer else b""
        raw = getattr(identifier, "original_bytes", identifier)
        return Layout(
            length=length,
            startxref=self.reader.last_startxref,
            size=int(trailer["/Size"]),
            root=_reference(trailer.raw_get("/Root")),
            info=_reference(trailer.raw_get("/Info")) if "/Info" in trailer else "",
            first_id=bytes(raw).hex(),
            stream_xref=self.reader.has_xref_stream,
        )

    @property
    def form(self) -> generic.DictionaryObject | None:
        """The interactive form, or None."""
        return self.catalog["/AcroForm"] if "/AcroForm" in self.catalog else None

    @property
    def form_reference(self) -> generic.IndirectObject | None:
        """The form's own object, or None where it stands inside the catalog or is not there."""
        raw = self.catalog.raw_get("/AcroForm") if "/AcroForm" in self.catalog else None
        return raw if isinstance(raw, generic.IndirectObject) else None

    def field(self, name: str) -> generic.DictionaryObject:
        """Return a signature field's dictionary; raises FieldError naming those that there are."""
        return self._entry(name)[1]

    def field_reference(self, name: str) -> tuple[int, int]:
        """Return a signature field's object number and generation; raises FieldError."""
        raw = self._entry(name)[0]
        return raw.idnum, raw.generation

    def has_field(self, name: str) -> bool:
        """Tell whether there is a signature field of this full name."""
        return name in self._signature_fields()

    def field_names(self) -> list[str]:
        """List the full names of the signature fields."""
        return list(self._signature_fields())

    def is_signed(self, name: str) -> bool:
        """Tell whether a field holds a signature or timestamp already."""
        return "/V" in self.field(name)

    def any_signed(self) -> bool:
        """Tell whether the document holds any signature or timestamp."""
        return any("/V" in field for _, field in self._signature_fields().values())

    def widget(self, name: str) -> tuple[tuple[int, int], generic.DictionaryObject]:
        """Return the field's one widget: its own object, or its single kid. Raises FieldError."""
        field = self.field(name)
        if "/Kids" not in field:
            return self.field_reference(name), field
        kids = field["/Kids"]
        if len(kids) != 1:
            raise FieldError(
                f"The signature field {name!r} stands on the page {len(kids)} times.",
                hint="Sign a field that stands there once.",
            )
        raw = kids.raw_get(0)
        return (raw.idnum, raw.generation), raw.get_object()

    def pages(self) -> Iterator[generic.IndirectObject]:
        """Yield the references of the pages in order."""
        yield from self._pages_below(self.catalog.raw_get("/Pages"), 0)

    def _pages_below(self, raw: Any, depth: int) -> Iterator[generic.IndirectObject]:
        found = raw.get_object()
        if depth > _DEEPEST_FIELD * 4:
            raise DocumentRefusedError("The page tree is too deep.", hint="Print the document to a new PDF.")
        if "/Kids" not in found:
            yield raw
            return
        kids = found["/Kids"]
        for index in range(len(kids)):
            yield from self._pages_below(kids.raw_get(index), depth + 1)

    def _entry(self, name: str) -> tuple[Any, generic.DictionaryObject]:
        fields = self._signature_fields()
        if name not in fields:
            there = ", ".join(fields) or "none"
            raise FieldError(
                f"There is no signature field {name!r}; the document has: {there}.", hint="Name one of them."
            )
        return fields[name]

    def _signature_fields(self) -> dict[str, tuple[Any, generic.DictionaryObject]]:
        if self._fields is None:
            try:
                form = self.form
                top = form["/Fields"] if form is not None and "/Fields" in form else []
                self._fields = dict(self._collect(top, "", None, 0))
            except UNREADABLE as error:
                raise malformed(error) from error
        return self._fields

    def _collect(
        self, fields: Any, prefix: str, kind: Any, depth: int
    ) -> Iterator[tuple[str, tuple[Any, generic.DictionaryObject]]]:
        if depth > _DEEPEST_FIELD:
            raise DocumentRefusedError(
                "The form's fields are nested too deep.", hint="Print it to a new PDF."
            )
        for index in range(len(fields)):
            raw = fields.raw_get(index)
            field = raw.get_object()
            if "/T" not in field:
                continue  # a kid without a name is a widget of its parent
            name = f"{prefix}{field['/T']}"
            own_kind = field["/FT"] if "/FT" in field else kind
            if own_kind == "/Sig":
                yield name, (raw, field)
            elif "/Kids" in field:
                yield from self._collect(field["/Kids"], f"{name}.", own_kind, depth + 1)


def signature_fields(pdf: bytes) -> tuple[SignatureField, ...]:
    """List a PDF's signature fields in the form's order; raises DocumentRefusedError."""
    opened = OpenedPdf(pdf)
    page_numbers = {page.idnum: index for index, page in enumerate(opened.pages())}
    return tuple(_described(opened, name, page_numbers) for name in opened.field_names())


def _described(opened: OpenedPdf, name: str, page_numbers: dict[int, int]) -> SignatureField:
    number, generation = opened.field_reference(name)
    _, widget = opened.widget(name)
    return SignatureField(
        name=name,
        number=number,
        generation=generation,
        signed=opened.is_signed(name),
        page=page_numbers.get(widget.raw_get("/P").idnum) if "/P" in widget else None,
        box=box_of(widget),
    )


def box_of(widget: generic.DictionaryObject) -> tuple[float, float, float, float]:
    """Return a widget's rectangle in points, lower left corner first; all zero when it has none."""
    if "/Rect" not in widget:
        return (0.0, 0.0, 0.0, 0.0)
    x1, y1, x2, y2 = (float(value) for value in widget["/Rect"])
    return (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def body_of(value: generic.PdfObject) -> bytes:
    """Write a PDF object as it stands in a file."""
    stream = BytesIO()
    value.write_to_stream(stream, None)
    return stream.getvalue()


def malformed(error: Exception) -> DocumentRefusedError:
    """Turn what the reader raised on a malformed file into our own refusal."""
    if isinstance(error, DocumentRefusedError):
        return error
    return DocumentRefusedError(
        f"The PDF can't be read: {error or type(error).__name__}.", hint="Save or print it to a new PDF."
    )


def _reference(raw: Any) -> str:
    return f"{raw.idnum} {raw.generation}"
