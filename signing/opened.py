"""A PDF opened for appending: where its form, fields and pages are, and what its next revision must know."""

from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import misc
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.errors import DocumentRefusedError, FieldError
from signing.pdf_objects import Objects, PdfSyntaxError, PlainObjects, PyHankoObjects, Raw, Ref, text_of
from signing.revision import Layout

_DEEPEST = 64
# What pyHanko's reader is known to raise on files that are not well-formed, and our own.
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


class OpenedPdf:
    """One PDF, read as far as needed; raises DocumentRefusedError when it is malformed or encrypted."""

    def __init__(self, pdf: bytes) -> None:
        if not pdf.startswith(b"%PDF-"):
            raise DocumentRefusedError(
                "The file does not begin as a PDF.", hint="Give a PDF file, with nothing before its header."
            )
        self._pdf = pdf
        self._objects = self._open()
        try:
            number, generation = self.layout.root.split()
            self.root = Ref(int(number), int(generation))
            self.catalog = self.dictionary(self.root)
        except UNREADABLE as error:
            raise malformed(error) from error

    def _open(self) -> Objects:
        try:
            return PlainObjects(self._pdf)
        except PdfSyntaxError:
            try:
                return PyHankoObjects(self.reader, len(self._pdf))
            except UNREADABLE as error:
                raise malformed(error) from error

    @cached_property
    def _fields(self) -> dict[str, Ref]:
        """The signature fields by their full names."""
        try:
            return dict(self._collect(self.entry(self.form, "/Fields", []), "", None, set(), 0))
        except UNREADABLE as error:
            raise malformed(error) from error

    @cached_property
    def reader(self) -> PdfFileReader:
        """PyHanko's strict reader of the same file."""
        try:
            reader = PdfFileReader(BytesIO(self._pdf))
        except UNREADABLE as error:
            raise malformed(error) from error
        if reader.encrypted:
            raise DocumentRefusedError(
                "The PDF is encrypted.", hint="Save it without a password, then sign that file."
            )
        return reader

    @property
    def layout(self) -> Layout:
        """What the next revision must know of this file."""
        return self._objects.layout

    @property
    def form(self) -> Any:
        """The interactive form, or None."""
        return self.entry(self.catalog, "/AcroForm")

    @property
    def any_signed(self) -> bool:
        """Whether the document holds any signature or timestamp."""
        return any("/V" in self.dictionary(ref) for ref in self._fields.values())

    def follow(self, value: Any) -> Any:
        """Return what a value refers to, or the value itself."""
        return self._objects.get(value) if isinstance(value, Ref) else value

    def entry(self, holder: Any, key: str, default: Any = None) -> Any:
        """Return a dictionary's entry, references followed; the default when there is none."""
        value = self.follow(holder.get(key)) if isinstance(holder, dict) else None
        return default if value is None else value

    def dictionary(self, ref: Ref) -> dict[str, Any]:
        """Return the dictionary of an object; raises DocumentRefusedError when it is something else."""
        found = self.follow(ref)
        if not isinstance(found, dict):
            raise malformed(PdfSyntaxError(f"object {ref.number} is not a dictionary"))
        return found

    def field_names(self) -> list[str]:
        """List the full names of the signature fields."""
        return list(self._fields)

    def has_field(self, name: str) -> bool:
        """Tell whether there is a signature field of this full name."""
        return name in self._fields

    def field_ref(self, name: str) -> Ref:
        """Return a signature field's reference; raises FieldError naming those that there are."""
        if name not in self._fields:
            there = ", ".join(self._fields) or "none"
            raise FieldError(
                f"There is no signature field {name!r}; the document has: {there}.", hint="Name one of them."
            )
        return self._fields[name]

    def field(self, name: str) -> dict[str, Any]:
        """Return a signature field's dictionary; raises FieldError."""
        return self.dictionary(self.field_ref(name))

    def is_signed(self, name: str) -> bool:
        """Tell whether a field holds a signature or timestamp already; raises FieldError."""
        return "/V" in self.field(name)

    def widget_ref(self, name: str) -> Ref:
        """Return the field's one widget: the field itself, or its single kid. Raises FieldError."""
        kids = self.entry(self.field(name), "/Kids")
        if kids is None:
            return self.field_ref(name)
        if len(kids) != 1 or not isinstance(kids[0], Ref):
            raise FieldError(
                f"The signature field {name!r} stands on the pages {len(kids)} times.",
                hint="Sign a field that stands there once.",
            )
        return kids[0]

    def pages(self) -> Iterator[Ref]:
        """Yield the references of the pages in order."""
        yield from self._pages_below(self.catalog.get("/Pages"), 0, set())

    def _pages_below(self, ref: Any, depth: int, seen: set[Ref]) -> Iterator[Ref]:
        if not isinstance(ref, Ref) or depth > _DEEPEST:
            raise malformed(PdfSyntaxError("the page tree is too deep, or not one of references"))
        if ref in seen:
            raise malformed(PdfSyntaxError(f"object {ref.number} stands in the page tree twice"))
        seen.add(ref)
        found = self.dictionary(ref)
        if "/Kids" not in found:
            yield ref
            return
        for kid in self.entry(found, "/Kids"):
            yield from self._pages_below(kid, depth + 1, seen)

    def _collect(
        self, fields: Any, prefix: str, kind: Any, seen: set[Ref], depth: int
    ) -> Iterator[tuple[str, Ref]]:
        if depth > _DEEPEST:
            raise PdfSyntaxError("the form's fields are nested too deep")
        for ref in fields:
            if isinstance(ref, Ref):
                if ref in seen:
                    raise PdfSyntaxError(f"object {ref.number} stands in the form twice")
                seen.add(ref)
            field = self.follow(ref)
            name = self.entry(field, "/T")
            if name is None:
                continue  # a kid without a name is a widget of its parent
            full_name = prefix + text_of(name)
            own_kind = self.entry(field, "/FT", kind)
            if own_kind == "/Sig" and isinstance(ref, Ref):
                yield full_name, ref
            elif "/Kids" in field:
                kids = self.entry(field, "/Kids")
                yield from self._collect(kids, f"{full_name}.", own_kind, seen, depth + 1)


def box_of(opened: OpenedPdf, widget: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return a widget's rectangle in points, lower left corner first; all zero when it has none."""
    return _rectangle(opened, opened.entry(widget, "/Rect", [Raw(b"0")] * 4))


def page_area(opened: OpenedPdf, page: Ref) -> tuple[float, float, float, float]:
    """Return what is shown of a page, in points: its crop box within its media box, both inheritable."""
    found = {}
    above: Any = page
    for _ in range(_DEEPEST):
        node = opened.follow(above)
        for key in ("/MediaBox", "/CropBox"):
            box = opened.entry(node, key)
            if box is not None and key not in found:
                found[key] = _rectangle(opened, box)
        above = node.get("/Parent") if isinstance(node, dict) else None
        if above is None:
            break
    media = found.get("/MediaBox", (0.0, 0.0, 612.0, 792.0))  # as readers take a page without one: letter
    crop = found.get("/CropBox", media)
    return (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))


def _rectangle(opened: OpenedPdf, values: Any) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(opened.follow(value)) for value in values)
    return (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def malformed(error: Exception) -> Exception:
    """Turn what reading a malformed file raised into our own refusal; our own errors stay what they are."""
    if isinstance(error, DocumentRefusedError | FieldError):
        return error
    return DocumentRefusedError(
        f"The PDF can't be read: {error or type(error).__name__}.", hint="Save or print it to a new PDF."
    )
