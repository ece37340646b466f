"""Compose what a signature adds to a file: the signature's revision, validation data, the archive timestamp.

Everything that one revision changes is collected first and written once, in revision.py's order.
"""

from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from fonts import Face
from signing.errors import FieldError
from signing.longterm import LongTermData
from signing.opened import UNREADABLE, OpenedPdf, body_of, box_of, malformed
from signing.placeholder import Gap, Placeholder, fill_range, pdf_text
from signing.revision import Layout, Update
from signing.stamp import Appearance, faces, stamp_content

_PRINT, _LOCKED = 4, 128
# Invisible, Hidden, NoView, ToggleNoView: a signature under PDF/A may carry none of them (ISO 19005-2, 6.3.2).
_HIDING = 1 | 2 | 32 | 256
_SIGNATURES_EXIST_APPEND_ONLY = 3
# The developer extension under which /DSS was added to PDF 1.7.
_ESIC = b"<</ESIC<</Type/DeveloperExtensions/BaseVersion/1.7/ExtensionLevel 1>>>>"
_BARE = Any  # pyHanko's objects, which are dictionaries and lists of themselves


@dataclass(frozen=True)
class NewField:
    """A signature field to add: name, page index, box in points (None: invisible), label for assistive software."""

    name: str
    page: int = 0
    box: tuple[float, float, float, float] | None = None
    label: str = ""


@dataclass(frozen=True)
class FieldSlot:
    """A field that waits for its value: object number, generation, and its dictionary's bytes."""

    number: int
    generation: int
    body: bytes

    def filled_with(self, value: int) -> bytes:
        """Return the dictionary with /V pointing to object `value`."""
        return self.body[: self.body.rindex(b">>")] + b"/V %d 0 R>>" % value


@dataclass(frozen=True)
class Composed:
    """A revision with its signature's gap (/ByteRange filled in, /Contents zeros), and the layout after it."""

    data: bytes
    gap: Gap
    layout: Layout


