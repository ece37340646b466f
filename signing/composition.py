"""Compose what signing adds to a file: a signature's revision, validation data, an archive timestamp.

Everything that one revision changes is collected first and written once, in revision.py's order.
"""

from dataclasses import dataclass
from typing import Any

from fonts import Face
from signing.errors import FieldError
from signing.longterm import LongTermData
from signing.opened import OpenedPdf, box_of, page_area
from signing.pdf_objects import Raw, Ref, write
from signing.placeholder import Gap, Placeholder, fill_range, pdf_text
from signing.revision import Update
from signing.stamp import Appearance, faces, stamp_content

_PRINT, _LOCKED = 4, 128
# Invisible, Hidden, NoView, ToggleNoView: PDF/A forbids all of them.
_HIDING = 1 | 2 | 32 | 256
_SIGNATURES_EXIST_APPEND_ONLY = 3
# The developer extension under which /DSS was added to PDF 1.7.
_ESIC = b"<</ESIC<</Type/DeveloperExtensions/BaseVersion/1.7/ExtensionLevel 1>>>>"


@dataclass(frozen=True)
class NewField:
    """A signature field to add: name, page index, box in points (None: invisible), spoken label."""

    name: str
    page: int = 0
    box: tuple[float, float, float, float] | None = None
    label: str = ""


@dataclass(frozen=True)
class Composed:
    """A revision, and its signature's gap (/ByteRange filled in, /Contents zeros)."""

    data: bytes
    gap: Gap