class Composer:
    """Changes to one opened PDF, ending in one revision. Methods raise FieldError or DocumentRefusedError."""

    def __init__(self, opened: OpenedPdf) -> None:
        self.opened = opened
        self._update = Update(opened.layout)
        self._edited: dict[int, tuple[int, generic.DictionaryObject | generic.ArrayObject]] = {}
        self._fresh: dict[str, int] = {}

    def add_field(self, field: NewField) -> None:
        """Add a signature field, and a form when there is none."""
        if self.opened.has_field(field.name) or field.name in self._fresh:
            raise FieldError(f"There is a field {field.name!r} already.", hint="Choose another name.")
        pages = list(self.opened.pages())
        if not 0 <= field.page < len(pages):
            raise FieldError(
                f"There is no page {field.page + 1}; the document has {len(pages)}.", hint="Name one of them."
            )
        page = pages[field.page]
        widget = _dictionary(
            {"/Type": "/Annot", "/Subtype": "/Widget", "/FT": "/Sig", "/F": _PRINT | _LOCKED}
        )
        widget[pdf_name("/Rect")] = generic.ArrayObject(
            generic.FloatObject(value) for value in field.box or (0, 0, 0, 0)
        )
        widget[pdf_name("/T")] = generic.TextStringObject(field.name)
        widget[pdf_name("/TU")] = generic.TextStringObject(field.label or field.name)
        widget[pdf_name("/P")] = page
        number = self._update.reserve()
        self._fresh[field.name] = number
        self._edited[number] = (0, widget)
        self._extend(self._form(), "/Fields", number)
        self._extend(self._edit(page), "/Annots", number)

    def sign(self, name: str, signature: Placeholder, appearance: Appearance | None) -> int:
        """Put a signature dictionary into a field, with a stamp where the field is visible; returns its number."""
        value = self._update.add(signature.body)
        field = self._field(name)
        field[pdf_name("/V")] = self._reference(value)
        widget = self._widget(name, field)
        flags = int(widget["/F"]) if "/F" in widget else 0
        widget[pdf_name("/F")] = generic.NumberObject((flags | _PRINT) & ~_HIDING)
        left, bottom, right, top = box_of(widget)
        if appearance is not None and right > left and top > bottom:
            stamp = self._stamp(appearance, right - left, top - bottom)
            widget[pdf_name("/AP")] = _dictionary({"/N": self._reference(stamp)})
        self._mark_signed()
        return value

    def embed(self, data: LongTermData) -> None:
        """Add validation data to the document security store; what it holds already is not added again."""
        before = self.opened.catalog
        raw = before.raw_get("/DSS") if "/DSS" in before else None
        store = _dictionary({"/Type": "/DSS"}) if raw is None else _copy(raw.get_object())
        for key, values in (("/Certs", data.certificates), ("/OCSPs", data.ocsps), ("/CRLs", data.crls)):
            there = store[key] if key in store else generic.ArrayObject()
            held = {bytes(there[index].data) for index in range(len(there))}
            added = [self._reference(self._update.add_stream(each)) for each in values if each not in held]
            if there or added:
                refs = [there.raw_get(index) for index in range(len(there))]
                store[pdf_name(key)] = generic.ArrayObject([*refs, *added])
        if isinstance(raw, generic.IndirectObject):
            self._edited[raw.idnum] = (raw.generation, store)
            return
        catalog = self._edit(self._root())
        catalog[pdf_name("/DSS")] = self._reference(self._update.add(body_of(store)))
        if "/Extensions" not in catalog:
            catalog[pdf_name("/Extensions")] = self._reference(self._update.add(_ESIC))

    def slot(self, name: str) -> FieldSlot:
        """Return a field as it will stand after this revision, ready to be given a value later."""
        field = self._field(name)
        number, generation = self._locate(name)
        return FieldSlot(number, generation, body_of(field))

    def build(self, signature: tuple[int, Placeholder] | None) -> Composed:
        """Write the revision; with a signature its byte range is filled in."""
        for number, (generation, edited) in self._edited.items():
            self._update.put(number, body_of(edited), generation)
        placed = self._update.build()
        if signature is None:
            end = placed.layout.length
            return Composed(placed.data, Gap(end, end, end), placed.layout)
        data, gap = fill_range(placed, *signature)
        return Composed(data, gap, placed.layout)

    def _stamp(self, appearance: Appearance, width: float, height: float) -> int:
        fonts = b"".join(b"/%b %d 0 R" % (face.resource_name.encode(), self._face(face)) for face in faces())
        entries = b"/Type/XObject/Subtype/Form/BBox[0 0 %.2f %.2f]/Resources<</Font<<%b>>>>" % (
            width,
            height,
            fonts,
        )
        return self._update.add_stream(stamp_content(appearance, width, height), entries)

    def _face(self, face: Face) -> int:
        """The document's own copy of a face, else a new one."""
        form = self.opened.form
        resources = form["/DR"] if form is not None and "/DR" in form else {}
        fonts = resources["/Font"] if "/Font" in resources else {}
        if f"/{face.resource_name}" in fonts:
            return int(fonts.raw_get(f"/{face.resource_name}").idnum)
        first = self._update.reserve(face.object_count)
        for offset, body in enumerate(face.pdf_objects(first)):
            self._update.put(first + offset, body)
        return first

    def _mark_signed(self) -> None:
        form = self.opened.form
        if form is None or "/SigFlags" not in form or int(form["/SigFlags"]) != _SIGNATURES_EXIST_APPEND_ONLY:
            self._form()[pdf_name("/SigFlags")] = generic.NumberObject(_SIGNATURES_EXIST_APPEND_ONLY)

    def _form(self) -> generic.DictionaryObject:
        """The form, to be changed: its own object, or a part of the catalog, or a new one."""
        reference = self.opened.form_reference
        if reference is not None:
            return self._edit(reference)
        catalog = self._edit(self._root())
        if "/AcroForm" not in catalog:
            catalog[pdf_name("/AcroForm")] = _dictionary({"/Fields": generic.ArrayObject()})
        elif catalog["/AcroForm"] is self.opened.form:
            catalog[pdf_name("/AcroForm")] = _copy(catalog["/AcroForm"])
        return catalog["/AcroForm"]

    def _extend(self, holder: generic.DictionaryObject, key: str, number: int) -> None:
        """Append a reference to an array that stands in a dictionary or in an object of its own."""
        raw = holder.raw_get(key) if key in holder else generic.ArrayObject()
        if isinstance(raw, generic.IndirectObject):
            array = self._edited.setdefault(
                raw.idnum, (raw.generation, generic.ArrayObject(list.__iter__(raw.get_object())))
            )[1]
            array.append(self._reference(number))
            return
        holder[pdf_name(key)] = generic.ArrayObject([*list.__iter__(raw), self._reference(number)])

    def _field(self, name: str) -> generic.DictionaryObject:
        if name in self._fresh:
            return self._edited[self._fresh[name]][1]
        number, generation = self.opened.field_reference(name)
        return self._edit(self._reference(number, generation), self.opened.field(name))

    def _locate(self, name: str) -> tuple[int, int]:
        return (self._fresh[name], 0) if name in self._fresh else self.opened.field_reference(name)

    def _widget(self, name: str, field: generic.DictionaryObject) -> generic.DictionaryObject:
        if name in self._fresh:
            return field
        (number, generation), widget = self.opened.widget(name)
        return (
            field
            if number == self._locate(name)[0]
            else self._edit(self._reference(number, generation), widget)
        )

    def _edit(self, reference: _BARE, known: generic.DictionaryObject | None = None) -> _BARE:
        """A copy of an object that will be written anew; the same copy each time."""
        if reference.idnum not in self._edited:
            try:
                found = known if known is not None else reference.get_object()
            except UNREADABLE as error:
                raise malformed(error) from error
            self._edited[reference.idnum] = (reference.generation, _copy(found))
        return self._edited[reference.idnum][1]

    def _root(self) -> generic.IndirectObject:
        number, generation = self.opened.layout.root.split()
        return self._reference(int(number), int(generation))

    def _reference(self, number: int, generation: int = 0) -> generic.IndirectObject:
        return generic.IndirectObject(number, generation, self.opened.reader)