class Composer:
    """Changes to one opened PDF, ending in one revision. Methods raise FieldError or DocumentRefusedError."""

    def __init__(self, opened: OpenedPdf) -> None:
        self.opened = opened
        self._update = Update(opened.layout)
        self._edited: dict[Ref, Any] = {}
        self._fresh: dict[str, Ref] = {}
        self._embedded: dict[str, Ref] = {}

    def add_field(self, field: NewField) -> None:
        """Add a signature field, and a form when there is none."""
        if self.opened.has_field(field.name) or field.name in self._fresh:
            raise FieldError(f"There is a field {field.name!r} already.", hint="Choose another name.")
        pages = list(self.opened.pages())
        if not 0 <= field.page < len(pages):
            raise FieldError(
                f"There is no page {field.page + 1}; the document has {len(pages)}.", hint="Name one of them."
            )
        if field.box is not None:
            self._require_on_page(field.box, field.page, pages[field.page])
        ref = Ref(self._update.reserve(), 0)
        self._fresh[field.name] = ref
        self._edited[ref] = {
            "/Type": "/Annot",
            "/Subtype": "/Widget",
            "/FT": "/Sig",
            "/F": _number(_PRINT | _LOCKED),
            "/Rect": [Raw(b"%.2f" % value) for value in field.box or (0, 0, 0, 0)],
            "/T": Raw(pdf_text(field.name)),
            "/TU": Raw(pdf_text(field.label or field.name)),
            "/P": pages[field.page],
        }
        self._extend(self._form(), "/Fields", ref)
        self._extend(self._edit(pages[field.page]), "/Annots", ref)

    def _require_on_page(self, box: tuple[float, float, float, float], number: int, page: Ref) -> None:
        """Refuse a box that is not wholly within what is shown of its page."""
        left, bottom, right, top = page_area(self.opened, page)
        if not (left <= box[0] and bottom <= box[1] and box[2] <= right and box[3] <= top):
            raise FieldError(
                f"The box lies outside page {number + 1}, which goes from {left:.0f} to {right:.0f} points"
                f" across and from {bottom:.0f} to {top:.0f} upwards.",
                hint="Choose a box within the page.",
            )

    def sign(self, name: str, signature: Placeholder, appearance: Appearance | None) -> int:
        """Put a signature dictionary into a field, with a stamp where it is visible; returns its number."""
        value = self._update.add(signature.body)
        self._edit(self._field_ref(name))["/V"] = Ref(value, 0)
        widget = self._edit(self._fresh.get(name) or self.opened.widget_ref(name))
        flags = int(self.opened.entry(widget, "/F", 0))
        widget["/F"] = _number((flags | _PRINT) & ~_HIDING)
        left, bottom, right, top = box_of(self.opened, widget)
        if appearance is not None and right > left and top > bottom:
            widget["/AP"] = {"/N": Ref(self._stamp(appearance, right - left, top - bottom), 0)}
        if int(self.opened.entry(self.opened.form, "/SigFlags", 0)) != _SIGNATURES_EXIST_APPEND_ONLY:
            self._form()["/SigFlags"] = _number(_SIGNATURES_EXIST_APPEND_ONLY)
        return value

    def embed(self, data: LongTermData) -> None:
        """Add validation data to the document security store; what it holds already is not added again."""
        catalog = self.opened.catalog
        store = dict(self.opened.entry(catalog, "/DSS", {"/Type": "/DSS"}))
        for key, values in (("/Certs", data.certificates), ("/OCSPs", data.ocsps), ("/CRLs", data.crls)):
            there = self.opened.entry(store, key, [])
            held = {self.opened.follow(ref).data for ref in there}
            added = [Ref(self._update.add_stream(each), 0) for each in values if each not in held]
            if there or added:
                store[key] = [*there, *added]
        reference = catalog.get("/DSS")
        if isinstance(reference, Ref):
            self._edited[reference] = store
            return
        changed = self._edit(self.opened.root)
        changed["/DSS"] = Ref(self._update.add(write(store)), 0)
        if "/Extensions" not in changed:
            changed["/Extensions"] = Ref(self._update.add(_ESIC), 0)

    def build(self, signature: tuple[int, Placeholder] | None) -> Composed:
        """Write the revision; with a signature its byte range is filled in."""
        for ref, value in self._edited.items():
            self._update.put(ref.number, write(value), ref.generation)
        placed = self._update.build()
        if signature is None:
            end = placed.layout.length
            return Composed(placed.data, Gap(end, end, end))
        return Composed(*fill_range(placed, *signature))

    def _stamp(self, appearance: Appearance, width: float, height: float) -> int:
        fonts = b"".join(
            b"/%b %b" % (face.resource_name.encode(), write(self._face(face))) for face in faces()
        )
        entries = b"/Type/XObject/Subtype/Form/BBox[0 0 %.2f %.2f]/Resources<</Font<<%b>>>>" % (
            width,
            height,
            fonts,
        )
        return self._update.add_stream(stamp_content(appearance, width, height), entries)

    def _face(self, face: Face) -> Ref:
        """The document's own copy of a face, else a new one."""
        fonts = self.opened.entry(self.opened.entry(self.opened.form, "/DR"), "/Font", {})
        known = fonts.get(f"/{face.resource_name}") or self._embedded.get(face.resource_name)
        if isinstance(known, Ref):
            return known
        first = self._update.reserve(face.object_count)
        for offset, body in enumerate(face.pdf_objects(first)):
            self._update.put(first + offset, body)
        self._embedded[face.resource_name] = Ref(first, 0)
        return Ref(first, 0)

    def _form(self) -> dict[str, Any]:
        """The form, to be changed: its own object, or a part of the catalog, or a new one."""
        reference = self.opened.catalog.get("/AcroForm")
        if isinstance(reference, Ref):
            return self._edit(reference)
        catalog = self._edit(self.opened.root)
        if catalog.get("/AcroForm") is reference:
            catalog["/AcroForm"] = dict(reference or {"/Fields": []})
        form: dict[str, Any] = catalog["/AcroForm"]
        return form

    def _extend(self, holder: dict[str, Any], key: str, ref: Ref) -> None:
        """Append a reference to an array that stands in a dictionary or in an object of its own."""
        array = holder.get(key, [])
        if isinstance(array, Ref):
            self._edited[array] = [*self._edited.get(array, self.opened.follow(array)), ref]
        else:
            holder[key] = [*array, ref]

    def _field_ref(self, name: str) -> Ref:
        return self._fresh.get(name) or self.opened.field_ref(name)

    def _edit(self, ref: Ref) -> dict[str, Any]:
        """A copy of an object's dictionary that will be written anew; the same copy each time."""
        if ref not in self._edited:
            self._edited[ref] = dict(self.opened.dictionary(ref))
        edited: dict[str, Any] = self._edited[ref]
        return edited


def with_validation_data(pdf: bytes, data: LongTermData) -> bytes:
    """Append a revision that holds validation data and nothing else; the same data give the same bytes."""
    return pdf + validation_data_update(OpenedPdf(pdf), data)


def validation_data_update(opened: OpenedPdf, data: LongTermData) -> bytes:
    """The revision that `with_validation_data` appends to an open file."""
    composer = Composer(opened)
    composer.embed(data)
    return composer.build(None).data


def signature_entries(*, name: str, reason: str, location: str, date: bytes) -> bytes:
    """Write a PAdES signature dictionary's entries; the claimed time is /M and nowhere else."""
    texts = b"".join(
        b"/%b %b" % (key, pdf_text(value))
        for key, value in ((b"Name", name), (b"Reason", reason), (b"Location", location))
        if value
    )
    return b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M " + date + texts


TIMESTAMP_ENTRIES = b"/Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161"


def _number(value: int) -> Raw:
    return Raw(b"%d" % value)