def compose_archive(layout: Layout, slot: FieldSlot, signature: Placeholder) -> Composed:
    """Compose the archive timestamp's revision from what was kept, without reading the file again."""
    update = Update(layout)
    value = update.add(signature.body)
    update.put(slot.number, slot.filled_with(value), slot.generation)
    placed = update.build()
    data, gap = fill_range(placed, value, signature)
    return Composed(data, gap, placed.layout)


def signature_entries(*, name: str, reason: str, location: str, date: bytes) -> bytes:
    """Write a PAdES signature dictionary's entries; the claimed time is /M and nowhere else."""
    texts = b"".join(
        b"/%b %b" % (key, pdf_text(value))
        for key, value in ((b"Name", name), (b"Reason", reason), (b"Location", location))
        if value
    )
    return b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M " + date + texts


TIMESTAMP_ENTRIES = b"/Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161"


def _copy(found: generic.DictionaryObject) -> generic.DictionaryObject:
    copied = generic.DictionaryObject()
    copied.update({key: found.raw_get(key) for key in found})
    return copied


def _dictionary(entries: dict[str, _BARE]) -> generic.DictionaryObject:
    made = generic.DictionaryObject()
    for key, value in entries.items():
        if isinstance(value, str):
            value = pdf_name(value)
        elif isinstance(value, int) and not isinstance(value, generic.PdfObject):
            value = generic.NumberObject(value)
        made[pdf_name(key)] = value
    return made
